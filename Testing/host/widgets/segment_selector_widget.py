"""qMRMLSegmentSelectorWidget: a segmentation and one, or several, of its segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Property, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from Testing.host.application.module_widgets import qMRMLWidget
from Testing.host.widgets.checkable_combo_box import ctkCheckableComboBox
from Testing.host.widgets.node_combo_box import qMRMLNodeComboBox
from Testing.host.widgets.properties import property_of
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene

_NONE = "None"
_Events = slicer_core.vtkSegmentation


class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """The first segment is selected as soon as there is one; a selection is kept while its segment is there."""

    CXX_SIGNALS = ("currentNodeChanged(vtkMRMLNode*)", "nodeAboutToBeEdited(vtkMRMLNode*)")
    currentNodeChanged = Signal((object,), (bool,))
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal("QStringList")
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._current = ""
        self._selected: list[str] = []
        self._multi = False
        self._observers = Observers(self)
        self._nodes = qMRMLNodeComboBox(self)
        self._nodes.nodeTypes = ["vtkMRMLSegmentationNode"]
        self._nodes.addEnabled = False
        self._nodes.removeEnabled = False
        self._label, self._message = QLabel("Segment: ", self), QLabel(self)
        self._one, self._several = QComboBox(self), ctkCheckableComboBox(self)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._frame = QWidget(self)
        line = QHBoxLayout(self._frame)
        line.setContentsMargins(0, 0, 0, 0)
        for part in (self._label, self._one, self._several, self._message):
            line.addWidget(part)
        self._grid.addWidget(self._nodes, 0, 0)
        self._grid.addWidget(self._frame, 1, 0)
        self._horizontal = False
        self._several.hide()
        self._nodes.currentNodeChanged[object].connect(self._on_node)
        self._nodes.currentNodeChanged[bool].connect(self.currentNodeChanged[bool])
        self._nodes.nodeAboutToBeEdited.connect(self.nodeAboutToBeEdited)
        self._one.currentIndexChanged.connect(self._on_one)
        self._several.checkedIndexesChanged.connect(self._on_several)
        self.populateSegmentCombobox()

    editEnabled = property_of(bool, "_nodes", "editEnabled")
    selectNodeUponCreation = property_of(bool, "_nodes", "selectNodeUponCreation")

    def _has_none(self) -> bool:
        return bool(self._nodes.noneEnabled)

    def _set_none(self, enabled: bool) -> None:
        self._nodes.noneEnabled = enabled
        self.populateSegmentCombobox()

    noneEnabled = Property(bool, _has_none, _set_none)

    def _nodes_visible(self) -> bool:
        return self._nodes.isVisible()

    def _show_nodes(self, visible: bool) -> None:
        self._nodes.setVisible(visible)

    segmentationNodeSelectorVisible = Property(bool, _nodes_visible, _show_nodes)

    def _is_multi(self) -> bool:
        return self._multi

    def _set_multi(self, multi: bool) -> None:
        self._multi = multi
        if multi:
            self._current = ""
        else:
            self._selected = []
        self.populateSegmentCombobox()

    multiSelection = Property(bool, _is_multi, _set_multi)

    def _is_horizontal(self) -> bool:
        return self._horizontal

    def _set_horizontal(self, horizontal: bool) -> None:
        self._horizontal = horizontal
        self._grid.removeWidget(self._frame)
        self._grid.addWidget(self._frame, 0 if horizontal else 1, 1 if horizontal else 0)
        self._label.setText("" if horizontal else "Segment: ")

    horizontalLayout = Property(bool, _is_horizontal, _set_horizontal)

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        super().setMRMLScene(scene)
        self._nodes.setMRMLScene(scene)

    def currentNode(self) -> Any:
        return self._nodes.currentNode()

    def currentNodeID(self) -> str:
        return str(self._nodes.currentNodeID)

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        self._nodes.setCurrentNode(node)

    @Slot(str)
    def setCurrentNodeID(self, node_id: str) -> None:
        self._nodes.setCurrentNodeID(node_id)

    def _on_node(self, node: Any) -> None:
        if node is not self._node:
            self._observers.clear()
            self._node = node
            for event in (_Events.SegmentAdded, _Events.SegmentRemoved, _Events.SegmentModified):
                if node is not None:
                    self._observers.add(node, event, self._on_segments)
            self.populateSegmentCombobox()
        self.currentNodeChanged[object].emit(node)

    def _on_segments(self, _caller: Any) -> None:
        self.populateSegmentCombobox()

    def _segments(self) -> list[tuple[str, str]]:
        if self._node is None:
            return []
        segmentation = self._node.GetSegmentation()
        return [
            (segment_id, segmentation.GetSegment(segment_id).GetName()) for segment_id in segmentation.GetSegmentIDs()
        ]

    @Slot()
    def populateSegmentCombobox(self) -> None:
        segments = self._segments()
        for combo in (self._one, self._several):
            combo.blockSignals(True)
            combo.clear()
            combo.blockSignals(False)
        self._label.setVisible(bool(segments))
        self._one.setVisible(bool(segments) and not self._multi)
        self._several.setVisible(bool(segments) and self._multi)
        self._message.setVisible(not segments)
        self._message.setText("No segments in segmentation " if self._node is not None else "No node is selected ")
        if not segments:
            return
        if self._multi:
            self._fill(self._several, segments)
            self.setSelectedSegmentIDs(self._selected)
            return
        self._fill(self._one, [(_NONE, _NONE), *segments] if self.noneEnabled else segments)
        known = [segment_id for segment_id, _ in segments]
        if self._current in known or (self.noneEnabled and not self._current):
            self._one.blockSignals(True)
            self.setCurrentSegmentID(self._current)
            self._one.blockSignals(False)
        else:
            self._one.blockSignals(True)
            self._one.setCurrentIndex(-1)
            self._one.blockSignals(False)
            self._one.setCurrentIndex(int(self.noneEnabled))

    def _fill(self, combo: QComboBox, segments: list[tuple[str, str]]) -> None:
        combo.blockSignals(True)
        for segment_id, name in segments:
            combo.addItem(name, segment_id)
        combo.blockSignals(False)

    def _on_one(self, index: int) -> None:
        if self._node is not None:
            chosen = str(self._one.itemData(index) or "")
            self._current = "" if chosen == _NONE else chosen
            self.currentSegmentChanged.emit(self._current)

    def _on_several(self) -> None:
        if self._node is not None:
            self._selected = [str(self._several.itemData(index.row())) for index in self._several.checkedIndexes()]
            self.segmentSelectionChanged.emit(self._selected)

    def currentSegmentID(self) -> str:
        return "" if self._multi else self._current

    def selectedSegmentIDs(self) -> list[str]:
        return list(self._selected) if self._multi else []

    def segmentIDs(self) -> list[str]:
        """Those of the list for several segments; without multi-selection it is empty."""
        return [str(self._several.itemData(row)) for row in range(self._several.count())]

    @Slot(str)
    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._multi:
            return
        index = 0 if not segment_id and self.noneEnabled else self._one.findData(segment_id)
        if index != -1:
            self._one.setCurrentIndex(index)

    def setSelectedSegmentIDs(self, segment_ids: list[str]) -> None:
        if not self._multi or self._node is None:
            return
        known = [segment_id for segment_id, _ in self._segments()]
        wanted = [segment_id for segment_id in segment_ids if segment_id in known]
        changed = wanted != self._selected
        self._several.blockSignals(True)
        for row in range(self._several.count()):
            checked = self._several.itemData(row) in wanted
            state = Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked
            self._several.setCheckState(self._several.model().index(row, 0), state)
        self._several.blockSignals(False)
        self._selected = wanted
        if changed:
            self._on_several()
