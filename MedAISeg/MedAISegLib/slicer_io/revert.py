"""Back to the segments that a run found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .edited import is_surely_untouched, remember_untouched
from .labelmaps import labelmap_array, labelmap_grid, new_labelmap, reference_text, set_reference_text
from .node_stamp import segment_stamp
from .run_record import ATTRIBUTE
from .scene import slicer_module
from .segment_content import SegmentContent, content_of, one_change, remove_segment, set_content

_DISPLAY = (
    "Visibility", "Visibility3D", "Visibility2DFill", "Visibility2DOutline", "Opacity3D", "Opacity2DFill",
    "Opacity2DOutline",
)  # fmt: skip
"""What Slicer keeps of a segment's display and forgets when the segment is removed."""


class Revert(Protocol):
    """The way back to what the scene was before a run."""

    @property
    def is_valid(self) -> bool:
        """Whether there is a way back."""

    def restore(self) -> None:
        """Go it, in one step; afterwards there is none."""


@dataclass(frozen=True, eq=False)
class _Former:
    """A segment before the run."""

    segment_id: str
    position: int
    metadata: Any
    content: SegmentContent
    untouched: bool
    display: tuple[Any, ...]


class RevertPoint:
    """The way back to a node's state before a run.

    No voxel is copied: a run gives segments new labelmaps, and the former ones, which nothing else refers to, are kept.
    """

    def __init__(self, node: Any, changed: Collection[str], *, created: bool) -> None:
        """Before the run changes the node.

        Args:
            changed: IDs of the segments that the run will change or remove.
            created: whether the run made the node, so that to revert is to remove it.
        """
        self._node, self._created = node, created
        ids = node.GetSegmentation().GetSegmentIDs()
        self._former = () if created else tuple(_former(node, i, ids.index(i)) for i in ids if i in changed)
        self._node_state = _node_state(node)
        self._added: tuple[str, ...] = ()
        self._relabelled: dict[str, tuple[SegmentContent, tuple[int, int]]] = {}

    def complete(self, added: Iterable[str], staying: Iterable[tuple[str, SegmentContent]]) -> None:
        """After the run: the IDs of new segments, and the former content of those that only changed their labelmap."""
        content = self._node.GetSegmentation()
        self._added = tuple(added)
        self._relabelled = {i: (former, segment_stamp(content.GetSegment(i))) for i, former in staying}

    @property
    def is_valid(self) -> bool:
        """Whether there is a way back: the node is still in its scene, and it was not used before."""
        return self._node is not None and self._node.GetScene() is not None

    def drop(self) -> None:
        """Give up the way back, and the memory of the former labelmaps."""
        self._node, self._former, self._relabelled = None, (), {}

    def restore(self) -> None:
        """Make the segments that the run changed what they were, bring back those it removed, remove those it made.

        What the user did to those segments since is undone with it; other segments stay as they are now.
        """
        if not self.is_valid:
            self.drop()
            return
        node = self._node
        if self._created:
            remove_node(node)
        else:
            with one_change(node):
                self._restore_segments(node)
            _set_node_state(node, self._node_state)
            remember_untouched(node, [f.segment_id for f in self._former if f.untouched])
        self.drop()

    def _restore_segments(self, node: Any) -> None:
        segmentation = node.GetSegmentation()
        for segment_id in self._added:
            if segmentation.GetSegment(segment_id) is not None:
                remove_segment(segmentation, segment_id)
        occupied = self._put_back_those_that_stayed(node)
        cleaned: dict[Any, Any] = {}
        for former in self._former:
            image = former.content.image
            if image in occupied and image not in cleaned:
                cleaned[image] = _without(image, occupied[image])
            content = SegmentContent(cleaned.get(image, image), former.content.label_value, former.content.surface)
            _put_back(node, former, content)

    def _put_back_those_that_stayed(self, node: Any) -> dict[Any, set[int]]:
        """Segments that were only put on a new labelmap return to the shared one, unless they were edited there.

        Returns:
            Former labelmap to the label values in it that have no segment any more.
        """
        segmentation = node.GetSegmentation()
        occupied: dict[Any, set[int]] = {}
        for segment_id, (former, placed) in self._relabelled.items():
            segment = segmentation.GetSegment(segment_id)
            if segment is not None and segment_stamp(segment) == placed:
                known = is_surely_untouched(node, segment_id)
                set_content(segment, SegmentContent(former.image, former.label_value, content_of(segment).surface))
                if known:
                    remember_untouched(node, [segment_id])
            else:
                occupied.setdefault(former.image, set()).add(former.label_value)
        return occupied


def _former(node: Any, segment_id: str, position: int) -> _Former:
    segment = node.GetSegmentation().GetSegment(segment_id)
    metadata = slicer_module().vtkSegment()
    metadata.DeepCopyMetadata(segment)
    display = node.GetDisplayNode()
    shown = tuple(getattr(display, f"GetSegment{name}")(segment_id) for name in _DISPLAY) if display else ()
    untouched = is_surely_untouched(node, segment_id)
    return _Former(segment_id, position, metadata, content_of(segment), untouched, shown)


def _put_back(node: Any, former: _Former, content: SegmentContent) -> None:
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(former.segment_id)
    if segment is not None:
        segment.DeepCopyMetadata(former.metadata)
        set_content(segment, content)
        return
    segment = slicer_module().vtkSegment()
    segment.DeepCopyMetadata(former.metadata)
    set_content(segment, content)
    segmentation.AddSegment(segment, former.segment_id)
    segmentation.SetSegmentIndex(former.segment_id, min(former.position, segmentation.GetNumberOfSegments() - 1))
    display = node.GetDisplayNode()
    if display and former.display:
        for name, value in zip(_DISPLAY, former.display, strict=True):
            getattr(display, f"SetSegment{name}")(former.segment_id, value)


def _without(image: Any, label_values: set[int]) -> Any:
    """A copy of a labelmap without some labels: a label that no segment has must not stay in it."""
    labels = labelmap_array(image)
    if labels is None:
        return image
    copy, target = new_labelmap(labelmap_grid(image), labels.dtype)
    np.copyto(target, labels)
    target[np.isin(target, list(label_values))] = 0
    return copy


def _node_state(node: Any) -> tuple[Any, ...]:
    role = node.GetReferenceImageGeometryReferenceRole()
    return (
        reference_text(node),
        node.GetNodeReferenceID(role),
        node.GetTransformNodeID(),
        node.GetAttribute(ATTRIBUTE),
    )


def _set_node_state(node: Any, state: tuple[Any, ...]) -> None:
    reference, volume_id, transform_id, runs = state
    set_reference_text(node, reference)
    node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), volume_id)
    node.SetAndObserveTransformNodeID(transform_id)
    if runs:
        node.SetAttribute(ATTRIBUTE, runs)
    else:
        node.RemoveAttribute(ATTRIBUTE)


def remove_node(node: Any) -> None:
    """Out of its scene, with the display and storage nodes that came with it."""
    scene = node.GetScene()
    for satellite in (node.GetDisplayNode(), node.GetStorageNode()):
        if satellite is not None:
            scene.RemoveNode(satellite)
    scene.RemoveNode(node)
