"""ctkMenuButton: a push button with an arrow on its right that opens a menu."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractButton, QMenu, QPushButton, QStyle, QStyleOption, QWidget


class ctkMenuButton(QPushButton):
    """A click beside the arrow is a click on the button; the menu does not hinder it, as it would in Qt."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._menu: QMenu | None = None

    def menu(self) -> QMenu | None:
        return self._menu

    def setMenu(self, menu: QMenu | None) -> None:
        self._menu = menu
        self.updateGeometry()

    def showMenu(self) -> None:
        if self._menu is not None:
            self._menu.exec(self.mapToGlobal(QPoint(0, self.height())))

    def _arrow_place(self) -> QRect:
        width = self.style().pixelMetric(QStyle.PixelMetric.PM_MenuButtonIndicator, None, self) + 4
        return QRect(self.width() - width, 0, width, self.height())

    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(self._arrow_place().width(), 0)

    def hitButton(self, position: QPoint) -> bool:
        inside = QAbstractButton.rect(self).contains(position)
        return inside and not (self._menu is not None and self._arrow_place().contains(position))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._menu is not None and self._arrow_place().contains(event.position().toPoint()):
            self.showMenu()
        else:
            super().mousePressEvent(event)

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        if self._menu is None:
            return
        painter = QPainter(self)
        place = self._arrow_place()
        painter.setPen(self.palette().mid().color())
        painter.drawLine(place.left(), 4, place.left(), self.height() - 5)
        option = QStyleOption()
        option.initFrom(self)
        option.rect = place.adjusted(4, 0, -2, 0)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorArrowDown, option, painter, self)
        painter.end()
