"""ctkDoubleSlider: a slider of reals."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal, Slot
from PySide6.QtWidgets import QBoxLayout, QSlider, QWidget

from Testing.host.widgets.properties import held, passed_on


class ctkDoubleSlider(QWidget):
    """As of CTK, without value proxies: an integer slider whose unit is one single step above the minimum."""

    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value, self._minimum_value, self._maximum_value = 0.0, 0.0, 99.0
        self._step, self._page = 1.0, 10.0
        self._slider = QSlider(Qt.Orientation.Vertical, self)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.addWidget(self._slider)
        self._show()
        self._slider.valueChanged.connect(self._on_value)
        self._slider.sliderMoved.connect(lambda number: self.sliderMoved.emit(self._real(number)))
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)

    tracking = passed_on(bool, "_slider", "hasTracking", "setTracking")
    invertedAppearance = passed_on(bool, "_slider", "invertedAppearance", "setInvertedAppearance")
    invertedControls = passed_on(bool, "_slider", "invertedControls", "setInvertedControls")
    handleToolTip = held(str, "")

    def _real(self, number: int) -> float:
        return min(self._minimum_value + number * self._step, self._maximum_value)

    def _number(self, value: float) -> int:
        return round((value - self._minimum_value) / self._step)

    def _show(self) -> None:
        self._slider.blockSignals(True)
        self._slider.setRange(0, self._number(self._maximum_value))
        self._slider.setPageStep(max(1, round(self._page / self._step)))
        self._slider.setValue(self._number(self._value))
        self._slider.blockSignals(False)

    def _on_value(self, number: int) -> None:
        self._keep(self._real(number))

    def _keep(self, value: float) -> None:
        changed = abs(value - self._value) > self._step * 1e-9
        self._value = value
        if changed:
            self.valueChanged.emit(value)

    def _current(self) -> float:
        return self._value

    @Slot(float)
    def setValue(self, value: float) -> None:
        value = min(max(value, self._minimum_value), self._maximum_value)
        self._slider.blockSignals(True)
        self._slider.setValue(self._number(value))
        self._slider.blockSignals(False)
        self._keep(value)

    value = Property(float, _current, setValue, user=True)

    def _position(self) -> float:
        return self._real(self._slider.sliderPosition())

    def _set_position(self, position: float) -> None:
        self._slider.setSliderPosition(self._number(position))

    sliderPosition = Property(float, _position, _set_position)

    def _set_range(self, minimum: float, maximum: float) -> None:
        before = (self._minimum_value, self._maximum_value)
        self._minimum_value, self._maximum_value = min(minimum, maximum), max(minimum, maximum)
        self._show()
        if before != (self._minimum_value, self._maximum_value):
            self.rangeChanged.emit(self._minimum_value, self._maximum_value)
        self.setValue(self._value)

    def _minimum(self) -> float:
        return self._minimum_value

    def _set_minimum(self, minimum: float) -> None:
        self._set_range(minimum, max(minimum, self._maximum_value))

    minimum = Property(float, _minimum, _set_minimum)

    def _maximum(self) -> float:
        return self._maximum_value

    def _set_maximum(self, maximum: float) -> None:
        self._set_range(min(self._minimum_value, maximum), maximum)

    maximum = Property(float, _maximum, _set_maximum)

    def _single_step(self) -> float:
        return self._step

    def _set_single_step(self, step: float) -> None:
        if 0 < step <= self._maximum_value - self._minimum_value:
            self._step = step
            self._show()

    singleStep = Property(float, _single_step, _set_single_step)

    def _page_step(self) -> float:
        return self._page

    def _set_page_step(self, step: float) -> None:
        self._page = step
        self._show()

    pageStep = Property(float, _page_step, _set_page_step)

    def _tick_interval(self) -> float:
        return self._step * self._slider.tickInterval()

    def _set_tick_interval(self, interval: float) -> None:
        self._slider.setTickInterval(round(interval / self._step))

    tickInterval = Property(float, _tick_interval, _set_tick_interval)

    def _tick_position(self) -> int:
        return int(self._slider.tickPosition().value)

    def _set_tick_position(self, position: int) -> None:
        self._slider.setTickPosition(QSlider.TickPosition(position))

    tickPosition = Property(int, _tick_position, _set_tick_position)

    def _orientation(self) -> int:
        return int(self._slider.orientation().value)

    @Slot(int)
    def setOrientation(self, orientation: int) -> None:
        direction = Qt.Orientation(orientation)
        self._slider.setOrientation(direction)
        across = direction == Qt.Orientation.Horizontal
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if across else QBoxLayout.Direction.TopToBottom)

    orientation = Property(int, _orientation, setOrientation)
