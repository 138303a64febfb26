"""What a segment shows, exchanged in one step and without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..core.node_description import BINARY_LABELMAP
from .labelmaps import CLOSED_SURFACE
from .scene import slicer_module


@dataclass(frozen=True, eq=False)
class SegmentContent:
    """A segment's voxels, and its surface where the node shows surfaces."""

    image: Any
    label_value: int
    surface: Any = None


def content_of(segment: Any) -> SegmentContent:
    """The content of a ``vtkSegment``: the objects themselves, which Slicer's editor changes in place."""
    return SegmentContent(
        segment.GetRepresentation(BINARY_LABELMAP), segment.GetLabelValue(), segment.GetRepresentation(CLOSED_SURFACE)
    )


def set_content(segment: Any, content: SegmentContent) -> None:
    """Give a ``vtkSegment`` another content; what it had is not changed, other segments may share it."""
    segment.AddRepresentation(BINARY_LABELMAP, content.image)
    if segment.GetLabelValue() != content.label_value:
        segment.SetLabelValue(content.label_value)
    if content.surface is not None:
        segment.AddRepresentation(CLOSED_SURFACE, content.surface)
    elif segment.GetRepresentation(CLOSED_SURFACE) is not None:
        segment.RemoveRepresentation(CLOSED_SURFACE)


def remove_segment(segmentation: Any, segment_id: str) -> None:
    """Remove a segment from a ``vtkSegmentation`` and leave the labelmap that it shares as it is.

    Slicer would cut it out of the shared labelmap first, which for a large one takes a second each.
    """
    segmentation.GetSegment(segment_id).AddRepresentation(BINARY_LABELMAP, slicer_module().vtkOrientedImageData())
    segmentation.RemoveSegment(segment_id)


@contextmanager
def one_change(node: Any) -> Iterator[None]:
    """Many changes to a node's segments that views and lists hear of once, at the end."""
    modified = node.StartModify()
    try:
        yield
    finally:
        segmentation = node.GetSegmentation()
        for segment_id in segmentation.GetSegmentIDs()[:1]:
            segmentation.InvokeEvent(slicer_module().vtkSegmentation.SourceRepresentationModified, segment_id)
            segmentation.InvokeEvent(slicer_module().vtkSegmentation.RepresentationModified, segment_id)
        node.EndModify(modified)
