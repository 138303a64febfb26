"""ctkSliderWidget: a slider beside a spin box, both of one real value."""

from __future__ import annotations

import enum

from PySide6.QtCore import Property, QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.double_slider import ctkDoubleSlider
from Testing.host.widgets.double_spin_box import ctkDoubleSpinBox
from Testing.host.widgets.properties import held, property_of


class ctkSliderWidget(QWidget):
    """As of CTK. With tracking off the value is told when the handle is let go, meanwhile valueIsChanging."""

    class SynchronizeSibling(enum.IntFlag):
        NoSynchronize = 0
        SynchronizeWidth = 1
        SynchronizeDecimals = 2

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._changing = False
        self._before = 0.0
        self._told_by_slider = False
        self._slider, self._spin = ctkDoubleSlider(self), ctkDoubleSpinBox(self)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.addWidget(self._slider)
        self._line.addWidget(self._spin)
        self._slider.setOrientation(int(Qt.Orientation.Horizontal.value))
        self._slider.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self._slider.maximum = self._spin.maximum
        self._spin.valueChanged.connect(self._on_spin)
        self._spin.decimalsChanged.connect(self.setDecimals)
        self._slider.sliderPressed.connect(self._start)
        self._slider.sliderReleased.connect(self._stop)
        self._slider.valueChanged.connect(self._on_slider)
        self._spin.installEventFilter(self)

    tracking = held(bool, True)
    synchronizeSiblings = held(int, int(SynchronizeSibling.SynchronizeWidth))
    prefix = property_of(str, "_spin", "prefix")
    suffix = property_of(str, "_spin", "suffix")
    spinBoxAlignment = property_of(int, "_spin", "alignment")
    pageStep = property_of(float, "_slider", "pageStep")
    tickInterval = property_of(float, "_slider", "tickInterval")
    tickPosition = property_of(int, "_slider", "tickPosition")
    invertedAppearance = property_of(bool, "_slider", "invertedAppearance")
    invertedControls = property_of(bool, "_slider", "invertedControls")

    def _single_step(self) -> float:
        return float(self._slider.singleStep)

    def _set_single_step(self, step: float) -> None:
        if 0 < step <= self._slider.maximum - self._slider.minimum:
            self._spin.singleStep = step
            self._slider.singleStep = step

    singleStep = Property(float, _single_step, _set_single_step)

    def _spin_visible(self) -> bool:
        return self._spin.isVisibleTo(self)

    @Slot(bool)
    def setSpinBoxVisible(self, visible: bool) -> None:
        self._spin.setVisible(visible)

    spinBoxVisible = Property(bool, _spin_visible, setSpinBoxVisible)

    def _popup(self) -> bool:
        return False

    def _set_popup(self, popup: bool) -> None:
        if popup:
            raise NotModelled("ctkSliderWidget.popupSlider")

    popupSlider = Property(bool, _popup, _set_popup)

    def _decimals(self) -> int:
        return int(self._spin.decimals)

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._spin.blockSignals(True)
        self._spin.setDecimals(decimals)
        self._spin.blockSignals(False)
        self.decimalsChanged.emit(decimals)

    decimals = Property(int, _decimals, setDecimals)

    def _set_range(self) -> None:
        self._slider._set_range(self._spin.minimum, self._spin.maximum)

    def _minimum(self) -> float:
        return float(self._slider.minimum)

    def _set_minimum(self, minimum: float) -> None:
        self._told_by_slider = True
        self._spin.minimum = minimum
        self._told_by_slider = False
        self._set_range()

    minimum = Property(float, _minimum, _set_minimum)

    def _maximum(self) -> float:
        return float(self._slider.maximum)

    def _set_maximum(self, maximum: float) -> None:
        self._told_by_slider = True
        self._spin.maximum = maximum
        self._told_by_slider = False
        self._set_range()

    maximum = Property(float, _maximum, _set_maximum)

    def _current(self) -> float:
        return self._before if self._changing else float(self._slider.value)

    @Slot(float)
    def setValue(self, value: float) -> None:
        changing, self._changing = self._changing, False
        self._spin.setValue(value)
        self._changing = changing

    value = Property(float, _current, setValue, user=True)

    @Slot()
    def reset(self) -> None:
        self.setValue(0.0)

    def _on_spin(self, value: float) -> None:
        if not self._told_by_slider:
            self._slider.setValue(value)

    def _on_slider(self, value: float) -> None:
        self._told_by_slider = True
        self._spin.setValue(value)
        self._told_by_slider = False
        if not self.tracking:
            self.valueIsChanging.emit(value)
        if not self._changing:
            self.valueChanged.emit(value)

    def _start(self) -> None:
        if not self.tracking:
            self._before = self._current()
            self._changing = True

    def _stop(self) -> None:
        if self.tracking:
            return
        self._changing = False
        if abs(self._current() - self._before) > self._slider.singleStep * 1e-9:
            self.valueChanged.emit(self._current())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton:
            if event.type() == QEvent.Type.MouseButtonPress:
                self._start()
            elif event.type() == QEvent.Type.MouseButtonRelease:
                self._stop()
        return False
