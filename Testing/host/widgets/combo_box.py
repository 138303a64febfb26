"""ctkComboBox: a combo box with a default text and an elide mode."""

from __future__ import annotations

import enum
import logging
from typing import Any

from PySide6.QtCore import Property, QEvent, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QComboBox, QScrollArea, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from Testing.host.widgets.properties import held


def _repaint(widget: Any) -> None:
    widget.update()


class ctkComboBox(QComboBox):
    """While nothing is selected, or where it is forced, the default text is shown."""

    class ScrollEffect(enum.IntEnum):
        NeverScroll = 0
        AlwaysScroll = 1
        ScrollWithFocus = 2
        ScrollWithNoVScrollBar = 3

    returnRelease = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wheel = self.ScrollEffect.AlwaysScroll

    defaultText = held(str, "", _repaint)
    defaultIcon = held(QIcon, QIcon(), _repaint)
    forceDefault = held(bool, False, _repaint)
    elideMode = held(int, int(Qt.TextElideMode.ElideNone.value), _repaint)

    def _scroll_effect(self) -> int:
        return int(self._wheel)

    def _set_scroll_effect(self, effect: int) -> None:
        self._wheel = self.ScrollEffect(effect)
        focus = Qt.FocusPolicy
        self.setFocusPolicy(focus.StrongFocus if effect == self.ScrollEffect.ScrollWithFocus else focus.WheelFocus)

    scrollWheelEffect = Property(int, _scroll_effect, _set_scroll_effect)

    def _user_data(self) -> str:
        data = self.itemData(self.currentIndex())
        return "" if data is None else str(data)

    @Slot(str)
    def setCurrentUserDataAsString(self, data: str) -> None:
        for index in range(self.count()):
            if str(self.itemData(index)) == data:
                self.setCurrentIndex(index)
                return
        logging.getLogger(__name__).warning("No item found with user data string %s", data)

    currentUserDataAsString = Property(str, _user_data, setCurrentUserDataAsString)

    def paintEvent(self, event: Any) -> None:
        painter = QStylePainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() == -1 or self.forceDefault:
            option.currentText, option.currentIcon = self.defaultText, self.defaultIcon
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        elide = Qt.TextElideMode(self.elideMode)
        option.currentText = self.fontMetrics().elidedText(option.currentText, elide, field.width())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def wheelEvent(self, event: Any) -> None:
        effect = self._wheel
        scrolls = effect != self.ScrollEffect.NeverScroll
        if effect == self.ScrollEffect.ScrollWithFocus:
            scrolls = self.hasFocus()
        elif effect == self.ScrollEffect.ScrollWithNoVScrollBar:
            scrolls = not self._below_scroll_bar()
        if scrolls:
            super().wheelEvent(event)
        else:
            event.ignore()

    def _below_scroll_bar(self) -> bool:
        ancestor = self.parentWidget()
        while ancestor is not None:
            if isinstance(ancestor, QScrollArea) and ancestor.verticalScrollBar().isVisible():
                return True
            ancestor = ancestor.parentWidget()
        return False

    def keyReleaseEvent(self, event: Any) -> None:
        super().keyReleaseEvent(event)
        if event.type() == QEvent.Type.KeyRelease and event.key() in (Qt.Key.Key_Enter, Qt.Key.Key_Return):
            self.returnRelease.emit()
