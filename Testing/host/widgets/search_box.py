"""ctkSearchBox: a line edit with a button that clears it, and a magnifier if wanted."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QIcon, QPainter
from PySide6.QtWidgets import QLineEdit, QStyleOptionFrame, QWidget

from Testing.host.widgets.icons import icon
from Testing.host.widgets.properties import held


def _repaint(widget: Any) -> None:
    widget.update()


class ctkSearchBox(QLineEdit):
    """The clear mark is there while there is text; a click on it also tells textEdited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Search...")
        self.textChanged.connect(self.update)

    showSearchIcon = held(bool, False, _repaint)
    searchIcon = held(QIcon, QIcon(), _repaint)
    clearIcon = held(QIcon, QIcon(), _repaint)

    def _magnifier_place(self) -> QRect:
        place = self.contentsRect()
        if self.hasFrame():
            option = QStyleOptionFrame()
            self.initStyleOption(option)
            place.adjust(option.lineWidth, option.lineWidth, -option.lineWidth, -option.lineWidth)
        place.adjust(1, 1, -1, -1)
        place.setWidth(place.height())
        return place

    def _clear_place(self) -> QRect:
        place = self._magnifier_place()
        place.moveLeft(self.width() - place.width() - place.left())
        return place

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        if self.text():
            _drawn(self.clearIcon, "clear").paint(painter, self._clear_place())
        if self.showSearchIcon:
            _drawn(self.searchIcon, "search").paint(painter, self._magnifier_place())
        painter.end()

    def mousePressEvent(self, event: Any) -> None:
        position = event.position().toPoint()
        if self._clear_place().contains(position):
            self.clear()
            self.textEdited.emit(self.text())
        elif self.showSearchIcon and self._magnifier_place().contains(position):
            self.selectAll()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: Any) -> None:
        position = event.position().toPoint()
        over = self._clear_place().contains(position)
        over = over or (self.showSearchIcon and self._magnifier_place().contains(position))
        text = Qt.CursorShape.ArrowCursor if self.isReadOnly() else Qt.CursorShape.IBeamCursor
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else text)
        super().mouseMoveEvent(event)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        left = self._magnifier_place().right() if self.showSearchIcon else 0
        self.setTextMargins(left, 0, event.size().width() - self._clear_place().left(), 0)


def _drawn(chosen: QIcon, own: str) -> QIcon:
    return icon(own) if chosen.isNull() else chosen
