"""qMRMLCheckableNodeComboBox: a selector whose nodes have check marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from Testing.host.widgets.checkable_combo_box import ctkCheckableComboBox
from Testing.host.widgets.node_combo_box import qMRMLNodeComboBox

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    checkedNodesChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for action in ("addEnabled", "removeEnabled", "editEnabled", "renameEnabled"):
            setattr(self, action, False)
        self._combo.setCheckableModel(self._nodes.model)
        self._combo.checkedIndexesChanged.connect(self.checkedNodesChanged)

    def _new_combo(self) -> ctkCheckableComboBox:
        return ctkCheckableComboBox(self)

    def _all_nodes(self) -> list[Any]:
        return [self.nodeFromIndex(index) for index in range(self.nodeCount())]

    def checkedNodes(self) -> list[Any]:
        nodes = [self._nodes.node_at(index.row()) for index in self._combo.checkedIndexes()]
        return [node for node in nodes if node is not None]

    def uncheckedNodes(self) -> list[Any]:
        checked = self.checkedNodes()
        return [node for node in self._all_nodes() if node not in checked]

    def allChecked(self) -> bool:
        return self._combo.allChecked()

    def noneChecked(self) -> bool:
        return self._combo.noneChecked()

    def checkState(self, node: vtkMRMLNode | None) -> int:
        row = self._nodes.row_of(node.GetID() if node is not None else "")
        return self._combo.checkState(self._nodes.model.index(row, 0)) if row >= 0 else 0

    def setCheckState(self, node: vtkMRMLNode | None, state: Qt.CheckState) -> None:
        row = self._nodes.row_of(node.GetID() if node is not None else "")
        if row >= 0:
            self._combo.setCheckState(self._nodes.model.index(row, 0), state)

    def check(self, node: vtkMRMLNode | None) -> None:
        self.setCheckState(node, Qt.CheckState.Checked)

    def uncheck(self, node: vtkMRMLNode | None) -> None:
        self.setCheckState(node, Qt.CheckState.Unchecked)

    def setUserCheckable(self, node: vtkMRMLNode | None, checkable: bool) -> None:
        row = self._nodes.row_of(node.GetID() if node is not None else "")
        if row >= 0:
            self._nodes.model.item(row).setCheckable(checkable)
