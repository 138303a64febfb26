"""qMRMLVolumeThresholdWidget: the threshold by which a volume is shown."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from Testing.host.widgets.range_widget import ctkRangeWidget
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode


class qMRMLVolumeThresholdWidget(QWidget):
    class ControlMode(enum.IntEnum):
        Auto = 0
        Manual = 1
        Off = 2

    thresholdValuesChanged = Signal(float, float)
    autoThresholdValueChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._volume: Any = None
        self._observers = Observers(self)
        self._mode, self._range = QComboBox(self), ctkRangeWidget(self)
        self._mode.addItems(["Auto Threshold", "Manual Threshold", "Off"])
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._mode)
        line.addWidget(self._range)
        self._range.valuesChanged.connect(self.setThreshold)
        self._mode.currentIndexChanged.connect(self.setAutoThreshold)
        self.setEnabled(False)

    def mrmlVolumeNode(self) -> Any:
        return self._volume

    def setMRMLVolumeNode(self, node: vtkMRMLNode | None) -> None:
        self._observers.clear()
        self._volume = node
        if node is not None:
            self._observers.add(node, node.DisplayModifiedEvent, self._on_display)
        self.setEnabled(node is not None)
        self.updateWidgetFromMRMLDisplayNode()

    def _display(self) -> Any:
        return self._volume.GetScalarVolumeDisplayNode() if self._volume is not None else None

    def _on_display(self, _caller: Any) -> None:
        self.updateWidgetFromMRMLDisplayNode()

    @Slot()
    def updateWidgetFromMRMLDisplayNode(self) -> None:
        display = self._display()
        if display is None:
            return
        mode = self.ControlMode
        applied = bool(display.GetApplyThreshold())
        chosen = mode.Off if not applied else mode.Auto if display.GetAutoThreshold() else mode.Manual
        full = display.GetDisplayScalarRange()
        shown = (display.GetLowerThreshold(), display.GetUpperThreshold()) if applied else full
        for widget in (self._mode, self._range):
            widget.blockSignals(True)
        self._mode.setCurrentIndex(chosen)
        limits = (self._range.minimum, self._range.maximum) if applied else full
        self._range.setRange(min(limits[0], shown[0]), max(limits[1], shown[1]))
        self._range.setValues(*shown)
        for widget in (self._mode, self._range):
            widget.blockSignals(False)

    def _auto(self) -> int:
        return self._mode.currentIndex()

    @Slot(int)
    def setAutoThreshold(self, mode: int) -> None:
        display = self._display()
        if display is None:
            return
        before = (display.GetAutoThreshold(), display.GetApplyThreshold())
        was_modifying = display.StartModify()
        display.SetApplyThreshold(int(mode != self.ControlMode.Off))
        if mode != self.ControlMode.Off:
            display.SetAutoThreshold(int(mode == self.ControlMode.Auto))
        if not before[1] and mode == self.ControlMode.Manual:
            display.SetThreshold(*display.GetDisplayScalarRange())
        display.EndModify(was_modifying)
        if before != (display.GetAutoThreshold(), display.GetApplyThreshold()):
            self.autoThresholdValueChanged.emit(int(mode))

    autoThreshold = Property(int, _auto, setAutoThreshold)

    @Slot(float, float)
    def setThreshold(self, lower: float, upper: float) -> None:
        display = self._display()
        if display is None or (lower, upper) == (display.GetLowerThreshold(), display.GetUpperThreshold()):
            return
        was_modifying = display.StartModify()
        display.SetLowerThreshold(lower)
        display.SetUpperThreshold(upper)
        self.setAutoThreshold(self.ControlMode.Manual)
        self.thresholdValuesChanged.emit(lower, upper)
        display.EndModify(was_modifying)

    @Slot(float)
    def setLowerThreshold(self, lower: float) -> None:
        if self._display() is not None:
            self.setThreshold(lower, self._display().GetUpperThreshold())

    @Slot(float)
    def setUpperThreshold(self, upper: float) -> None:
        if self._display() is not None:
            self.setThreshold(self._display().GetLowerThreshold(), upper)

    lowerThreshold = Property(float, lambda widget: widget._range.minimumValue, setLowerThreshold)
    upperThreshold = Property(float, lambda widget: widget._range.maximumValue, setUpperThreshold)

    @Slot(float, float)
    def setThresholdBounds(self, lower: float, upper: float) -> None:
        self._range.setRange(lower, upper)

    @Slot(float)
    def setLowerThresholdBound(self, lower: float) -> None:
        self._range.setRange(lower, self._range.maximum)

    @Slot(float)
    def setUpperThresholdBound(self, upper: float) -> None:
        self._range.setRange(self._range.minimum, upper)

    lowerThresholdBound = Property(float, lambda widget: widget._range.minimum, setLowerThresholdBound)
    upperThresholdBound = Property(float, lambda widget: widget._range.maximum, setUpperThresholdBound)
