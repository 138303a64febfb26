"""ctkCoordinatesWidget and qMRMLCoordinatesWidget: a point as a row of numbers."""

from __future__ import annotations

import math

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.double_spin_box import ctkDoubleSpinBox
from Testing.host.widgets.properties import held
from Testing.host.widgets.unit_widgets import UnitAware, UnitAwareProperty, quantity_property

_LARGEST = 100000.0


class ctkCoordinatesWidget(QWidget):
    """Three numbers at first; coordinates are told all at once, those beyond the dimension as 0."""

    coordinatesChanged = Signal(float, float, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._boxes: list[ctkDoubleSpinBox] = []
        self._limits, self._places, self._step = (-_LARGEST, _LARGEST), 3, 1.0
        self._set_dimension(3)

    def _dimension(self) -> int:
        return len(self._boxes)

    def _set_dimension(self, dimension: int) -> None:
        while len(self._boxes) > max(dimension, 1):
            self._boxes.pop().deleteLater()
        while len(self._boxes) < dimension:
            box = ctkDoubleSpinBox(self)
            box._set_range(*self._limits)
            box.setDecimals(self._places)
            box.singleStep = self._step
            box.valueChanged.connect(self._on_changed)
            self._line.addWidget(box)
            self._boxes.append(box)

    dimension = Property(int, _dimension, _set_dimension)

    def _is_normalized(self) -> bool:
        return False

    def _set_normalized(self, normalized: bool) -> None:
        if normalized:
            raise NotModelled("ctkCoordinatesWidget.normalized")

    normalized = Property(bool, _is_normalized, _set_normalized)

    def _values(self) -> list[float]:
        return [float(box.value) for box in self._boxes]

    def _on_changed(self, _value: float) -> None:
        self.coordinatesChanged.emit(*(self._values() + [0.0] * 4)[:4])

    def getCoordinate(self, dimension: int) -> float:
        return self._values()[dimension]

    def setCoordinates(self, x: float, y: float = 0.0, z: float = 0.0, w: float = 0.0) -> None:
        before = self._values()
        for box, value in zip(self._boxes, (x, y, z, w), strict=False):
            blocked = box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(blocked)
        if self._values() != before:
            self._on_changed(0.0)

    def _as_text(self) -> str:
        return ",".join(f"{value:g}" for value in self._values())

    def _set_text(self, text: str) -> None:
        parts = text.split(",")
        if len(parts) == len(self._boxes):
            self.setCoordinates(*(float(part) for part in parts))

    coordinates = Property(str, _as_text, _set_text)

    @Slot()
    def normalize(self) -> None:
        length = math.hypot(*self._values())
        if length:
            self.setCoordinates(*(value / length for value in self._values()))

    def _decimals(self) -> int:
        return self._places

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        self._places = decimals
        for box in self._boxes:
            box.setDecimals(decimals)

    decimals = Property(int, _decimals, setDecimals)

    def _single_step(self) -> float:
        return self._step

    def _set_single_step(self, step: float) -> None:
        self._step = step
        for box in self._boxes:
            box.singleStep = step

    singleStep = Property(float, _single_step, _set_single_step)

    def _set_limits(self, minimum: float, maximum: float) -> None:
        self._limits = (minimum, maximum)
        for box in self._boxes:
            box._set_range(minimum, maximum)

    minimum = Property(
        float, lambda widget: widget._limits[0], lambda widget, low: widget._set_limits(low, widget._limits[1])
    )
    maximum = Property(
        float, lambda widget: widget._limits[1], lambda widget, high: widget._set_limits(widget._limits[0], high)
    )

    def _is_read_only(self) -> bool:
        return bool(self._boxes[0].readOnly)

    @Slot(bool)
    def setReadOnly(self, read_only: bool) -> None:
        for box in self._boxes:
            box.setReadOnly(read_only)

    readOnly = Property(bool, _is_read_only, setReadOnly)


class qMRMLCoordinatesWidget(UnitAware, ctkCoordinatesWidget):
    UnitAwareProperty = UnitAwareProperty

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begin_units()

    quantity = quantity_property()
    unitAwareProperties = held(int, 31)

    def updateWidgetFromUnitNode(self) -> None:
        for box in self._boxes:
            self._follow_unit(box)
