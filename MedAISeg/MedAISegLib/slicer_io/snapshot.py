"""What nodes were like when a run took them, so that a result is not put onto something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..core.node_description import BINARY_LABELMAP
from .geometry import PlacedGrid, array_from_matrix
from .scene import vtk_module
from .volume_node import node_grid


class Change(Enum):
    """What has become of an input since."""

    NONE = "none"
    DELETED = "deleted"
    EDITED = "edited"
    MOVED = "moved"


@dataclass(frozen=True, eq=False)
class VolumeSnapshot:
    """A volume node's image by its time stamps, and where it lay.

    VTK gives each modification of any object a number of its own, so equal numbers mean equal voxels.
    """

    node: Any
    scene: Any
    image: Any
    modified: int
    grid: PlacedGrid
    bending: tuple[Any, int] | None

    def token(self) -> tuple[object, ...]:
        """Another one after each change of the node."""
        image, parent = self.node.GetImageData(), self.node.GetParentTransformNode()
        edited = image.GetMTime() if image is not None else 0
        moved = parent.GetTransformToWorldMTime() if parent is not None else 0
        return (self.node.GetScene() is self.scene, image, edited, parent, moved, _ijk_to_ras(self.node))

    def change(self) -> Change:
        """What has become of the node; an image that was both edited and moved counts as edited."""
        if self.node.GetScene() is not self.scene or self.node.GetImageData() is None:
            return Change.DELETED
        if self.node.GetImageData() is not self.image or self.image.GetMTime() != self.modified:
            return Change.EDITED
        if self.bending != _bending(self.node):
            return Change.MOVED
        return Change.NONE if node_grid(self.node).world.matches(self.grid.world) else Change.MOVED


def take_volume(node: Any) -> VolumeSnapshot:
    """The snapshot of a volume node that has an image."""
    image = node.GetImageData()
    return VolumeSnapshot(node, node.GetScene(), image, image.GetMTime(), node_grid(node), _bending(node))


class SegmentationWatch:
    """A segmentation node that a run is to write into, watched for edits from the moment the run was asked for."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self._scene = node.GetScene()
        self._state = _labelmaps(node)

    @property
    def is_deleted(self) -> bool:
        return self.node.GetScene() is not self._scene

    def edited(self) -> frozenset[str]:
        """IDs of the segments whose labelmap is another, was painted in, or that are gone; not those that were added.

        Segments that share a labelmap count together.
        """
        now = _labelmaps(self.node)
        return frozenset(segment_id for segment_id, state in self._state.items() if now.get(segment_id) != state)

    def added(self) -> frozenset[str]:
        """IDs of the segments that are new."""
        return frozenset(_labelmaps(self.node)) - frozenset(self._state)

    @property
    def is_unchanged(self) -> bool:
        return not self.is_deleted and _labelmaps(self.node) == self._state

    def token(self) -> tuple[object, ...]:
        """Another one after each edit."""
        return (self.is_deleted, *_labelmaps(self.node).items())

    def take_again(self) -> None:
        """From here on, what the node is like now counts as unedited: another run of ours has written into it."""
        self._state = _labelmaps(self.node)


def _labelmaps(node: Any) -> Mapping[str, tuple[Any, int, int]]:
    """Segment ID to its labelmap, when that was last modified, and its label value there."""
    content = node.GetSegmentation()
    found = {}
    for segment_id in content.GetSegmentIDs():
        segment = content.GetSegment(segment_id)
        image = segment.GetRepresentation(BINARY_LABELMAP)
        found[segment_id] = (image, image.GetMTime() if image is not None else 0, segment.GetLabelValue())
    return found


def _ijk_to_ras(node: Any) -> tuple[float, ...]:
    matrix = vtk_module().vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return tuple(array_from_matrix(matrix).ravel())


def _bending(node: Any) -> tuple[Any, int] | None:
    """The parent transform and its state where no matrix says what it does."""
    parent = node.GetParentTransformNode()
    if parent is None or parent.IsTransformToWorldLinear():
        return None
    return parent, parent.GetTransformToWorldMTime()
