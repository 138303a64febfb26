"""Slicer's own file of segments: NRRD (https://teem.sourceforge.net/nrrd/format.html), whose header describes them.

pynrrd writes ASCII headers only, copies all voxels in memory, and cannot be stopped.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..core.checksums import LayerTally
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.merged_layers import MergedLayers, merge_layers
from ..core.node_description import BINARY_LABELMAP, NodeDescription, NodeSegment
from ..core.progress import Poll, never
from ..core.provenance_tags import provenance_tags
from ..core.resampling import rectilinear_segmentation
from ..core.result import JobResult, Provenance
from ..core.segmentation import Segment, Segmentation
from ..core.terminology_tag import TERMINOLOGY, terminology_to_tag
from .atomic import atomic_path
from .written import Written

_TYPES = {np.dtype(np.uint8): "unsigned char", np.dtype(np.uint16): "unsigned short"}
_REFERENCE = "Reference image geometry"
_NOTHING = "0 -1 0 -1 0 -1"
"""The extent of a segment without a voxel; Slicer ends over any other one in a file of a single voxel."""

_GZIP = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 1 << 22


def write_seg_nrrd(
    segmentation: Segmentation, result: JobResult, path: Path, *, overwrite: bool = False, poll: Poll = never
) -> Written:
    """The whole grid in LPS mm; (i, j, k), or (layer, i, j, k) where segments overlap, the first axis the fastest.

    Of a node every segment is written, of a run those with a voxel. A sheared grid is resampled to an upright one.

    Raises:
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if it cannot be written.
        Cancelled: if the user stopped it.
    """
    upright, notices = rectilinear_segmentation(segmentation, _("a segmentation in Slicer"), poll)
    node = upright.node
    if node is None:
        upright, node = _as_in_a_node(upright, result.provenance, poll)
    merged = merge_layers(upright, poll)
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        file.write(_header(merged, node, upright.geometry))
        _write_voxels(file, merged, poll)
    return Written((path,), notices)


def _as_in_a_node(
    segmentation: Segmentation, provenance: Provenance, poll: Poll
) -> tuple[Segmentation, NodeDescription]:
    """The segments that have a voxel, as they would be in a new node."""
    tallies = [_tally(layer, poll) for layer in segmentation.layers]
    found = tuple(s for s in segmentation.segments if tallies[s.layer].count(s.label_value) > 0)
    described = [
        _node_segment(n, s, provenance, tallies[s.layer].checksum(s.label_value)) for n, s in enumerate(found, start=1)
    ]
    node = NodeDescription(tuple(described), conversion_parameters="", representations=(BINARY_LABELMAP,))
    return replace(segmentation, segments=found), node


def _tally(layer: NDArray[Any], poll: Poll) -> LayerTally:
    tally = LayerTally()
    for k, plane in enumerate(layer):
        tally.add(k, plane)
        poll()
    return tally


def _node_segment(number: int, segment: Segment, provenance: Provenance, checksum: str) -> NodeSegment:
    red, green, blue = (value / 255 for value in segment.color_rgb)
    tags = provenance_tags(provenance, segment, checksum) | {TERMINOLOGY: terminology_to_tag(segment.terminology)}
    return NodeSegment(f"Segment_{number}", segment.name, (red, green, blue), tags)


def _header(merged: MergedLayers, node: NodeDescription, geometry: VolumeGeometry) -> bytes:
    """Fields and keys in the order that Slicer has them in."""
    lists = 1 if merged.count > 1 else 0
    steps = [_vector(step) for step in geometry.affine_lps[:3, 2::-1].T]
    fields = {
        "type": _TYPES[merged.dtype],
        "dimension": f"{lists + 3}",
        "space": "left-posterior-superior",
        "sizes": " ".join(str(n) for n in [merged.count] * lists + [*geometry.shape_kji[::-1]]),
        "space directions": " ".join(["none"] * lists + steps),
        "kinds": " ".join(["list"] * lists + ["domain"] * 3),
        "endian": "little",
        "encoding": "gzip",
        "space origin": _vector(geometry.origin_lps),
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    lines += [f"{name}:={_escaped(value)}" for name, value in sorted(_keys(merged, node, geometry))]
    return "\n".join(["NRRD0004", *lines, "", ""]).encode(errors="replace")


def _keys(merged: MergedLayers, node: NodeDescription, geometry: VolumeGeometry) -> Iterator[tuple[str, str]]:
    extent = " ".join(f"0 {n - 1}" for n in geometry.shape_kji[::-1])
    for n, (segment, of_node) in enumerate(zip(merged.segments, node.segments, strict=True)):
        yield f"Segment{n}_Color", " ".join(f"{value:g}" for value in of_node.color_rgb)
        yield f"Segment{n}_ColorAutoGenerated", str(int(of_node.has_made_up_color))
        yield f"Segment{n}_Extent", extent if merged.found[n] else _NOTHING
        yield f"Segment{n}_ID", of_node.segment_id
        yield f"Segment{n}_LabelValue", str(segment.label_value)
        yield f"Segment{n}_Layer", str(segment.layer)
        yield f"Segment{n}_Name", of_node.name
        yield f"Segment{n}_NameAutoGenerated", str(int(of_node.has_made_up_name))
        yield f"Segment{n}_Tags", "".join(_tag(*tag) for tag in sorted(of_node.tags.items()))
    yield "Segmentation_ContainedRepresentationNames", "".join(f"{name}|" for name in node.representations)
    yield "Segmentation_ConversionParameters", _conversion_parameters(node, node.reference or geometry)
    yield "Segmentation_MasterRepresentation", BINARY_LABELMAP
    yield "Segmentation_ReferenceImageExtentOffset", "0 0 0"


def _conversion_parameters(node: NodeDescription, geometry: VolumeGeometry) -> str:
    """``name|value|description&`` of each, with a grid as the reference geometry.

    That is its affine (i, j, k) to RAS mm, row by row, and its extent.
    """
    numbers = [f"{value:.17g}" for value in geometry.affine_ras[:, [2, 1, 0, 3]].ravel() + 0.0]
    for n in geometry.shape_kji[::-1]:
        numbers += ["0", str(n - 1)]
    reference = f"{_REFERENCE}|{''.join(f'{number};' for number in numbers)}"
    return re.sub(rf"(?<![^&]){_REFERENCE}\|[^|&]*", reference, node.conversion_parameters or f"{_REFERENCE}||&")


def _vector(values_mm: NDArray[np.float64]) -> str:
    return f"({','.join(f'{value:.17g}' for value in values_mm + 0.0)})"


def _tag(name: str, text: str) -> str:
    """A bar ends it."""
    return f"{name}:{text}".replace("|", " ") + "|"


def _escaped(value: str) -> str:
    """A line break ends the line, and a null character the text, for whoever reads it by C."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", " ").replace("\0", " ")


def _write_voxels(file: BinaryIO, merged: MergedLayers, poll: Poll) -> None:
    """By zlib's usual level, as Slicer."""
    compressor = zlib.compressobj(wbits=_GZIP)
    for planes in merged.slices():
        data = np.moveaxis(planes, 0, -1).astype(merged.dtype.newbyteorder("<")).tobytes()
        for start in range(0, len(data), _PIECE_BYTES):
            poll()
            file.write(compressor.compress(data[start : start + _PIECE_BYTES]))
    file.write(compressor.flush())
