"""ctkDoubleSpinBox: a spin box of reals that keeps the value it was given, beyond the decimals it shows."""

from __future__ import annotations

import enum

from PySide6.QtCore import Property, Qt, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSizePolicy, QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.properties import held, passed_on

LEFT_CENTRE = int(Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignVCenter.value)


class ctkDoubleSpinBox(QWidget):
    """As of CTK, without value proxies and without decimals that follow keys."""

    class SetMode(enum.IntEnum):
        SetAlways = 0
        SetIfDifferent = 1

    class DecimalsOption(enum.IntFlag):
        FixedDecimals = 0
        DecimalsByShortcuts = 1
        DecimalsByKey = 2
        DecimalsByValue = 4
        InsertDecimals = 8
        ReplaceDecimals = 16
        DecimalsAsMax = 32
        DecimalsAsMin = 64
        DecimalPointAlwaysVisible = 128

    class SizeHintPolicy(enum.IntEnum):
        SizeHintByMinMax = 0
        SizeHintByValue = 1

    valueChanged = Signal((float,), (str,))
    editingFinished = Signal()
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 0.0
        self._range = (0.0, 99.99)
        self._setting = False
        self._box = QDoubleSpinBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._box)
        self._box.valueChanged.connect(self._on_typed)
        self._box.editingFinished.connect(self.editingFinished)

    frame = passed_on(bool, "_box", "hasFrame", "setFrame")
    prefix = passed_on(str, "_box", "prefix", "setPrefix")
    suffix = passed_on(str, "_box", "suffix", "setSuffix")
    cleanText = passed_on(str, "_box", "cleanText")
    singleStep = passed_on(float, "_box", "singleStep", "setSingleStep")
    setMode = held(int, int(SetMode.SetIfDifferent))
    sizeHintPolicy = held(int, int(SizeHintPolicy.SizeHintByMinMax))

    def _inverted(self) -> bool:
        return False

    def _set_inverted(self, inverted: bool) -> None:
        if inverted:
            raise NotModelled("ctkDoubleSpinBox.invertedControls")

    invertedControls = Property(bool, _inverted, _set_inverted)

    def _decimals_option(self) -> int:
        return int(self.DecimalsOption.DecimalsByShortcuts | self.DecimalsOption.InsertDecimals)

    def _set_decimals_option(self, option: int) -> None:
        if option != self._decimals_option():
            raise NotModelled(f"ctkDoubleSpinBox.decimalsOption = {option}")

    decimalsOption = Property(int, _decimals_option, _set_decimals_option)

    def _alignment(self) -> int:
        return int(self._box.alignment().value)

    def _set_alignment(self, alignment: int) -> None:
        self._box.setAlignment(Qt.AlignmentFlag(alignment))

    alignment = Property(int, _alignment, _set_alignment)

    def _decimals(self) -> int:
        return self._box.decimals()

    @Slot(int)
    def setDecimals(self, decimals: int) -> None:
        if decimals == self._box.decimals():
            return
        self._box.blockSignals(True)
        self._box.setDecimals(decimals)
        self._box.setRange(*self._range)
        self._box.setValue(self._value)
        self._box.blockSignals(False)
        self.decimalsChanged.emit(decimals)

    decimals = Property(int, _decimals, setDecimals)

    def _is_read_only(self) -> bool:
        return self._box.isReadOnly()

    @Slot(bool)
    def setReadOnly(self, read_only: bool) -> None:
        self._box.setReadOnly(read_only)
        symbols = QDoubleSpinBox.ButtonSymbols
        self._box.setButtonSymbols(symbols.NoButtons if read_only else symbols.UpDownArrows)

    readOnly = Property(bool, _is_read_only, setReadOnly)

    def _set_range(self, minimum: float, maximum: float) -> None:
        if (minimum, maximum) == self._range:
            return
        self._range = (minimum, maximum)
        self._box.blockSignals(True)
        self._box.setRange(minimum, maximum)
        self._box.blockSignals(False)
        self._take(min(max(self._value, minimum), maximum))

    def _minimum(self) -> float:
        return self._range[0]

    def _set_minimum(self, minimum: float) -> None:
        self._set_range(minimum, max(minimum, self._range[1]))

    minimum = Property(float, _minimum, _set_minimum)

    def _maximum(self) -> float:
        return self._range[1]

    def _set_maximum(self, maximum: float) -> None:
        self._set_range(min(maximum, self._range[0]), maximum)

    maximum = Property(float, _maximum, _set_maximum)

    def _take(self, value: float) -> None:
        """Shows and keeps the value, and says so where it is another one."""
        changed = value != self._value
        self._value = value
        self._setting = True
        self._box.blockSignals(True)
        self._box.setValue(value)
        self._box.blockSignals(False)
        if changed:
            self.valueChanged[float].emit(value)
            self.valueChanged[str].emit(f"{value:.{self._box.decimals()}f}")
        self._setting = False

    def _on_typed(self, value: float) -> None:
        self._take(value)

    def _current(self) -> float:
        return self._value

    @Slot(float)
    def setValue(self, value: float) -> None:
        if self.setMode == self.SetMode.SetAlways:
            self.setValueAlways(value)
        else:
            self.setValueIfDifferent(value)

    value = Property(float, _current, setValue, user=True)

    @Slot(float)
    def setValueIfDifferent(self, value: float) -> None:
        if value != self._value:
            self.setValueAlways(value)

    @Slot(float)
    def setValueAlways(self, value: float) -> None:
        self._take(min(max(value, self._range[0]), self._range[1]))

    @Slot()
    def stepUp(self) -> None:
        self._box.stepUp()

    @Slot()
    def stepDown(self) -> None:
        self._box.stepDown()

    def _is_setting(self) -> bool:
        return self._setting

    isSettingValue = Property(bool, _is_setting)
