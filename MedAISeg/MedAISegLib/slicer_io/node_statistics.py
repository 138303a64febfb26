"""Volume and mean of a node's segments as they are now, by the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..app.exchange import create_array_in_pieces, open_array, release
from ..app.protocol import MeasureReply, MeasureRequest, Reply, Request, SegmentationRecord, VolumeRecord
from ..core.geometry import VolumeGeometry
from ..core.result import SegmentResult
from .dicom_origin import Origin
from .edited import confirm_checksums
from .labelmaps import labels_on_grid
from .node_segments import RecordedNode, record_node
from .node_stamp import segment_stamp
from .pump import Pieces
from .run_inputs import Bound, send

Ask = Callable[[Request], Pieces[Reply]]
"""The worker's reply to a request, in pieces."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers by segment ID, of the segments that have not changed while they were taken."""

    results: Mapping[str, SegmentResult]


def measure_node(node: Any, folder: Path, ask: Ask) -> Pieces[Measured]:
    """Volume, and statistics of the reference volume where the node has one.

    Raises:
        InputError: if the segments have no labelmap, or the image keeps changing, as in a sequence that is played.
        MedAISegError: what the worker answers.
    """
    recorded = yield from record_node(node, folder)
    reply = yield from measure_record(node, recorded, folder, ask)
    by_id = dict(zip(recorded.segment_ids, reply.segments, strict=True))
    unchanged = {i: result for i, result in by_id.items() if _is_unchanged(node, i, recorded)}
    names = {i: s.name for i, s in zip(recorded.segment_ids, recorded.record.segments, strict=True)}
    confirm_checksums(node, {i: reply.checksums[names[i]] for i in unchanged})
    return Measured(unchanged)


def measure_record(node: Any, recorded: RecordedNode, folder: Path, ask: Ask) -> Pieces[MeasureReply]:
    """The worker's numbers of what was recorded, in its order.

    Where the image lies on another grid, volumes are taken on the segments' grid and intensities on the image's, as
    Slicer's Segment Statistics does it.
    """
    volume = yield from _reference_volume(node, folder)
    if volume is None or volume.geometry.matches(recorded.record.geometry):
        return cast("MeasureReply", (yield from ask(MeasureRequest(folder, recorded.record, volume))))
    reply = cast("MeasureReply", (yield from ask(MeasureRequest(folder, recorded.record))))
    on_image = yield from _record_on_grid(recorded.record, volume.geometry, folder)
    inside = cast("MeasureReply", (yield from ask(MeasureRequest(folder, on_image, volume))))
    results = tuple(
        replace(
            own,
            mean=values.mean,
            standard_deviation=values.standard_deviation,
            minimum=values.minimum,
            maximum=values.maximum,
        )
        for own, values in zip(reply.segments, inside.segments, strict=True)
    )
    return replace(reply, segments=results)


def _reference_volume(node: Any, folder: Path) -> Pieces[VolumeRecord | None]:
    volume_node = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    if volume_node is None or volume_node.GetImageData() is None:
        return None
    sent = yield from send(folder, {"image": Bound(volume_node, Origin())}, lambda _fraction: None)
    return sent["image"].record


def _record_on_grid(record: SegmentationRecord, grid: VolumeGeometry, folder: Path) -> Pieces[SegmentationRecord]:
    layers = open_array(folder, record.layers)
    shape = (len(layers), *grid.shape_kji)
    array, mapped = yield from create_array_in_pieces(folder, "segments-on-image.raw", layers.dtype, shape)
    try:
        for n, layer in enumerate(layers):
            for k, plane in enumerate(labels_on_grid(np.asarray(layer), record.geometry, grid)):
                mapped[n, k] = plane
                yield None
    finally:
        release(mapped)
        release(layers)
    return replace(record, layers=array, geometry=grid)


def _is_unchanged(node: Any, segment_id: str, recorded: RecordedNode) -> bool:
    segment = node.GetSegmentation().GetSegment(segment_id)
    return segment is not None and segment_stamp(segment) == recorded.stamps[segment_id]
