"""The segments of a segmentation node as rows: visibility, colour, opacity, name, layer, status."""

from __future__ import annotations

import enum
from typing import Any

import slicer_core
from PySide6.QtCore import QModelIndex, QObject, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel

from Testing.host.widgets.icons import icon, swatch
from Testing.host.widgets.scene_nodes import Observers

SEGMENT_ID = Qt.ItemDataRole.UserRole + 1
_Logic = slicer_core.vtkSlicerSegmentationsModuleLogic
_Events = slicer_core.vtkSegmentation


class Column(enum.IntEnum):
    VISIBILITY = 0
    COLOUR = 1
    OPACITY = 2
    NAME = 3
    LAYER = 4
    STATUS = 5


_HEADERS = {Column.OPACITY: "Opacity", Column.NAME: "Name", Column.LAYER: "Layer"}
_HEADER_ICONS = {Column.VISIBILITY: "eye", Column.COLOUR: "palette", Column.STATUS: "flag"}


class SegmentsModel(QStandardItemModel):
    """Follows the node; what is edited in a cell goes into the segment or the display node."""

    about_to_modify = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(0, len(Column), parent)
        self.node: Any = None
        self._observers = Observers(self)
        self._filling = False
        for column in Column:
            header = QStandardItem(_HEADERS.get(column, ""))
            if column in _HEADER_ICONS:
                header.setIcon(icon(_HEADER_ICONS[column]))
            self.setHorizontalHeaderItem(column, header)
        self.itemChanged.connect(self._on_edited)

    def set_node(self, node: Any) -> None:
        if node is self.node:
            return
        self._observers.clear()
        self.node = node
        self._rebuild(None)
        if node is None:
            return
        for event in (_Events.SegmentAdded, _Events.SegmentRemoved, _Events.SegmentsOrderModified):
            self._observers.add(node, event, self._rebuild)
        self._observers.add(node, node.SegmentationChangedEvent, self._rebuild)
        self._observers.add(node, _Events.SegmentModified, self._refresh)
        self._observers.add(node, node.DisplayModifiedEvent, self._refresh)

    def ids(self) -> list[str]:
        return [str(self.item(row, 0).data(SEGMENT_ID)) for row in range(self.rowCount())]

    def segment_id(self, index: QModelIndex) -> str:
        return str(index.siblingAtColumn(0).data(SEGMENT_ID) or "") if index.isValid() else ""

    def segment(self, segment_id: str) -> Any:
        return self.node.GetSegmentation().GetSegment(segment_id) if self.node is not None else None

    def _wanted(self) -> list[str]:
        return list(self.node.GetSegmentation().GetSegmentIDs()) if self.node is not None else []

    def _rebuild(self, _caller: Any) -> None:
        wanted = self._wanted()
        if wanted != self.ids():
            for row in reversed([row for row, known in enumerate(self.ids()) if known not in wanted]):
                self.removeRow(row)
            for row, segment_id in enumerate(wanted):
                self._place(row, segment_id)
        self._refresh(None)

    def _place(self, row: int, segment_id: str) -> None:
        known = self.ids()
        if segment_id in known:
            if known.index(segment_id) != row:
                self.insertRow(row, self.takeRow(known.index(segment_id)))
            return
        items = [QStandardItem() for _ in Column]
        for column, item in zip(Column, items, strict=True):
            item.setData(segment_id, SEGMENT_ID)
            item.setEditable(column in (Column.OPACITY, Column.NAME))
        self.insertRow(row, items)

    def _refresh(self, _caller: Any) -> None:
        self._filling = True
        for row, segment_id in enumerate(self.ids()):
            segment = self.segment(segment_id)
            if segment is not None:
                self._fill(row, segment_id, segment)
        self._filling = False

    def _fill(self, row: int, segment_id: str, segment: Any) -> None:
        display = self.node.GetDisplayNode()
        if display is not None:
            shown = bool(display.GetSegmentVisibility(segment_id))
            self.item(row, Column.VISIBILITY).setIcon(icon("eye" if shown else "eye-closed"))
            self.item(row, Column.OPACITY).setText(f"{display.GetSegmentOpacity3D(segment_id):.2f}")
        self.item(row, Column.COLOUR).setIcon(swatch(*segment.GetColor()))
        self.item(row, Column.NAME).setText(segment.GetName() or "")
        self.item(row, Column.LAYER).setText(str(self.node.GetSegmentation().GetLayerIndex(segment_id)))
        self.item(row, Column.STATUS).setIcon(icon(f"status-{_Logic.GetSegmentStatus(segment)}"))

    def _on_edited(self, item: QStandardItem) -> None:
        if self._filling or self.node is None:
            return
        segment_id = str(item.data(SEGMENT_ID))
        segment = self.segment(segment_id)
        if segment is None:
            return
        if item.column() == Column.NAME:
            self.about_to_modify.emit(segment_id)
            segment.SetName(item.text())
        elif item.column() == Column.OPACITY and self.node.GetDisplayNode() is not None:
            opacity = min(max(float(item.text() or 0), 0.0), 1.0)
            self.node.GetDisplayNode().SetSegmentOpacity3D(segment_id, opacity)

    def toggle_visibility(self, segment_id: str) -> None:
        display = self.node.GetDisplayNode()
        display.SetSegmentVisibility(segment_id, not display.GetSegmentVisibility(segment_id))

    def step_status(self, segment_id: str) -> None:
        """The next status; a flagged segment becomes completed, as a click in Slicer 5.10 does."""
        segment = self.segment(segment_id)
        status = _Logic.GetSegmentStatus(segment)
        following = _Logic.Completed if status == _Logic.Flagged else (status + 1) % _Logic.LastStatus
        _Logic.SetSegmentStatus(segment, following)


class ShownSegments(QSortFilterProxyModel):
    """The rows that the text, the statuses chosen and the list of hidden segments leave."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.text = ""
        self.hidden: list[str] = []
        self.statuses: set[int] = set()

    def set(self, name: str, value: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Any) -> bool:
        model = self.sourceModel()
        assert isinstance(model, SegmentsModel)
        segment_id = str(model.item(row, 0).data(SEGMENT_ID))
        segment = model.segment(segment_id)
        if segment is None or segment_id in self.hidden:
            return False
        named = self.text.lower() in (segment.GetName() or "").lower()
        return named and (not self.statuses or _Logic.GetSegmentStatus(segment) in self.statuses)

    def ids(self) -> list[str]:
        return [str(self.index(row, 0).data(SEGMENT_ID)) for row in range(self.rowCount())]
