"""ctkCheckableComboBox: a combo box whose items have check marks; it shows the checked ones."""

from __future__ import annotations

from typing import Any

import shiboken6
from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QIcon, QPalette, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

_CHECK = Qt.ItemDataRole.CheckStateRole
_State = Qt.CheckState


class ctkCheckableComboBox(QComboBox):
    """Items become checkable, unchecked, as they are added."""

    checkedIndexesChanged = Signal()
    returnRelease = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._checked: list[QPersistentModelIndex] = []
        self._pressed = False
        self._watched: QAbstractItemModel | None = None
        self.setCheckableModel(self.model())
        self.view().installEventFilter(self)
        self.view().viewport().installEventFilter(self)

    def checkableModel(self) -> QAbstractItemModel:
        return self.model()

    def setCheckableModel(self, model: QAbstractItemModel) -> None:
        if self._watched is not None and shiboken6.isValid(self._watched):
            self._watched.dataChanged.disconnect(self._update)
            self._watched.rowsInserted.disconnect(self._make_checkable)
        if model is not self.model():
            self.setModel(model)
        self._watched = model
        model.dataChanged.connect(self._update)
        model.rowsInserted.connect(self._make_checkable)
        if model.rowCount():
            self._make_checkable(QModelIndex(), 0, model.rowCount() - 1)
        self._update()

    def _make_checkable(self, parent: QModelIndex, first: int, last: int) -> None:
        model = self.model()
        for row in range(first, last + 1):
            index = model.index(row, 0, parent)
            if isinstance(model, QStandardItemModel):
                item = model.itemFromIndex(index)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            if model.data(index, _CHECK) is None:
                model.setData(index, _State.Unchecked.value, _CHECK)

    def _state(self, index: QModelIndex) -> _State:
        return _State(self.model().data(index, _CHECK) or 0)

    def _with_state(self, state: _State) -> list[QModelIndex]:
        model = self.model()
        rows = [model.index(row, 0) for row in range(model.rowCount())]
        return [index for index in rows if self._state(index) == state]

    def _update(self, *_: Any) -> None:
        checked = [QPersistentModelIndex(index) for index in self._with_state(_State.Checked)]
        if checked != self._checked:
            self._checked = checked
            self.checkedIndexesChanged.emit()
        self.update()

    def checkedIndexes(self) -> list[QModelIndex]:
        return [self.model().index(kept.row(), kept.column()) for kept in self._checked if kept.isValid()]

    def allChecked(self) -> bool:
        return len(self._with_state(_State.Checked)) == self.count()

    def allPatiallyChecked(self) -> bool:
        return len(self._with_state(_State.PartiallyChecked)) == self.count()

    def noneChecked(self) -> bool:
        return len(self._with_state(_State.Unchecked)) == self.count()

    def checkState(self, index: QModelIndex) -> int:
        return int(self._state(index).value)

    def setCheckState(self, index: QModelIndex, state: Qt.CheckState) -> None:
        self.model().setData(index, _State(state).value, _CHECK)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click on an item of the open list toggles it and leaves the list open."""
        if event.type() == QEvent.Type.MouseButtonPress:
            self._pressed = self.view().isVisible()
        elif event.type() == QEvent.Type.MouseButtonRelease:
            index = self.view().currentIndex()
            flags = self.model().flags(index)
            usable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            if self.view().isVisible() and index.isValid() and flags & usable == usable:
                if self._pressed:
                    self.setCurrentIndex(index.row())
                    checked = self._state(index) == _State.Checked
                    self.setCheckState(index, _State.Unchecked if checked else _State.Checked)
                self._pressed = False
                return True
            self._pressed = False
        return super().eventFilter(watched, event)

    def _shown(self) -> tuple[str, QIcon]:
        checked = self.checkedIndexes()
        partly = len(self._with_state(_State.PartiallyChecked))
        if not checked:
            return self.tr("None"), QIcon()
        if len(checked) + partly == self.count():
            return self.tr("All"), QIcon()
        icon = checked[0].data(Qt.ItemDataRole.DecorationRole) if len(checked) == 1 else None
        return ", ".join(str(index.data()) for index in checked), icon if isinstance(icon, QIcon) else QIcon()

    def paintEvent(self, event: Any) -> None:
        painter = QStylePainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText, option.currentIcon = self._shown()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def keyReleaseEvent(self, event: Any) -> None:
        super().keyReleaseEvent(event)
        if event.key() in (Qt.Key.Key_Enter, Qt.Key.Key_Return):
            self.returnRelease.emit()
