"""A node's segments as they are now into a file that the worker reads, in pieces, while the user may go on editing."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..app.exchange import create_array_in_pieces, release
from ..app.protocol import SegmentationRecord
from ..core.notice import Notice
from ..core.provenance_tags import MODEL_ID
from ..core.segmentation import AlgorithmType
from ..core.volume import SeriesReference
from .edited import find_edited
from .left_out import left_out
from .node_layers import NodeLayers, layers_of_node
from .node_stamp import segment_stamp
from .provenance_tags import read_tag

Stamp = tuple[int, int]


@dataclass(frozen=True, eq=False)
class RecordedNode:
    """What was written.

    Attributes:
        record: segments in the node's order; those that a run made and a person changed are SEMIAUTOMATIC, a person's
            own MANUAL.
        segment_ids: of those segments.
        stamps: segment ID to what it was like: another stamp, other voxels.
        notices: of what the reference grid leaves out.
    """

    record: SegmentationRecord
    segment_ids: tuple[str, ...]
    stamps: Mapping[str, Stamp]
    notices: tuple[Notice, ...]

    @property
    def edited(self) -> tuple[str, ...]:
        """Names of the segments that a person has changed since a run made them."""
        return self._named(AlgorithmType.SEMIAUTOMATIC)

    @property
    def added(self) -> tuple[str, ...]:
        """Names of the segments that no run made."""
        return self._named(AlgorithmType.MANUAL)

    def _named(self, kind: AlgorithmType) -> tuple[str, ...]:
        return tuple(s.name for s in self.record.segments if s.algorithm_type is kind)


def record_node(
    node: Any, folder: Path, *, series: SeriesReference | None = None, whole: bool = False
) -> Generator[None, None, RecordedNode]:
    """Write all segments of a node, the user's edits and additions included, yielding after each slice.

    They lie on one grid in the world. What changes meanwhile is written again.

    Args:
        folder: of the request.
        series: the DICOM series of the image that was segmented.
        whole: on the grid that holds all of it, as Slicer writes it, rather than the node's reference grid.

    Raises:
        InputError: if the segments have no labelmap.
        ResourceError: if the disk is full.
    """
    attempt, kind = 0, "whole" if whole else "segments"
    while True:
        held = layers_of_node(node, whole=whole)
        stamps = _stamps(node)
        edited = yield from find_edited(node, held.segment_ids)
        record = yield from _write(held, node, edited, folder, f"{kind}-{attempt}.raw")
        notices = () if whole else (yield from left_out(held))
        if _stamps(node) == stamps:
            return RecordedNode(replace(record, series=series), held.segment_ids, stamps, notices)
        (folder / record.layers.name).unlink()
        attempt += 1


def _write(
    held: NodeLayers, node: Any, edited: frozenset[str], folder: Path, name: str
) -> Generator[None, None, SegmentationRecord]:
    array, mapped = yield from create_array_in_pieces(folder, name, held.dtype, held.shape)
    try:
        for layer, k, plane in held.planes():
            mapped[layer, k] = plane
            yield
    finally:
        release(mapped)
    content = node.GetSegmentation()
    segments = tuple(
        replace(segment, algorithm_type=_algorithm_type(content.GetSegment(segment_id), segment_id in edited))
        for segment_id, segment in zip(held.segment_ids, held.segments, strict=True)
    )
    return SegmentationRecord(array, held.geometry, segments)


def _algorithm_type(segment: Any, is_edited: bool) -> AlgorithmType:
    if segment is None or not read_tag(segment, MODEL_ID):
        return AlgorithmType.MANUAL
    return AlgorithmType.SEMIAUTOMATIC if is_edited else AlgorithmType.AUTOMATIC


def _stamps(node: Any) -> dict[str, Stamp]:
    content = node.GetSegmentation()
    return {segment_id: segment_stamp(content.GetSegment(segment_id)) for segment_id in content.GetSegmentIDs()}
