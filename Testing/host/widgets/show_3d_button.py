"""qMRMLSegmentationShow3DButton: makes the closed surfaces of a segmentation, or takes them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Property, Slot
from PySide6.QtWidgets import QMenu, QWidget

from Testing.host.widgets.icons import icon
from Testing.host.widgets.menu_button import ctkMenuButton
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLSegmentationNode

_Events = slicer_core.vtkSegmentation
_Names = slicer_core.vtkSegmentationConverter
_SMOOTHING = slicer_core.vtkBinaryLabelmapToClosedSurfaceConversionRule.GetSmoothingFactorParameterName()


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
        self._smoothing.setChecked(float(segmentation.GetConversionParameter(_SMOOTHING) or 0.5) >= 0)
        self._smoothing.blockSignals(blocked)

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
        segmentation.SetConversionParameter(_SMOOTHING, str(factor if on else -factor))
        surface = _Names.GetSegmentationClosedSurfaceRepresentationName()
        if segmentation.ContainsRepresentation(surface):
            segmentation.CreateRepresentation(surface, True)
        self.updateWidgetFromMRML()
