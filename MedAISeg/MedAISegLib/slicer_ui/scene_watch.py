"""What happens in the scene, told once for many events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import qt
import slicer

_DELAY_MS = 30
_FIRST = 1000.0


class SceneWatch:
    """Tells that nodes came, went or changed, a moment after the last of them did.

    Args:
        parent: the widget that the timer belongs to.
        on_change: is called when things have settled.
    """

    def __init__(self, parent: Any, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._observers = slicer.util.VTKObservationMixin()
        self._removals = 0
        self._is_closed = False
        self._followed: tuple[Any, ...] = ()
        self._timer = qt.QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.connect("timeout()", self._settle)
        scene = slicer.mrmlScene
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndImportEvent, scene.EndBatchProcessEvent)
        for event in events:
            self._observers.addObserver(scene, event, self._on_event)
        # Before and after the selectors have heard of it.
        self._observers.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._on_removing, priority=_FIRST)
        self._observers.addObserver(scene, scene.NodeRemovedEvent, self._on_removed, priority=-_FIRST)

    @property
    def is_removing(self) -> bool:
        """While a node goes: a selector that showed it chooses another one then, which nobody has asked for."""
        return self._removals > 0

    def follow(self, nodes: Iterable[Any]) -> None:
        """Tell also when one of these changes or moves, and no longer of those followed before."""
        wanted = tuple(nodes)
        if [id(node) for node in wanted] == [id(node) for node in self._followed]:
            return
        for node in self._followed:
            for event in _events_of(node):
                self._observers.removeObserver(node, event, self._on_event)
        for node in wanted:
            for event in _events_of(node):
                self._observers.addObserver(node, event, self._on_event)
        self._followed = wanted

    def soon(self) -> None:
        """Tell a moment later, and once for many calls; nobody once it is closed, whoever still has an answer."""
        if not self._is_closed and not self._timer.active:
            self._timer.start()

    def close(self) -> None:
        self._is_closed = True
        self._timer.stop()
        self._timer.disconnect("timeout()", self._settle)
        # A reload leaves the widget that it belongs to standing.
        self._timer.deleteLater()
        self._observers.removeObservers()
        self._followed = ()

    def _on_removing(self, _caller: Any = None, _event: Any = None) -> None:
        # A node may take others along, and is not gone before them.
        self._removals += 1

    def _on_removed(self, _caller: Any = None, _event: Any = None) -> None:
        self._removals = max(self._removals - 1, 0)

    def _on_event(self, _caller: Any = None, _event: Any = None) -> None:
        self.soon()

    def _settle(self) -> None:
        scene = slicer.mrmlScene
        if scene.IsImporting() or scene.IsClosing() or scene.IsBatchProcessing():
            return  # an event follows when that is over
        self._on_change()


def _events_of(node: Any) -> tuple[Any, ...]:
    events: list[Any] = ["ModifiedEvent"]
    if node.IsA("vtkMRMLTransformableNode"):
        events.append(slicer.vtkMRMLTransformableNode.TransformModifiedEvent)
    if node.IsA("vtkMRMLVolumeNode"):
        events.append(slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent)
    if node.IsA("vtkMRMLSegmentationNode"):
        # Painting, renaming and a new status do not count as a modification of the node.
        segmentation = slicer.vtkSegmentation
        events += [segmentation.SourceRepresentationModified, segmentation.SegmentModified]
        events += [segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentsOrderModified]
    return tuple(events)
