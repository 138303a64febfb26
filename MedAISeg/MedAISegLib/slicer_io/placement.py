"""The one step that puts finished segments into a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.characters import shown
from ..core.node_description import BINARY_LABELMAP
from ..core.notice import Notice
from ..core.result import JobResult
from ..core.segmentation import Segment
from ..core.terminology_tag import TERMINOLOGY, terminology_to_tag
from .beside import put_beside
from .edited import is_surely_untouched, remember_untouched
from .editor_undo import save_undo_state
from .labelmaps import set_reference
from .output_frame import OutputFrame
from .provenance_tags import write_tags
from .revert import RevertPoint
from .run_record import remember_run
from .scene import slicer_module
from .segment_content import SegmentContent, content_of, one_change, remove_segment, set_content


@dataclass(frozen=True, eq=False)
class Found:
    """A segment of a result that has voxels."""

    described: Segment
    content: SegmentContent
    checksum: str


@dataclass(frozen=True, eq=False)
class Placement:
    """All that is to happen to a node.

    Attributes:
        fresh: segments that are new to it.
        renewed: ID of a segment to what takes the place of its voxels.
        moved: ID of a segment to its voxels, or what a region leaves of them, on another labelmap.
        cut: those of ``moved`` that lose voxels.
        removed: IDs of segments that go.
        not_found: names of segments that the model looked for and did not find.
        kept: segments that were left alone, and why.
    """

    result: JobResult
    frame: OutputFrame
    source_node: Any
    fresh: tuple[Found, ...]
    renewed: Mapping[str, Found] = field(default_factory=dict)
    moved: Mapping[str, SegmentContent] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    removed: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def put_into_new_node(placement: Placement, scene: Any, name: str) -> tuple[Any, dict[str, str], RevertPoint]:
    """The node, what the model calls a segment to the segment's ID, and the way back."""
    # Slicer's subject hierarchy lists the segments that are added to a node of the scene.
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", shown(name))
    revert = RevertPoint(node, (), created=True)
    ids = _apply(node, placement)
    node.CreateDefaultDisplayNodes()
    put_beside(node, placement.source_node, scene)
    return node, ids, revert


def put_into_node(node: Any, placement: Placement) -> tuple[dict[str, str], RevertPoint]:
    """As :func:`put_into_new_node`, into a node that is there."""
    save_undo_state(node)
    changed = {*placement.renewed, *placement.removed, *placement.cut}
    revert = RevertPoint(node, changed, created=False)
    before = set(node.GetSegmentation().GetSegmentIDs())
    staying = {i: content_of(node.GetSegmentation().GetSegment(i)) for i in placement.moved if i not in changed}
    ids = _apply(node, placement)
    revert.complete([i for i in ids.values() if i not in before], staying.items())
    return ids, revert


def fill_node(node: Any, placement: Placement, ids: Mapping[str, str]) -> dict[str, str]:
    """An empty node of no scene; ``ids`` are those that segments of these names are to have.

    Returns:
        What the model calls a segment, to the segment's ID.
    """
    return _apply(node, placement, ids)


def _apply(node: Any, placement: Placement, wanted_ids: Mapping[str, str] | None = None) -> dict[str, str]:
    segmentation = node.GetSegmentation()
    ids: dict[str, str] = {}
    with one_change(node):
        if segmentation.GetNumberOfSegments() == 0:
            segmentation.SetSourceRepresentationName(BINARY_LABELMAP)
        for segment_id in placement.removed:
            remove_segment(segmentation, segment_id)
        sure = [i for i in placement.moved if i not in placement.cut and is_surely_untouched(node, i)]
        for segment_id, content in placement.moved.items():
            set_content(segmentation.GetSegment(segment_id), content)
        for segment_id, found in placement.renewed.items():
            segment = segmentation.GetSegment(segment_id)
            set_content(segment, found.content)
            write_tags(segment, placement.result.provenance, found.described, found.checksum)
            ids[found.described.name] = segment_id
        for found in placement.fresh:
            segment = _new_segment(found, placement)
            segmentation.AddSegment(segment, (wanted_ids or {}).get(found.described.name, ""))
            ids[found.described.name] = segmentation.GetSegmentIdBySegment(segment)
        if placement.frame.adopted:
            _adopt(node, placement)
    remember_untouched(node, [*ids.values(), *sure])
    remember_run(node, placement.result, ids, placement.not_found)
    return ids


def _new_segment(found: Found, placement: Placement) -> Any:
    described = found.described
    segment = slicer_module().vtkSegment()
    segment.SetName(shown(described.name))
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*(value / 255 for value in described.color_rgb))
    segment.SetColorAutoGenerated(False)
    segment.SetTag(TERMINOLOGY, terminology_to_tag(described.terminology))
    write_tags(segment, placement.result.provenance, described, found.checksum)
    set_content(segment, found.content)
    return segment


def _adopt(node: Any, placement: Placement) -> None:
    set_reference(node, placement.frame.local)
    if placement.source_node is not None:
        node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), placement.source_node.GetID())
    parent = placement.frame.parent
    node.SetAndObserveTransformNodeID(parent.GetID() if parent is not None else None)
