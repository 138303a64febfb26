"""What a segmentation node of Slicer holds beside voxels and meaning; no format but Slicer's own takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .geometry import VolumeGeometry

BINARY_LABELMAP = "Binary labelmap"
"""Slicer's name of the representation by labels."""


@dataclass(frozen=True)
class NodeSegment:
    """A segment as Slicer has it.

    Attributes:
        segment_id: unique in the node.
        name: as shown; several may have one name.
        color_rgb: 0 to 1 each.
        tags: all of them by name: codes, status, what made it, the user's own.
        has_made_up_name: Slicer has named it, not a person; and so its colour.
    """

    segment_id: str
    name: str
    color_rgb: tuple[float, float, float]
    tags: Mapping[str, str]
    has_made_up_name: bool = False
    has_made_up_color: bool = False


@dataclass(frozen=True)
class NodeDescription:
    """A segmentation node.

    Attributes:
        segments: in the order of the segmentation's.
        conversion_parameters: how surfaces are made of labels, as Slicer writes it; empty for its usual way.
        representations: what the node has of each segment, by Slicer's names.
        reference: the node's reference grid in the world; None for the grid of the segmentation itself.
    """

    segments: tuple[NodeSegment, ...]
    conversion_parameters: str
    representations: tuple[str, ...]
    reference: VolumeGeometry | None = None
