"""qMRMLSegmentsTableView: the table of a segmentation's segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Property, QItemSelection, QItemSelectionModel, QModelIndex, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QTableView, QVBoxLayout, QWidget

from Testing.host.application.module_widgets import qMRMLWidget
from Testing.host.widgets.icons import icon
from Testing.host.widgets.properties import held
from Testing.host.widgets.search_box import ctkSearchBox
from Testing.host.widgets.segments_model import Column, SegmentsModel, ShownSegments

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene

_Logic = slicer_core.vtkSlicerSegmentationsModuleLogic
_Edit = QAbstractItemView.EditTrigger


def _column_shown(column: Column) -> Any:
    def shown(view: Any) -> bool:
        return not view._table.isColumnHidden(column)

    def show(view: Any, visible: bool) -> None:
        view._table.setColumnHidden(column, not visible)

    return Property(bool, shown, show)


class qMRMLSegmentsTableView(qMRMLWidget):
    """A click on the eye hides a segment, on the mark at the end steps its status; names are edited in place."""

    selectionChanged = Signal(QItemSelection, QItemSelection)
    segmentAboutToBeModified = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = SegmentsModel(self)
        self._shown = ShownSegments(self)
        self._shown.setSourceModel(self._model)
        self._read_only = False
        self._has_filter_bar = False
        self._table = QTableView(self)
        self._bar = self._filter_bar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._bar)
        layout.addWidget(self._table)
        self._arrange_table()
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged)
        self._table.clicked.connect(self._on_clicked)
        self._model.about_to_modify.connect(self.segmentAboutToBeModified)

    def _filter_bar(self) -> QWidget:
        bar = QWidget(self)
        line = QHBoxLayout(bar)
        line.setContentsMargins(0, 0, 0, 0)
        self._search = ctkSearchBox(bar)
        self._search.setPlaceholderText("Filter segments by name...")
        self._search.showSearchIcon = True
        self._search.textEdited.connect(self.setTextFilter)
        line.addWidget(self._search)
        self._status_buttons: list[QPushButton] = []
        for status in range(_Logic.LastStatus):
            button = QPushButton(icon(f"status-{status}"), "", bar)
            button.setCheckable(True)
            button.setToolTip(_Logic.GetSegmentStatusAsHumanReadableString(status))
            button.clicked.connect(lambda checked, status=status: self.setStatusShown(status, checked))
            line.addWidget(button)
            self._status_buttons.append(button)
        bar.hide()
        return bar

    def _arrange_table(self) -> None:
        table, across = self._table, QHeaderView.ResizeMode
        table.setModel(self._shown)
        table.setObjectName("SegmentsTable")
        table.setAlternatingRowColors(True)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setEditTriggers(_Edit.DoubleClicked | _Edit.EditKeyPressed)
        table.setColumnHidden(Column.LAYER, True)
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(across.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(Column.NAME, across.Stretch)
        table.verticalHeader().setSectionResizeMode(across.ResizeToContents)

    visibilityColumnVisible = _column_shown(Column.VISIBILITY)
    colorColumnVisible = _column_shown(Column.COLOUR)
    opacityColumnVisible = _column_shown(Column.OPACITY)
    statusColumnVisible = _column_shown(Column.STATUS)
    layerColumnVisible = _column_shown(Column.LAYER)
    jumpToSelectedSegmentEnabled = held(bool, False)
    useTerminologySelectorSettingsKey = held(str, "Segmentations/UseTerminologySelector")
    useTerminologySelector = held(bool, True)
    terminologySelectorOptionVisible = held(bool, True)
    terminologySelectorAutoDisable = held(bool, True)

    def _selection_mode(self) -> int:
        return int(self._table.selectionMode().value)

    def setSelectionMode(self, mode: int) -> None:
        self._table.setSelectionMode(QAbstractItemView.SelectionMode(mode))

    selectionMode = Property(int, _selection_mode, setSelectionMode)

    def _header_visible(self) -> bool:
        return self._table.horizontalHeader().isVisible()

    def setHeaderVisible(self, visible: bool) -> None:
        self._table.horizontalHeader().setVisible(visible)

    headerVisible = Property(bool, _header_visible, setHeaderVisible)

    def setVisibilityColumnVisible(self, visible: bool) -> None:
        self.visibilityColumnVisible = visible

    def setColorColumnVisible(self, visible: bool) -> None:
        self.colorColumnVisible = visible

    def setOpacityColumnVisible(self, visible: bool) -> None:
        self.opacityColumnVisible = visible

    def setStatusColumnVisible(self, visible: bool) -> None:
        self.statusColumnVisible = visible

    def setLayerColumnVisible(self, visible: bool) -> None:
        self.layerColumnVisible = visible

    def _is_read_only(self) -> bool:
        return self._read_only

    def setReadOnly(self, read_only: bool) -> None:
        self._read_only = read_only
        editing = _Edit.DoubleClicked | _Edit.EditKeyPressed
        self._table.setEditTriggers(_Edit.NoEditTriggers if read_only else editing)

    readOnly = Property(bool, _is_read_only, setReadOnly)

    def _filter_bar_visible(self) -> bool:
        return self._has_filter_bar

    def setFilterBarVisible(self, visible: bool) -> None:
        self._has_filter_bar = visible
        self._bar.setVisible(visible)

    filterBarVisible = Property(bool, _filter_bar_visible, setFilterBarVisible)

    def _text_filter(self) -> str:
        return self._shown.text

    @Slot(str)
    def setTextFilter(self, text: str) -> None:
        self._shown.set("text", text)
        if self._search.text() != text:
            self._search.setText(text)

    textFilter = Property(str, _text_filter, setTextFilter)

    def statusShown(self, status: int) -> bool:
        return status in self._shown.statuses

    def setStatusShown(self, status: int, shown: bool) -> None:
        statuses = self._shown.statuses | {status} if shown else self._shown.statuses - {status}
        self._shown.set("statuses", statuses)
        self._status_buttons[status].setChecked(shown)

    # --- the node

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        node = self._model.node
        if node is not None and scene is not node.GetScene():
            self.setSegmentationNode(None)
        super().setMRMLScene(scene)

    def segmentationNode(self) -> Any:
        return self._model.node

    def setSegmentationNode(self, node: vtkMRMLNode | None) -> None:
        self._model.set_node(node if node is not None and node.IsA("vtkMRMLSegmentationNode") else None)

    def _segment_count(self) -> int:
        return self._model.rowCount()

    segmentCount = Property(int, _segment_count)

    def displayedSegmentIDs(self) -> list[str]:
        return self._shown.ids()

    def hideSegments(self) -> list[str]:
        return list(self._shown.hidden)

    def setHideSegments(self, segmentIDs: list[str]) -> None:
        self._shown.set("hidden", list(segmentIDs))

    def rowForSegmentID(self, segmentID: str) -> int:
        ids = self._shown.ids()
        return ids.index(segmentID) if segmentID in ids else -1

    def segmentIDForRow(self, row: int) -> str:
        ids = self._shown.ids()
        return ids[row] if 0 <= row < len(ids) else ""

    def tableWidget(self) -> QTableView:
        return self._table

    # --- the selection

    def selectedSegmentIDs(self) -> list[str]:
        ids = self._shown.ids()
        return [ids[row] for row in sorted(index.row() for index in self._table.selectionModel().selectedRows())]

    def setSelectedSegmentIDs(self, segmentIDs: list[str]) -> None:
        ids = [segmentIDs] if isinstance(segmentIDs, str) else list(segmentIDs)
        if ids == self.selectedSegmentIDs():
            return
        chosen = QItemSelection()
        for segment_id in ids:
            index = self._shown.index(self.rowForSegmentID(segment_id), 0)
            if index.isValid():
                chosen.select(index, index)
        flags = QItemSelectionModel.SelectionFlag
        self._table.selectionModel().select(chosen, flags.ClearAndSelect | flags.Rows)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    @Slot()
    def showOnlySelectedSegments(self) -> None:
        selected, display = self.selectedSegmentIDs(), self._display()
        for segment_id in self._model.ids() if selected and display is not None else ():
            if segment_id not in self._shown.hidden:
                display.SetSegmentVisibility(segment_id, segment_id in selected)

    @Slot()
    def toggleSelectedSegmentsVisibility(self) -> None:
        for segment_id in self.selectedSegmentIDs():
            self._model.toggle_visibility(segment_id)

    def setSelectedSegmentsStatus(self, status: int) -> None:
        for segment_id in self.selectedSegmentIDs():
            _Logic.SetSegmentStatus(self._model.segment(segment_id), status)

    @Slot()
    def moveSelectedSegmentsUp(self) -> None:
        self._move(-1)

    @Slot()
    def moveSelectedSegmentsDown(self) -> None:
        self._move(1)

    def _move(self, step: int) -> None:
        selected, shown = self.selectedSegmentIDs(), self._shown.ids()
        beyond = shown[0] if step < 0 else shown[-1]
        if not selected or beyond in selected:
            return
        segmentation = self._model.node.GetSegmentation()
        for segment_id in selected if step < 0 else reversed(selected):
            neighbour = shown[self.rowForSegmentID(segment_id) + step]
            segmentation.SetSegmentIndex(segment_id, segmentation.GetSegmentIndex(neighbour))
            shown = self._shown.ids()
        self.setSelectedSegmentIDs(selected)

    def _display(self) -> Any:
        return self._model.node.GetDisplayNode() if self._model.node is not None else None

    def _on_clicked(self, index: QModelIndex) -> None:
        segment_id = self.segmentIDForRow(index.row())
        if index.column() == Column.VISIBILITY and self._display() is not None:
            self._model.toggle_visibility(segment_id)
        elif index.column() == Column.STATUS:
            self._model.step_status(segment_id)
