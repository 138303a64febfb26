"""ctkCheckablePushButton: a push button with a check box in it that may make it checkable."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QStyle, QStyleOptionButton, QStylePainter, QWidget

from Testing.host.widgets.buttons import ctkPushButton
from Testing.host.widgets.properties import held

_CHECKED, _UNCHECKED = Qt.CheckState.Checked.value, Qt.CheckState.Unchecked.value


class ctkCheckablePushButton(ctkPushButton):
    """While the check box controls the button, checked means that the button is checkable."""

    checkBoxToggled = Signal(bool)
    checkStateChanged = Signal(int)
    CXX_SIGNALS = ("checkStateChanged(Qt::CheckState)",)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = _UNCHECKED
        self._controls = True
        self.toggled.connect(self._on_toggled)

    checkBoxUserCheckable = held(bool, True, lambda button: button.update())
    checkBoxControlsButtonToggleState = held(bool, False, lambda button: button._follow_check_box())
    indicatorAlignment = Property(
        int,
        lambda button: button.iconAlignment,
        lambda button, alignment: setattr(button, "iconAlignment", alignment),
    )

    def _follow_check_box(self) -> None:
        if self.checkBoxControlsButtonToggleState and self._state != _UNCHECKED:
            self.setChecked(True)

    def _controls_button(self) -> bool:
        return self._controls

    def _set_controls_button(self, controls: bool) -> None:
        self._controls = controls
        if controls:
            self._set_check_state(_CHECKED if self.isCheckable() else _UNCHECKED)

    checkBoxControlsButton = Property(bool, _controls_button, _set_controls_button)

    def _check_state(self) -> int:
        return int(self._state)

    def _set_check_state(self, state: int) -> None:
        if state == self._state:
            return
        self._state = state
        if self._controls:
            was_checked = self.isChecked()
            self.setCheckable(state == _CHECKED)
            if was_checked != self.isChecked():
                self.toggled.emit(self.isChecked())
            if self.checkBoxControlsButtonToggleState:
                self.setChecked(state == _CHECKED)
        self.checkStateChanged.emit(state)
        self.checkBoxToggled.emit(state == _CHECKED)
        self.update()

    checkState = Property(int, _check_state, _set_check_state)

    def _on_toggled(self, checked: bool) -> None:
        if self.checkBoxControlsButtonToggleState and not checked and self._state != _UNCHECKED:
            self._set_check_state(_UNCHECKED)

    def _box(self) -> QRect:
        option = QStyleOptionButton()
        option.initFrom(self)
        side = self.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth, option, self)
        return QRect(6, (self.height() - side) // 2, side, side)

    def hitButton(self, position: QPoint) -> bool:
        return self.rect().contains(position) and not self._box().contains(position)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self._box().contains(event.position().toPoint()):
            super().mousePressEvent(event)
        elif self.checkBoxUserCheckable:
            self._set_check_state(_UNCHECKED if self._state == _CHECKED else _CHECKED)

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = self._box()
        states = QStyle.StateFlag
        option.state |= states.State_On if self._state == _CHECKED else states.State_Off
        painter.drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorCheckBox, option)
        painter.end()
