"""qMRMLSliderWidget, qMRMLRangeWidget and qMRMLSpinBox: numbers that follow the scene's unit of a quantity."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, Slot
from PySide6.QtWidgets import QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.double_spin_box import ctkDoubleSpinBox
from Testing.host.widgets.properties import held
from Testing.host.widgets.range_widget import ctkRangeWidget
from Testing.host.widgets.scene_nodes import Observers
from Testing.host.widgets.slider_widget import ctkSliderWidget

if TYPE_CHECKING:
    from slicer_core import vtkMRMLScene


class UnitAwareProperty(enum.IntFlag):
    """The genuine names; ``None`` is no name in Python."""

    Prefix = 0x01
    Suffix = 0x02
    Precision = 0x04
    MinimumValue = 0x08
    MaximumValue = 0x10
    Scaling = 0x20


_SHOWN_OF_A_UNIT = int(
    UnitAwareProperty.Prefix | UnitAwareProperty.Suffix | UnitAwareProperty.Precision | UnitAwareProperty.Scaling
)


class UnitAware:
    """Mixin: prefix, suffix, decimals and limits are those of the unit node, as far as the flags say."""

    def _begin_units(self: Any) -> None:
        self._unit_scene: Any = None
        self._quantity = ""
        self._unit_observers = Observers(self)

    def mrmlScene(self: Any) -> Any:
        return self._unit_scene

    def setMRMLScene(self: Any, scene: vtkMRMLScene | None) -> None:
        if scene is self._unit_scene:
            return
        self._unit_observers.clear()
        self._unit_scene = scene
        selection = self._selection_node()
        if selection is not None:
            self._unit_observers.add(selection, selection.UnitModifiedEvent, self._on_unit)
        self.updateWidgetFromUnitNode()
        self.setEnabled(scene is not None)

    def _selection_node(self: Any) -> Any:
        scene = self._unit_scene
        return scene.GetNodeByID("vtkMRMLSelectionNodeSingleton") if scene is not None else None

    def setQuantity(self: Any, quantity: str) -> None:
        if quantity != self._quantity:
            self._quantity = quantity
            self.updateWidgetFromUnitNode()

    def setUnitAwareProperties(self: Any, properties: int) -> None:
        self.unitAwareProperties = int(properties)

    def _on_unit(self: Any, _caller: Any) -> None:
        self.updateWidgetFromUnitNode()

    def updateWidgetFromUnitNode(self: Any) -> None:
        self._follow_unit(self)

    def _follow_unit(self: Any, number: Any) -> None:
        """Makes the spin box, or slider, show what the unit says."""
        selection = self._selection_node()
        unit_id = selection.GetUnitNodeID(self._quantity) if selection is not None and self._quantity else None
        unit = self._unit_scene.GetNodeByID(unit_id) if unit_id else None
        if unit is None:
            return
        flags = UnitAwareProperty(self.unitAwareProperties)
        if flags & UnitAwareProperty.Scaling and (
            unit.GetDisplayCoefficient() != 1.0 or unit.GetDisplayOffset() != 0.0
        ):
            raise NotModelled("a unit that is shown scaled")
        if flags & UnitAwareProperty.Precision and number.decimals != unit.GetPrecision():
            number.setDecimals(unit.GetPrecision())
        if flags & UnitAwareProperty.Prefix:
            number.prefix = unit.GetPrefix() or ""
        if flags & UnitAwareProperty.Suffix:
            number.suffix = unit.GetSuffix() or ""
        if flags & UnitAwareProperty.MinimumValue:
            number.minimum = unit.GetMinimumValue()
        if flags & UnitAwareProperty.MaximumValue:
            number.maximum = unit.GetMaximumValue()
        span = number.maximum - number.minimum
        if flags & UnitAwareProperty.Precision and 0 < span < math.inf:
            number.singleStep = 10.0 ** math.floor(math.log10(span)) / 100


def quantity_property() -> Any:
    return Property(str, lambda widget: widget._quantity, lambda widget, quantity: widget.setQuantity(quantity))


class qMRMLRangeWidget(UnitAware, ctkRangeWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begin_units()

    quantity = quantity_property()
    unitAwareProperties = held(int, _SHOWN_OF_A_UNIT)


class qMRMLSliderWidget(UnitAware, ctkSliderWidget):
    UnitAwareProperty = UnitAwareProperty

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begin_units()

    quantity = quantity_property()
    unitAwareProperties = held(int, _SHOWN_OF_A_UNIT)

    def _orientation(self) -> int:
        return int(self._slider.orientation)

    @Slot(int)
    def setOrientation(self, orientation: int) -> None:
        if orientation != self._slider.orientation:
            self._slider.setOrientation(orientation)

    orientation = Property(int, _orientation, setOrientation)


class qMRMLSpinBox(UnitAware, ctkDoubleSpinBox):
    UnitAwareProperty = UnitAwareProperty

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._begin_units()

    quantity = quantity_property()
    unitAwareProperties = held(int, 31)
