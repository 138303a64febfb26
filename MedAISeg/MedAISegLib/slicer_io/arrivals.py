"""What a run has loaded into the scene, and its way out again if the run comes to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .scene import vtk_module

_ONLY_SHOWS = ("vtkMRMLSliceCompositeNode", "vtkMRMLSelectionNode", "vtkMRMLSubjectHierarchyNode")
"""Nodes that refer to whatever is there, or is looked at: no sign that somebody uses it."""


@dataclass(frozen=True)
class _Arrival:
    """The nodes that came with a volume, and what its image and transform were then.

    Attributes:
        items: of the subject hierarchy, such as the patient and the study; parents have lower numbers than children.
    """

    node_ids: frozenset[str]
    items: frozenset[int]
    volume_id: str
    state: tuple[object, ...]


@dataclass(eq=False)
class Arrivals:
    """The volumes that a run has loaded."""

    scene: Any
    _all: list[_Arrival] = field(default_factory=list)

    def load(self, load: Callable[[], Any]) -> Any:
        """Have a volume node loaded, and remember all nodes that came with it."""
        nodes, items = set(_ids(self.scene)), set(_items(self.scene))
        node = load()
        came = frozenset(_ids(self.scene)) - nodes
        self._all.append(_Arrival(came, frozenset(_items(self.scene)) - items, node.GetID(), _state(node)))
        return node

    def take_back(self) -> None:
        """Remove what was loaded, but for what the user has changed or used for something since."""
        if not self.scene.IsClosing():
            for arrival in reversed(self._all):
                volume = self.scene.GetNodeByID(arrival.volume_id)
                if volume is not None and _state(volume) == arrival.state and not self._is_used(arrival):
                    self._remove(arrival)
        self._all.clear()

    def _is_used(self, arrival: _Arrival) -> bool:
        return any(
            referred in arrival.node_ids
            for node in _nodes(self.scene)
            if node.GetID() not in arrival.node_ids and not any(node.IsA(name) for name in _ONLY_SHOWS)
            for referred in _referred(node)
        )

    def _remove(self, arrival: _Arrival) -> None:
        for node_id in arrival.node_ids:
            node = self.scene.GetNodeByID(node_id)
            # Removing a volume may take others along.
            if node is not None:
                self.scene.RemoveNode(node)
        hierarchy = self.scene.GetSubjectHierarchyNode()
        left = set(_items(self.scene))
        for item in sorted(arrival.items & left, reverse=True):
            if hierarchy.GetNumberOfItemChildren(item) == 0:
                hierarchy.RemoveItem(item)


def _nodes(scene: Any) -> Iterator[Any]:
    return (scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes()))


def _ids(scene: Any) -> Iterator[str]:
    return (node.GetID() for node in _nodes(scene))


def _items(scene: Any) -> Iterator[int]:
    hierarchy = scene.GetSubjectHierarchyNode()
    if hierarchy is None:
        return
    children = vtk_module().vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), children, True)
    for n in range(children.GetNumberOfIds()):
        yield int(children.GetId(n))


def _referred(node: Any) -> Iterator[str]:
    """IDs of the nodes that a node refers to."""
    for n in range(node.GetNumberOfNodeReferenceRoles()):
        role = node.GetNthNodeReferenceRole(n)
        for place in range(node.GetNumberOfNodeReferences(role)):
            yield node.GetNthNodeReferenceID(role, place)


def _state(volume: Any) -> tuple[object, ...]:
    image = volume.GetImageData() if volume.IsA("vtkMRMLVolumeNode") else None
    return (volume.GetName(), volume.GetTransformNodeID(), image.GetMTime() if image is not None else 0)
