"""qSlicerSimpleMarkupsWidget: a markups node, a button to place its points, and the table of the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from Testing.host.application.module_widgets import qSlicerWidget
from Testing.host.widgets.markups_place_widget import qSlicerMarkupsPlaceWidget
from Testing.host.widgets.node_combo_box import qMRMLNodeComboBox
from Testing.host.widgets.properties import held, property_of
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene


class qSlicerSimpleMarkupsWidget(qSlicerWidget):
    markupsNodeChanged = Signal()
    markupsFiducialNodeChanged = Signal()
    currentMarkupsControlPointSelectionChanged = Signal(int)
    activeMarkupsPlaceModeChanged = Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    updateFinished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._observers = Observers(self)
        self._nodes, self._place = qMRMLNodeComboBox(self), qSlicerMarkupsPlaceWidget(self)
        self._table = QTableWidget(self)
        self._nodes.setObjectName("MarkupsNodeComboBox")
        self._nodes.nodeTypes = ["vtkMRMLMarkupsFiducialNode"]
        line = QHBoxLayout()
        line.addWidget(self._nodes)
        line.addWidget(self._place)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(line)
        rows.addWidget(self._table)
        self._nodes.currentNodeChanged.connect(self._on_node)
        self._place.activeMarkupsPlaceModeChanged.connect(self.activeMarkupsPlaceModeChanged)
        self._place.activeMarkupsFiducialPlaceModeChanged.connect(self.activeMarkupsFiducialPlaceModeChanged)
        self._table.currentCellChanged.connect(
            lambda row, *_: self.currentMarkupsControlPointSelectionChanged.emit(row)
        )

    enterPlaceModeOnNodeChange = held(bool, True)
    jumpToSliceEnabled = held(bool, False)
    viewGroup = held(int, -1)
    nodeColor = property_of(QColor, "_place", "nodeColor")
    defaultNodeColor = property_of(QColor, "_place", "defaultNodeColor")

    @Slot(bool)
    def setEnterPlaceModeOnNodeChange(self, enter: bool) -> None:
        self.enterPlaceModeOnNodeChange = enter

    @Slot(bool)
    def setJumpToSliceEnabled(self, enabled: bool) -> None:
        self.jumpToSliceEnabled = enabled

    @Slot(QColor)
    def setNodeColor(self, color: QColor) -> None:
        self.nodeColor = color

    @Slot(QColor)
    def setDefaultNodeColor(self, color: QColor) -> None:
        self.defaultNodeColor = color

    def _selector_shown(self) -> bool:
        return self._nodes.isVisibleTo(self)

    @Slot(bool)
    def setNodeSelectorVisible(self, visible: bool) -> None:
        self._nodes.setVisible(visible)

    nodeSelectorVisible = Property(bool, _selector_shown, setNodeSelectorVisible)

    def _options_shown(self) -> bool:
        return bool(self._place.buttonsVisible)

    @Slot(bool)
    def setOptionsVisible(self, visible: bool) -> None:
        self._place.setButtonsVisible(visible)

    optionsVisible = Property(bool, _options_shown, setOptionsVisible)

    def setNodeBaseName(self, name: str) -> None:
        self._nodes.baseName = name

    def tableWidget(self) -> QTableWidget:
        return self._table

    def markupsPlaceWidget(self) -> qSlicerMarkupsPlaceWidget:
        return self._place

    def markupsSelectorComboBox(self) -> qMRMLNodeComboBox:
        return self._nodes

    def interactionNode(self) -> Any:
        return self._place.interactionNode()

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        super().setMRMLScene(scene)
        self._place.setMRMLScene(scene)
        self._nodes.setMRMLScene(scene)
        self._fill(None)

    def currentNode(self) -> Any:
        return self._nodes.currentNode()

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        if node is self._node:
            return
        blocked = self._nodes.blockSignals(True)
        self._nodes.setCurrentNode(node)
        self._nodes.blockSignals(blocked)
        self._place.setCurrentNode(node)
        self._observers.clear()
        self._node = node
        if node is not None:
            for event in ("ModifiedEvent", node.PointAddedEvent, node.PointRemovedEvent, node.PointModifiedEvent):
                self._observers.add(node, event, self._fill)
        self._fill(None)
        self.markupsNodeChanged.emit()
        self.markupsFiducialNodeChanged.emit()

    def _on_node(self, node: Any) -> None:
        self.setCurrentNode(node)
        if self.enterPlaceModeOnNodeChange:
            self._place.setPlaceModeEnabled(node is not None)

    def _fill(self, _caller: Any) -> None:
        count = self._node.GetNumberOfControlPoints() if self._node is not None else 0
        self._place.setEnabled(self._node is not None)
        self._table.setRowCount(count)
        self._table.setColumnCount(4 if self._node is not None else 0)
        if self._node is not None:
            self._table.setHorizontalHeaderLabels(["Label", "R", "A", "S"])
            self._table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for row in range(count):
            numbers = [f"{value:.3f}" for value in self._node.GetNthControlPointPosition(row)]
            for column, text in enumerate([self._node.GetNthControlPointLabel(row), *numbers]):
                self._table.setItem(row, column, QTableWidgetItem(text))
        self.updateFinished.emit()
