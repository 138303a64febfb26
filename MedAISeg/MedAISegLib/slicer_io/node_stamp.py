"""Whether segments and nodes are what they were: VTK gives each modification of any object a number of its own."""

from __future__ import annotations

from typing import Any

from ..core.node_description import BINARY_LABELMAP


def segment_stamp(segment: Any) -> tuple[int, int]:
    """Another one as soon as a segment's voxels change."""
    image = segment.GetRepresentation(BINARY_LABELMAP)
    return (image.GetMTime() if image is not None else 0, segment.GetLabelValue())


def place_stamp(node: Any) -> tuple[Any, ...]:
    """Another one as soon as a node comes under another transform, or that transform changes."""
    parent = node.GetParentTransformNode() if node is not None else None
    return () if parent is None else (parent.GetID(), parent.GetTransformToWorldMTime())


def node_stamp(node: Any) -> tuple[Any, ...]:
    """Another one as soon as anything of a segmentation node changes that placing rests on: segments, tags, place."""
    content = node.GetSegmentation()
    segments = [
        (i, content.GetSegment(i).GetMTime(), segment_stamp(content.GetSegment(i))) for i in content.GetSegmentIDs()
    ]
    return (*place_stamp(node), content.GetMTime(), tuple(segments))
