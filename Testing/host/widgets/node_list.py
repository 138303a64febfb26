"""The item model of qMRMLNodeComboBox: "None", the nodes in the scene's order, a separator and the actions."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel

from Testing.host.widgets.scene_nodes import NodeFilter, Observers, nodes_of

NODE_ID = Qt.ItemDataRole.UserRole + 1
ACTION = Qt.ItemDataRole.UserRole + 2


class Owner(Protocol):
    """The selector; it is told of each change, around the change of the model."""

    def _node_added(self, node: Any) -> None: ...
    def _remove_row(self, row: int) -> None: ...


class NodeList:
    def __init__(self, owner: Any) -> None:
        self.model = QStandardItemModel()
        self.filter = NodeFilter()
        self.scene: Any = None
        self._owner: Owner = weakref.proxy(owner)
        self._observers = Observers(owner)
        self.none_rows = 0
        self._ids: list[str] = []

    def set_scene(self, scene: Any) -> None:
        self._observers.clear()
        self.scene = scene
        self.model.removeRows(self.none_rows, len(self._ids))
        self._ids.clear()
        if scene is None:
            return
        self._observers.add_for_nodes(scene, scene.NodeAddedEvent, self._on_added)
        self._observers.add_for_nodes(scene, scene.NodeAboutToBeRemovedEvent, self._on_removed)
        for node in nodes_of(scene):
            self._watch(node)
            if self.filter.accepts(node):
                self._insert(len(self._ids), node)

    def count(self) -> int:
        return len(self._ids)

    def row_of(self, node_id: str) -> int:
        """The row of the node, -1 where it is not listed."""
        return self._ids.index(node_id) + self.none_rows if node_id in self._ids else -1

    def node_at(self, row: int) -> Any:
        place = row - self.none_rows
        if not 0 <= place < len(self._ids) or self.scene is None:
            return None
        return self.scene.GetNodeByID(self._ids[place])

    def set_none(self, text: str | None) -> None:
        """The item "None" on top, or none such."""
        if text is None:
            if self.none_rows:
                self.none_rows = 0
                self.model.removeRow(0)
        elif self.none_rows:
            self.model.item(0).setText(text)
        else:
            self.none_rows = 1
            self.model.insertRow(0, QStandardItem(text))

    def set_actions(self, actions: Sequence[tuple[str, str]]) -> None:
        """Text and data of each action below the nodes; a separator stands above the first."""
        first = self.none_rows + len(self._ids)
        self.model.removeRows(first, self.model.rowCount() - first)
        if not actions:
            return
        separator = QStandardItem()
        separator.setData("separator", Qt.ItemDataRole.AccessibleDescriptionRole)
        separator.setFlags(Qt.ItemFlag.NoItemFlags)
        self.model.appendRow(separator)
        for text, data in actions:
            item = QStandardItem(text)
            item.setData(data, ACTION)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.model.appendRow(item)

    def sort_out(self) -> None:
        """Applies the filter anew to all nodes."""
        for node in nodes_of(self.scene):
            self._sort_out_one(node)

    def _sort_out_one(self, node: Any) -> None:
        listed, wanted = node.GetID() in self._ids, self.filter.accepts(node)
        if listed and not wanted:
            self._owner._remove_row(self.row_of(node.GetID()))
        elif wanted and not listed:
            before = [other.GetID() for other in nodes_of(self.scene)]
            earlier = set(before[: before.index(node.GetID())])
            self._insert(sum(known in earlier for known in self._ids), node)
            self._owner._node_added(node)

    def _watch(self, node: Any) -> None:
        if not self.filter.node_types or any(node.IsA(kind) for kind in self.filter.node_types):
            self._observers.add(node, "ModifiedEvent", self._on_modified)

    def _insert(self, place: int, node: Any) -> None:
        item = QStandardItem(node.GetName() or "")
        item.setData(node.GetID(), NODE_ID)
        item.setToolTip(node.GetNodeTagName() or "")
        self._watch(node)
        self._ids.insert(place, node.GetID())
        self.model.insertRow(place + self.none_rows, item)

    def drop_row(self, row: int) -> None:
        """Takes the node's row out of the model; the selector says when."""
        del self._ids[row - self.none_rows]
        self.model.removeRow(row)

    def _on_added(self, node: Any) -> None:
        self._watch(node)
        if self.filter.accepts(node):
            self._insert(len(self._ids), node)
            self._owner._node_added(node)

    def _on_removed(self, node: Any) -> None:
        self._observers.remove(node)
        if node.GetID() in self._ids:
            self._owner._remove_row(self.row_of(node.GetID()))

    def _on_modified(self, node: Any) -> None:
        """A new name is shown; as in Slicer a node that hides itself is only left out when the list is made anew."""
        row = self.row_of(node.GetID() or "")
        item = self.model.item(row) if row >= 0 else None
        renamed = item is not None and item.text() != (node.GetName() or "")
        if item is not None and renamed:
            item.setText(node.GetName() or "")
        if renamed or self.filter.attributes:
            self._sort_out_one(node)
