"""qMRMLSegmentationShow3DButton: makes the closed surfaces of a segmentation, or takes them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Property, Slot
from PySide6.QtWidgets import QMenu, QWidget, QWidgetAction

from Testing.host.widgets.icons import icon
from Testing.host.widgets.menu_button import ctkMenuButton
from Testing.host.widgets.scene_nodes import Observers
from Testing.host.widgets.slider_widget import ctkSliderWidget

if TYPE_CHECKING:
    from slicer_core import vtkMRMLSegmentationNode

_Events = slicer_core.vtkSegmentation
_Names = slicer_core.vtkSegmentationConverter
_SMOOTHING = slicer_core.vtkBinaryLabelmapToClosedSurfaceConversionRule.GetSmoothingFactorParameterName()


def _smoothing_slider(menu: QMenu) -> ctkSliderWidget:
    """A submenu of its own; modules look for the slider in it."""
    factors = QMenu("Smoothing factor", menu)
    factors.setObjectName("surfaceSmoothingFactorMenu")
    slider = ctkSliderWidget(factors)
    slider.decimals = 2
    slider.minimum, slider.maximum, slider.singleStep = 0.0, 1.0, 0.1
    slider.setValue(0.5)
    slider.tracking = False
    action = QWidgetAction(factors)
    action.setDefaultWidget(slider)
    factors.addAction(action)
    menu.addMenu(factors)
    return slider


class qMRMLSegmentationShow3DButton(ctkMenuButton):
    """Enabled with a segmentation that has segments; checked while it has closed surfaces."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._locked = False
        self._observers = Observers(self)
        self.setIcon(icon("cube"))
        self.setCheckable(True)
        self.setText("Show 3D")
        self.toggled.connect(self._on_toggled)
        menu = QMenu("Show 3D", self)
        self._smoothing = menu.addAction("Surface smoothing")
        self._smoothing.setCheckable(True)
        self._smoothing.toggled.connect(self._on_smoothing)
        self._factor = _smoothing_slider(menu)
        self._factor.valueChanged.connect(self._on_factor)
        self.setMenu(menu)
        self.setEnabled(False)

    def _is_locked(self) -> bool:
        return self._locked

    @Slot(bool)
    def setLocked(self, locked: bool) -> None:
        self._locked = locked
        self.updateWidgetFromMRML()

    locked = Property(bool, _is_locked, setLocked)

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: vtkMRMLSegmentationNode | None) -> None:
        if node is self._node:
            return
        self._observers.clear()
        self._node = node
        events = (_Events.SegmentAdded, _Events.SegmentRemoved, _Events.ContainedRepresentationNamesModified)
        for event in ("ModifiedEvent", *events) if node is not None else ():
            self._observers.add(node, event, self._on_event)
        self.updateWidgetFromMRML()

    def _on_event(self, _caller: Any) -> None:
        self.updateWidgetFromMRML()

    @Slot()
    def updateWidgetFromMRML(self) -> None:
        segmentation = self._node.GetSegmentation() if self._node is not None else None
        if segmentation is None:
            self.setEnabled(False)
            return
        surface = _Names.GetSegmentationClosedSurfaceRepresentationName()
        is_source = segmentation.GetSourceRepresentationName() == surface
        self.setEnabled(not self._locked and segmentation.GetNumberOfSegments() > 0 and not is_source)
        blocked = self.blockSignals(True)
        self.setChecked(segmentation.ContainsRepresentation(surface))
        self.blockSignals(blocked)
        blocked = self._smoothing.blockSignals(True)
        factor = float(segmentation.GetConversionParameter(_SMOOTHING) or 0.5)
        self._smoothing.setChecked(factor >= 0)
        self._smoothing.blockSignals(blocked)
        blocked = self._factor.blockSignals(True)
        self._factor.setValue(abs(factor))
        self._factor.blockSignals(blocked)

    def _on_toggled(self, on: bool) -> None:
        if self._node is None:
            return
        segmentation = self._node.GetSegmentation()
        surface = _Names.GetSegmentationClosedSurfaceRepresentationName()
        binary = _Names.GetSegmentationBinaryLabelmapRepresentationName()
        was_modifying = self._node.StartModify()
        if not on:
            if segmentation.GetSourceRepresentationName() != surface:
                segmentation.RemoveRepresentation(surface)
        elif segmentation.CreateRepresentation(surface) and self._node.GetDisplayNode() is not None:
            display = self._node.GetDisplayNode()
            display.SetPreferredDisplayRepresentationName3D(surface)
            if segmentation.ContainsRepresentation(binary):
                display.SetPreferredDisplayRepresentationName2D(binary)
        self._node.EndModify(was_modifying)

    def _on_smoothing(self, on: bool) -> None:
        if self._node is None:
            return
        segmentation = self._node.GetSegmentation()
        factor = abs(float(segmentation.GetConversionParameter(_SMOOTHING) or 0.5)) or 0.5
        self._convert_again(factor if on else -factor)

    def _on_factor(self, factor: float) -> None:
        if self._node is not None:
            self._convert_again(factor if self._smoothing.isChecked() else -factor)

    def _convert_again(self, factor: float) -> None:
        segmentation = self._node.GetSegmentation()
        segmentation.SetConversionParameter(_SMOOTHING, str(factor))
        surface = _Names.GetSegmentationClosedSurfaceRepresentationName()
        if segmentation.ContainsRepresentation(surface):
            segmentation.CreateRepresentation(surface, True)
        self.updateWidgetFromMRML()
