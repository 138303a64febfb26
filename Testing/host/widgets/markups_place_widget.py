"""qSlicerMarkupsPlaceWidget: the buttons to place points of a markups node."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from Testing.host.application.module_widgets import qSlicerWidget
from Testing.host.widgets.colour_button import ctkColorPickerButton
from Testing.host.widgets.icons import icon
from Testing.host.widgets.properties import held
from Testing.host.widgets.scene_nodes import Observers

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene


class qSlicerMarkupsPlaceWidget(qSlicerWidget):
    """Place mode is that of the scene's interaction node; a test places points by adding them to the node."""

    class PlaceMultipleMarkupsType(enum.IntEnum):
        ShowPlaceMultipleMarkupsOption = 0
        HidePlaceMultipleMarkupsOption = 1
        ForcePlaceSingleMarkup = 2
        ForcePlaceMultipleMarkups = 3

    activeMarkupsPlaceModeChanged = Signal(bool)
    activeMarkupsFiducialPlaceModeChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._told = False
        self._node_observers, self._mode_observers = Observers(self), Observers(self)
        self._colour = ctkColorPickerButton(self)
        self._colour.displayColorName = False
        self._place, self._delete, self._more = QToolButton(self), QToolButton(self), QToolButton(self)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        for button, name, drawn in (
            (self._place, "PlaceButton", "plus"),
            (self._delete, "DeleteButton", "clear"),
            (self._more, "MoreButton", "flag"),
        ):
            button.setObjectName(name)
            button.setIcon(icon(drawn))
            line.addWidget(button)
        line.addWidget(self._colour)
        self._place.setCheckable(True)
        self._place.toggled.connect(self.setPlaceModeEnabled)
        self._delete.clicked.connect(lambda *_: self.deleteLastPoint())
        self._colour.colorChanged.connect(self.setNodeColor)
        self._update()

    placeMultipleMarkups = held(int, 0)
    deleteAllControlPointsOptionVisible = held(bool, True)
    unsetLastControlPointOptionVisible = held(bool, False)
    unsetAllControlPointsOptionVisible = held(bool, False)
    defaultNodeColor = held(QColor, QColor(0, 255, 0))

    def setPlaceMultipleMarkups(self, option: int) -> None:
        self.placeMultipleMarkups = int(option)

    def placeButton(self) -> QToolButton:
        return self._place

    def deleteButton(self) -> QToolButton:
        return self._delete

    def _buttons(self) -> tuple[QWidget, ...]:
        return (self._place, self._delete, self._more, self._colour)

    def _buttons_shown(self) -> bool:
        return all(button.isVisibleTo(self) for button in self._buttons())

    @Slot(bool)
    def setButtonsVisible(self, visible: bool) -> None:
        for button in self._buttons():
            button.setVisible(visible)

    buttonsVisible = Property(bool, _buttons_shown, setButtonsVisible)

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        super().setMRMLScene(scene)
        self._mode_observers.clear()
        for node in (self.interactionNode(), self.selectionNode()):
            if node is not None:
                self._mode_observers.add(node, "ModifiedEvent", self._on_event)
        self._update()

    def _singleton(self, node_id: str) -> Any:
        return self.mrmlScene().GetNodeByID(node_id) if self.mrmlScene() is not None else None

    def interactionNode(self) -> Any:
        return self._singleton("vtkMRMLInteractionNodeSingleton")

    def selectionNode(self) -> Any:
        return self._singleton("vtkMRMLSelectionNodeSingleton")

    def currentNode(self) -> Any:
        return self._node

    def currentMarkupsNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        markups = node if node is not None and node.IsA("vtkMRMLMarkupsNode") else None
        if markups is self._node:
            return
        self._node_observers.clear()
        self._node = markups
        if markups is not None:
            for event in ("ModifiedEvent", markups.PointAddedEvent, markups.PointRemovedEvent):
                self._node_observers.add(markups, event, self._on_event)
        self._update()

    def _on_event(self, _caller: Any) -> None:
        self._update()

    def _is_active(self) -> bool:
        selection = self.selectionNode()
        return (
            self._node is not None
            and selection is not None
            and selection.GetActivePlaceNodeID() == self._node.GetID()
            and selection.GetActivePlaceNodeClassName() == self._node.GetClassName()
        )

    def setCurrentNodeActive(self, active: bool) -> None:
        if active == self._is_active() or self.selectionNode() is None:
            return
        if active:
            self.selectionNode().SetReferenceActivePlaceNodeClassName(self._node.GetClassName())
            self.selectionNode().SetActivePlaceNodeID(self._node.GetID())
        else:
            self.selectionNode().SetActivePlaceNodeID(None)
            self.interactionNode().SetCurrentInteractionMode(self.interactionNode().ViewTransform)

    currentNodeActive = Property(bool, _is_active, setCurrentNodeActive)

    def _places(self) -> bool:
        interaction = self.interactionNode()
        return self._is_active() and interaction.GetCurrentInteractionMode() == interaction.Place

    @Slot(bool)
    def setPlaceModeEnabled(self, enabled: bool) -> None:
        interaction = self.interactionNode()
        if interaction is None or self._node is None:
            return
        if enabled:
            self.setCurrentNodeActive(True)
            kinds = self.PlaceMultipleMarkupsType
            if self.placeMultipleMarkups in (kinds.ForcePlaceSingleMarkup, kinds.ForcePlaceMultipleMarkups):
                self.setPlaceModePersistency(self.placeMultipleMarkups == kinds.ForcePlaceMultipleMarkups)
        interaction.SetCurrentInteractionMode(interaction.Place if enabled else interaction.ViewTransform)
        self._update()

    placeModeEnabled = Property(bool, _places, setPlaceModeEnabled)

    def _persistent(self) -> bool:
        return bool(self.interactionNode().GetPlaceModePersistence()) if self.interactionNode() is not None else False

    @Slot(bool)
    def setPlaceModePersistency(self, persistent: bool) -> None:
        if self.interactionNode() is not None:
            self.interactionNode().SetPlaceModePersistence(persistent)

    placeModePersistency = Property(bool, _persistent, setPlaceModePersistency)

    def _node_colour(self) -> QColor:
        display = self._node.GetDisplayNode() if self._node is not None else None
        return QColor.fromRgbF(*display.GetSelectedColor()) if display is not None else self.defaultNodeColor

    def setNodeColor(self, colour: QColor) -> None:
        if self._node is not None and self._node.GetDisplayNode() is not None:
            self._node.GetDisplayNode().SetSelectedColor(colour.redF(), colour.greenF(), colour.blueF())

    nodeColor = Property(QColor, _node_colour, setNodeColor)

    @Slot()
    def deleteLastPoint(self) -> None:
        if self._node is not None and self._node.GetNumberOfControlPoints():
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    @Slot()
    def deleteAllPoints(self) -> None:
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    def _update(self) -> None:
        there = self._node is not None and self.interactionNode() is not None
        self._place.setEnabled(there)
        self._delete.setEnabled(there and self._node.GetNumberOfControlPoints() > 0)
        self._more.setEnabled(there)
        self._colour.setEnabled(there)
        places = there and self._places()
        for button, apply in ((self._place, self._place.setChecked), (self._colour, None)):
            blocked = button.blockSignals(True)
            if apply is not None:
                apply(places)
            else:
                self._colour.setColor(self._node_colour())
            button.blockSignals(blocked)
        if places != self._told:
            self._told = places
            self.activeMarkupsFiducialPlaceModeChanged.emit(places)
            self.activeMarkupsPlaceModeChanged.emit(places)
