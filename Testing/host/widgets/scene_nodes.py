"""The nodes of a MRML scene for a selector: observed weakly, filtered and made as qMRML's widgets do."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from PySide6.QtCore import QObject
from vtkmodules.util.misc import calldata_type
from vtkmodules.util.vtkConstants import VTK_OBJECT

from Testing.host.pythonqt import LEDGER


class Observers:
    """VTK observers of one stand-in: they hold it weakly, and go with `clear()` or with its C++ object."""

    def __init__(self, owner: QObject) -> None:
        self._tags: dict[tuple[int, Any], tuple[Any, int]] = {}
        owner.destroyed.connect(self._on_destroyed)

    def _on_destroyed(self, _owner: Any = None) -> None:
        self.clear()

    def add(self, subject: Any, event: Any, method: Callable[[Any], None]) -> None:
        """`method(caller)`; a second call for the same subject and event does nothing."""
        bound = weakref.WeakMethod(method)

        def relay(caller: Any, _event: str) -> None:
            _call(bound(), caller)

        self._observe(subject, event, relay)

    def add_for_nodes(self, scene: Any, event: Any, method: Callable[[Any], None]) -> None:
        """`method(node)` for the events of a scene that tell of one node."""
        bound = weakref.WeakMethod(method)

        @calldata_type(VTK_OBJECT)
        def relay(_scene: Any, _event: str, node: Any) -> None:
            _call(bound(), node)

        self._observe(scene, event, relay)

    def _observe(self, subject: Any, event: Any, relay: Callable[..., None]) -> None:
        if (id(subject), event) not in self._tags:
            self._tags[id(subject), event] = (subject, subject.AddObserver(event, relay))

    def remove(self, subject: Any) -> None:
        for key in [key for key in self._tags if key[0] == id(subject)]:
            kept, tag = self._tags.pop(key)
            kept.RemoveObserver(tag)

    def clear(self) -> None:
        for subject, tag in self._tags.values():
            subject.RemoveObserver(tag)
        self._tags.clear()

    def __del__(self) -> None:
        self.clear()


def _call(target: Callable[[Any], None] | None, argument: Any) -> None:
    """VTK goes on after an exception in an observer; a test must hear of it."""
    if target is None:
        return
    try:
        target(argument)
    except BaseException:  # noqa: BLE001
        LEDGER.record_exception()


def nodes_of(scene: Any) -> Iterator[Any]:
    for index in range(scene.GetNumberOfNodes() if scene is not None else 0):
        yield scene.GetNthNode(index)


class NodeFilter:
    """Which nodes a selector shows, by the rules of qMRMLSortFilterProxyModel."""

    def __init__(self) -> None:
        self.node_types: list[str] = []
        self.hidden_types: list[str] = []
        self.show_hidden = False
        self.show_child_types = True
        self.attributes: dict[str, tuple[str, str | None]] = {}
        """Node class → attribute's name and value; a value of None means any."""

    def accepts(self, node: Any) -> bool:
        if not node.GetID() or (node.GetHideFromEditors() and not self.show_hidden):
            return False
        if not self.node_types:
            return True
        return any(self._is_of(node, kind) for kind in self.node_types) and not self._is_excluded(node)

    def _is_of(self, node: Any, kind: str) -> bool:
        if not node.IsA(kind) or not (self.show_child_types or node.GetClassName() == kind):
            return False
        name, wanted = self.attributes.get(kind, ("", None))
        if not name:
            return True
        value = node.GetAttribute(name)
        return value is not None and wanted in (None, value)

    def _is_excluded(self, node: Any) -> bool:
        return self.show_child_types and any(node.IsA(kind) for kind in self.hidden_types)


def new_node(scene: Any, kind: str, base_name: str, attributes: Mapping[str, str]) -> Any:
    """A node as qMRMLNodeFactory makes it: named and attributed before it enters the scene; or None."""
    node = scene.CreateNodeByClass(kind) if scene is not None and kind else None
    if node is None:
        return None
    node.UnRegister(None)
    name = base_name or (node.GetDefaultNodeNamePrefix() if not node.GetName() else "")
    if name:
        node.SetName(scene.GetUniqueNameByString(name))
    for key, value in attributes.items():
        node.SetAttribute(key, value)
    return scene.AddNode(node)
