"""ctkRangeWidget: two spin boxes around a slider with two handles."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.double_spin_box import ctkDoubleSpinBox
from Testing.host.widgets.properties import held, property_of_both

_LARGEST, _SMALLEST = 1.7976931348623157e308, 2.2250738585072014e-308
_BOXES = ("_lower_box", "_upper_box")
_CENTRE = int(Qt.AlignmentFlag.AlignVCenter.value)


class _Handles(QWidget):
    """The line between the spin boxes; its ends are dragged."""

    dragged = Signal(bool, float)
    pressed = Signal()
    released = Signal()

    def __init__(self, widget: Any) -> None:
        super().__init__(widget)
        self._widget = widget
        self._lower = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(84, 20)

    def _at(self, value: float) -> float:
        low, high = self._widget._limits
        share = (value - low) / (high - low) if high > low else 0.0
        return 7 + share * (self.width() - 14)

    def _value_at(self, x: float) -> float:
        low, high = self._widget._limits
        return low + min(max((x - 7) / max(self.width() - 14, 1), 0.0), 1.0) * (high - low)

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        ends = [self._at(value) for value in self._widget._values]
        painter.setPen(self.palette().mid().color())
        painter.setBrush(self.palette().button())
        painter.drawRoundedRect(QRectF(1, middle - 2.5, self.width() - 2, 5), 2, 2)
        painter.setBrush(self.palette().highlight())
        painter.drawRect(QRectF(ends[0], middle - 2.5, ends[1] - ends[0], 5))
        painter.setBrush(self.palette().light())
        for end in ends:
            painter.drawRoundedRect(QRectF(end - 5, middle - 7, 10, 14), 2, 2)
        painter.end()

    def mousePressEvent(self, event: Any) -> None:
        point: QPointF = event.position()
        lower, upper = (abs(self._at(value) - point.x()) for value in self._widget._values)
        self._lower = lower <= upper
        self.pressed.emit()

    def mouseMoveEvent(self, event: Any) -> None:
        self.dragged.emit(self._lower, self._value_at(event.position().x()))

    def mouseReleaseEvent(self, event: Any) -> None:
        self.released.emit()


class ctkRangeWidget(QWidget):
    """Each end is limited by the other; what changed is told together, then one by one."""

    minimumValueChanged = Signal(float)
    minimumValueIsChanging = Signal(float)
    maximumValueChanged = Signal(float)
    maximumValueIsChanging = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limits, self._values, self._told = (0.0, 99.0), (0.0, 99.0), (0.0, 99.0)
        self._changing = False
        self._step = 1.0
        self._lower_box, self._upper_box = ctkDoubleSpinBox(self), ctkDoubleSpinBox(self)
        self._handles = _Handles(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for column, part in enumerate((self._lower_box, self._handles, self._upper_box)):
            grid.addWidget(part, 0, column)
        self._lower_box.valueChanged.connect(lambda value: self._take(value, self._values[1]))
        self._upper_box.valueChanged.connect(lambda value: self._take(self._values[0], value))
        self._handles.dragged.connect(self._on_dragged)
        self._handles.pressed.connect(self._start)
        self._handles.released.connect(self._stop)
        self._show()

    tracking = held(bool, True)
    tickInterval = held(float, 0.0)
    autoSpinBoxWidth = held(bool, True)
    symmetricMoves = held(bool, False)
    customSpinBoxesLimitsMin = Property(float, lambda _widget: _LARGEST)
    customSpinBoxesLimitsMax = Property(float, lambda _widget: _SMALLEST)

    prefix = property_of_both(str, _BOXES, "prefix")
    suffix = property_of_both(str, _BOXES, "suffix")
    spinBoxTextAlignment = property_of_both(int, _BOXES, "alignment")

    def _decimals(self) -> int:
        return int(self._lower_box.decimals)

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        for box in (self._lower_box, self._upper_box):
            box.setDecimals(decimals)

    decimals = Property(int, _decimals, setDecimals)

    def _single_step(self) -> float:
        return self._step

    def _set_single_step(self, step: float) -> None:
        self._step = step
        for box in (self._lower_box, self._upper_box):
            box.singleStep = step

    singleStep = Property(float, _single_step, _set_single_step)

    def _box_alignment(self) -> int:
        return _CENTRE

    def _set_box_alignment(self, alignment: int) -> None:
        if alignment != _CENTRE:
            raise NotModelled("ctkRangeWidget.spinBoxAlignment other than beside the slider")

    spinBoxAlignment = Property(int, _box_alignment, _set_box_alignment)

    def _show(self) -> None:
        """The boxes as the limits and values are, without a word of it."""
        (low, high), (lower, upper) = self._limits, self._values
        for box, limits, value in ((self._lower_box, (low, upper), lower), (self._upper_box, (lower, high), upper)):
            blocked = box.blockSignals(True)
            box._set_range(*limits)
            box.setValue(value)
            box.blockSignals(blocked)
        self._handles.update()

    def _take(self, lower: float, upper: float) -> None:
        low, high = self._limits
        lower, upper = min(max(lower, low), high), min(max(upper, low), high)
        self._values = (min(lower, upper), max(lower, upper))
        self._show()
        before, now = self._told, self._values
        if self._changing:
            if now[0] != before[0]:
                self.minimumValueIsChanging.emit(now[0])
            if now[1] != before[1]:
                self.maximumValueIsChanging.emit(now[1])
        else:
            self._tell()

    def _tell(self) -> None:
        before, now, self._told = self._told, self._values, self._values
        if now == before:
            return
        self.valuesChanged.emit(*now)
        if now[0] != before[0]:
            self.minimumValueIsChanging.emit(now[0])
            self.minimumValueChanged.emit(now[0])
        if now[1] != before[1]:
            self.maximumValueIsChanging.emit(now[1])
            self.maximumValueChanged.emit(now[1])

    def _start(self) -> None:
        self._changing = not self.tracking

    def _stop(self) -> None:
        self._changing = False
        self._tell()

    def _on_dragged(self, lower: bool, value: float) -> None:
        first, second = self._values
        self._take(min(value, second) if lower else first, second if lower else max(value, first))

    def setRange(self, minimum: float, maximum: float) -> None:
        before = self._limits
        self._limits = (min(minimum, maximum), max(minimum, maximum))
        self._take(*self._values)
        if self._limits != before:
            self.rangeChanged.emit(*self._limits)

    def _minimum(self) -> float:
        return self._limits[0]

    def _set_minimum(self, minimum: float) -> None:
        self.setRange(minimum, max(minimum, self._limits[1]))

    minimum = Property(float, _minimum, _set_minimum)

    def _maximum(self) -> float:
        return self._limits[1]

    def _set_maximum(self, maximum: float) -> None:
        self.setRange(min(self._limits[0], maximum), maximum)

    maximum = Property(float, _maximum, _set_maximum)

    @Slot(float, float)
    def setValues(self, minimum: float, maximum: float) -> None:
        self._take(min(minimum, maximum), max(minimum, maximum))

    @Slot()
    def reset(self) -> None:
        self._take(*self._limits)

    def _lower(self) -> float:
        return self._told[0] if self._changing else self._values[0]

    @Slot(float)
    def setMinimumValue(self, value: float) -> None:
        """Not beyond the maximum value, as the spin box has it."""
        self._take(min(value, self._values[1]), self._values[1])

    minimumValue = Property(float, _lower, setMinimumValue)

    def _upper(self) -> float:
        return self._told[1] if self._changing else self._values[1]

    @Slot(float)
    def setMaximumValue(self, value: float) -> None:
        self._take(self._values[0], max(value, self._values[0]))

    maximumValue = Property(float, _upper, setMaximumValue)
