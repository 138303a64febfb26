"""qMRMLMarkupsROIWidget: the extent of a region of interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QPushButton, QWidget

from Testing.host.widgets.range_widget import ctkRangeWidget
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene

_AXES = (("L-R:", "LRRangeWidget"), ("P-A:", "PARangeWidget"), ("I-S:", "ISRangeWidget"))
_FIRST_RANGE = (-200.0, 200.0)


class qMRMLMarkupsROIWidget(QWidget):
    """Centre and radius along the node's own axes, in mm; the ranges grow with the node."""

    displayClippingBoxChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._scene: Any = None
        self._observers = Observers(self)
        self._following = False
        self._kind, self._inside_out = QComboBox(self), QCheckBox("Inside out", self)
        self._kind.setObjectName("roiTypeComboBox")
        self._box = QPushButton("Display ROI", self)
        self._box.setObjectName("DisplayClippingBoxButton")
        self._box.setCheckable(True)
        self._interactive = QCheckBox("Interactive mode", self)
        self._interactive.setObjectName("InteractiveModeCheckBox")
        form = QFormLayout(self)
        for widget in (self._box, self._interactive, self._inside_out):
            form.addRow(widget)
        form.addRow("ROI type:", self._kind)
        self._ranges = []
        for text, name in _AXES:
            axis = ctkRangeWidget(self)
            axis.setObjectName(name)
            axis.setRange(*_FIRST_RANGE)
            axis.valuesChanged.connect(lambda *_: self.updateROI())
            form.addRow(text, axis)
            self._ranges.append(axis)
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._inside_out.toggled.connect(self.setInsideOut)
        self._box.toggled.connect(self.setDisplayClippingBox)
        self._interactive.toggled.connect(self.setInteractiveMode)
        self.setEnabled(False)

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        self._scene = scene

    def setMRMLMarkupsNode(self, node: vtkMRMLNode | None) -> None:
        self._observers.clear()
        self._node = node if node is not None and node.IsA("vtkMRMLMarkupsROINode") else None
        if self._node is not None:
            for event in ("ModifiedEvent", self._node.DisplayModifiedEvent, self._node.PointModifiedEvent):
                self._observers.add(self._node, event, self._on_node)
            self._fill_kinds()
            self.updateWidgetFromMRML()
        self.setEnabled(node is not None)

    def _fill_kinds(self) -> None:
        self._kind.blockSignals(True)
        self._kind.clear()
        for kind in range(self._node.ROIType_Last):
            self._kind.addItem(self._node.GetROITypeAsString(kind), kind)
        self._kind.blockSignals(False)

    def _on_node(self, _caller: Any) -> None:
        self.updateWidgetFromMRML()

    @Slot()
    def updateWidgetFromMRML(self) -> None:
        if self._node is None or self._following:
            return
        self._following = True
        display = self._node.GetDisplayNode()
        interactive = bool(display.GetHandlesInteractive()) if display is not None else False
        self._interactive.setChecked(interactive)
        self._box.setChecked(bool(self._node.GetDisplayVisibility()))
        for axis, centre, radius in zip(self._ranges, self._node.GetXYZ(), self._node.GetRadiusXYZ(), strict=True):
            axis.tracking = interactive
            low, high = centre - radius, centre + radius
            axis.setRange(min(low, axis.minimum), max(high, axis.maximum))
            axis.setValues(low, high)
        self._kind.setCurrentIndex(self._kind.findData(self._node.GetROIType()))
        self._inside_out.setChecked(bool(self._node.GetInsideOut()))
        self._following = False

    @Slot()
    def updateROI(self) -> None:
        if self._node is None or self._following:
            return
        ends = [(axis.minimumValue, axis.maximumValue) for axis in self._ranges]
        was_modifying = self._node.StartModify()
        self._node.SetXYZ([(low + high) / 2 for low, high in ends])
        self._node.SetRadiusXYZ([(high - low) / 2 for low, high in ends])
        self._node.EndModify(was_modifying)

    def _on_kind(self, index: int) -> None:
        if self._node is not None and not self._following:
            self._node.SetROIType(self._kind.itemData(index))

    @Slot(bool)
    def setDisplayClippingBox(self, visible: bool) -> None:
        if self._node is not None and not self._following:
            self._node.SetDisplayVisibility(visible)

    @Slot(bool)
    def setInteractiveMode(self, interactive: bool) -> None:
        if self._node is None or self._following:
            return
        if self._node.GetDisplayNode() is None:
            self._node.CreateDefaultDisplayNodes()
        self._node.GetDisplayNode().SetHandlesInteractive(interactive)

    @Slot(bool)
    def setInsideOut(self, inside_out: bool) -> None:
        if self._node is not None and not self._following:
            self._node.SetInsideOut(inside_out)
