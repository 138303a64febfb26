"""Whether a user has changed a segment since a run made it.

The run leaves the checksum of a segment's voxels in a tag. Taking it anew reads the whole labelmap, so within a session
a time stamp answers first: VTK gives each modification of any object a number of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from ..core.checksums import LayerTally
from ..core.geometry import VolumeGeometry
from ..core.node_description import BINARY_LABELMAP
from ..core.provenance_tags import CHECKSUM
from .labelmaps import labelmap_array, labelmap_grid, labels_on_grid, reference_grid
from .node_stamp import segment_stamp
from .provenance_tags import read_tag

_untouched: dict[str, tuple[int, int, str]] = {}
"""Segment ID to the state in which its voxels are known to have the checksum of its tag."""


def remember_untouched(node: Any, segment_ids: Iterable[str]) -> None:
    """Note that the tags of these segments tell the truth about their voxels as they are now."""
    for segment_id in segment_ids:
        _untouched[segment_id] = _state(node, segment_id)


def is_surely_untouched(node: Any, segment_id: str) -> bool:
    """Whether nothing can have changed a segment's voxels in this session; False says nothing."""
    return _untouched.get(segment_id) == _state(node, segment_id)


def find_edited(node: Any, segment_ids: Iterable[str]) -> Generator[None, None, frozenset[str]]:
    """Those of the given segments that a run made and that were edited since, yielding after each slice.

    The checksums are taken where no time stamp answers; a segment that proves unchanged is remembered so. One that is
    gone when this begins counts as not edited.
    """
    content = node.GetSegmentation()
    present = [i for i in segment_ids if content.GetSegment(i) is not None]
    doubtful = [i for i in present if not is_surely_untouched(node, i)]
    recorded = {i: read_tag(content.GetSegment(i), CHECKSUM) for i in doubtful}
    states = {i: _state(node, i) for i in doubtful}
    checksums = yield from measure_checksums(node, [i for i in doubtful if recorded[i]])
    for segment_id, checksum in checksums.items():
        if checksum == recorded[segment_id]:
            _untouched[segment_id] = states[segment_id]
    return frozenset(i for i, checksum in checksums.items() if checksum != recorded[i])


def measure_checksums(node: Any, segment_ids: Iterable[str]) -> Generator[None, None, dict[str, str]]:
    """The checksums of segments' voxels on the node's reference grid by segment ID, yielding after each slice."""
    content = node.GetSegmentation()
    by_labelmap: dict[Any, list[tuple[str, int]]] = {}
    for segment_id in segment_ids:
        segment = content.GetSegment(segment_id)
        by_labelmap.setdefault(segment.GetRepresentation(BINARY_LABELMAP), []).append(
            (segment_id, segment.GetLabelValue())
        )
    grid = reference_grid(node)
    checksums: dict[str, str] = {}
    for image, members in by_labelmap.items():
        tally = yield from tally_labelmap(image, grid)
        checksums |= {segment_id: tally.checksum(value) for segment_id, value in members}
    return checksums


def tally_labelmap(image: Any, grid: VolumeGeometry) -> Generator[None, None, LayerTally]:
    """Counts and checksums of the labels of a ``vtkOrientedImageData`` on a grid, yielding after each slice."""
    tally = LayerTally()
    labels = labelmap_array(image)
    if labels is None:
        return tally
    for k, plane in enumerate(labels_on_grid(labels, labelmap_grid(image), grid)):
        tally.add(k, plane)
        yield
    return tally


def confirm_checksums(node: Any, checksums: Mapping[str, str]) -> None:
    """Take note of checksums by segment ID that were taken of the segments as they are now."""
    content = node.GetSegmentation()
    for segment_id, checksum in checksums.items():
        if checksum == read_tag(content.GetSegment(segment_id), CHECKSUM):
            remember_untouched(node, [segment_id])


def _state(node: Any, segment_id: str) -> tuple[int, int, str]:
    segment = node.GetSegmentation().GetSegment(segment_id)
    return (*segment_stamp(segment), read_tag(segment, CHECKSUM))
