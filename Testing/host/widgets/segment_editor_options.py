"""What the Segment Editor can be set to: what it shows, its undo states, its effects' buttons."""

from __future__ import annotations

from typing import Any

import slicer_core
from PySide6.QtCore import Property, Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from Testing.host.application.module_widgets import qMRMLWidget
from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.properties import held
from Testing.host.widgets.scene_nodes import Observers
from Testing.host.widgets.segment_editor_parts import EFFECTS, Parts
from Testing.host.widgets.shown_parts import effect_property, shown


class SegmentEditorOptions(qMRMLWidget):
    """The base of qMRMLSegmentEditorWidget; undo is that of the logic: saved states of all segments."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logic = slicer_core.vtkSlicerSegmentEditorLogic()
        self._locked = False
        self._order: list[str] = []
        self._shortcuts: list[QShortcut] = []
        self._logic_observers = Observers(self)
        self._parts = parts = Parts(self)
        parts.undo.clicked.connect(lambda *_: self.undo())
        parts.redo.clicked.connect(lambda *_: self.redo())
        parts.effect_buttons.buttonClicked.connect(lambda button: self.setActiveEffectByName(button.objectName()))
        self._logic_observers.add(self._logic, self._logic.SegmentationHistoryChangedEvent, self._on_history)
        self._renew_effects()

    segmentationNodeSelectorVisible = shown("segmentation")
    sourceVolumeNodeSelectorVisible = shown("source", "geometry")
    masterVolumeNodeSelectorVisible = shown("source", "geometry")
    show3DButtonVisible = shown("show_3d")
    addRemoveSegmentButtonsVisible = shown("add", "remove")
    switchToSegmentationsButtonVisible = shown("switch")
    maskingSectionVisible = held(bool, True)
    specifyGeometryButtonVisible = held(bool, True, lambda editor: editor._renew_geometry_button())
    autoShowSourceVolumeNode = held(bool, True)
    autoShowMasterVolumeNode = Property(
        bool,
        lambda editor: editor.autoShowSourceVolumeNode,
        lambda editor, shows: setattr(editor, "autoShowSourceVolumeNode", shows),
    )
    jumpToSelectedSegmentEnabled = held(bool, False)
    unorderedEffectsVisible = effect_property(bool, True)
    effectColumnCount = effect_property(int, 2)
    effectButtonStyle = effect_property(int, int(Qt.ToolButtonStyle.ToolButtonIconOnly.value))
    defaultTerminologyEntrySettingsKey = held(str, "Segmentations/DefaultTerminologyEntry")

    def _terminology(self) -> str:
        return str(self._logic.GetDefaultTerminologyEntry() or "")

    def _set_terminology(self, entry: str) -> None:
        self._logic.SetDefaultTerminologyEntry(entry)

    defaultTerminologyEntry = Property(str, _terminology, _set_terminology)

    def _renew_geometry_button(self) -> None:
        visible = self._parts.source.isVisible() and self.specifyGeometryButtonVisible
        self._parts.geometry.setVisible(visible)

    def _is_locked(self) -> bool:
        return self._locked

    @Slot(bool)
    def setReadOnly(self, read_only: bool) -> None:
        self._locked = read_only
        self.updateWidgetFromMRML()

    readOnly = Property(bool, _is_locked, setReadOnly)

    # --- undo

    def _undo_shown(self) -> bool:
        return self._parts.undo_box.isVisible()

    @Slot(bool)
    def setUndoEnabled(self, enabled: bool) -> None:
        if enabled:
            self._logic.ClearUndoState()
        self._parts.undo_box.setVisible(enabled)

    undoEnabled = Property(bool, _undo_shown, setUndoEnabled)

    def _undo_states(self) -> int:
        return int(self._logic.GetMaximumNumberOfUndoStates())

    @Slot(int)
    def setMaximumNumberOfUndoStates(self, states: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(states)

    maximumNumberOfUndoStates = Property(int, _undo_states, setMaximumNumberOfUndoStates)

    @Slot()
    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    @Slot()
    def undo(self) -> None:
        self._logic.Undo()

    @Slot()
    def redo(self) -> None:
        self._logic.Redo()

    def _on_history(self, _caller: Any) -> None:
        self._parts.undo.setEnabled(not self._locked and self._logic.CanUndo())
        self._parts.redo.setEnabled(not self._locked and self._logic.CanRedo())

    # --- effects

    def _renew_effects(self) -> None:
        self._parts.show_effects(
            self._order, self.unorderedEffectsVisible, self.effectColumnCount, self.effectButtonStyle
        )

    @Slot()
    def updateEffectList(self) -> None:
        self._renew_effects()

    def availableEffectNames(self) -> list[str]:
        return list(EFFECTS)

    def effectNameOrder(self) -> list[str]:
        return list(self._order)

    def setEffectNameOrder(self, order: list[str]) -> None:
        self._order = list(order)
        self._renew_effects()

    def setEffectButtonStyle(self, style: int) -> None:
        self.effectButtonStyle = int(style)

    def setEffectColumnCount(self, columns: int) -> None:
        self.effectColumnCount = columns

    def activeEffect(self) -> None:
        """No effect can become active here."""

    def effectByName(self, name: str) -> None:
        """An effect that is not there at all, as of an extension, is none."""
        if name in EFFECTS:
            raise NotModelled(f"the effect {name} of the Segment Editor")

    def setActiveEffectByName(self, name: str) -> None:
        if name not in ("", "None"):
            raise NotModelled(f"qMRMLSegmentEditorWidget.setActiveEffectByName({name!r})")

    def setActiveEffect(self, effect: Any) -> None:
        if effect is not None:
            raise NotModelled("qMRMLSegmentEditorWidget.setActiveEffect")

    def setupViewObservations(self) -> None:
        """Effects observe views; there is no effect."""

    def removeViewObservations(self) -> None:
        """See setupViewObservations."""

    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        self.uninstallKeyboardShortcuts()
        for key, slot in ((QKeySequence("z"), self.undo), (QKeySequence("y"), self.redo)):
            shortcut = QShortcut(key, parent or self)
            shortcut.activated.connect(slot)
            self._shortcuts.append(shortcut)

    @Slot()
    def uninstallKeyboardShortcuts(self) -> None:
        for shortcut in self._shortcuts:
            shortcut.deleteLater()
        self._shortcuts.clear()

    def segmentationNodeSelectorAddAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._parts.segmentation.addAttribute(kind, name, value)

    def segmentationNodeSelectorRemoveAttribute(self, kind: str, name: str) -> None:
        self._parts.segmentation.removeAttribute(kind, name)

    def sourceVolumeNodeSelectorAddAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._parts.source.addAttribute(kind, name, value)

    def sourceVolumeNodeSelectorRemoveAttribute(self, kind: str, name: str) -> None:
        self._parts.source.removeAttribute(kind, name)

    def setSegmentationNodeSelectorVisible(self, visible: bool) -> None:
        self.segmentationNodeSelectorVisible = visible

    def setSourceVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self.sourceVolumeNodeSelectorVisible = visible

    def setMasterVolumeNodeSelectorVisible(self, visible: bool) -> None:
        self.masterVolumeNodeSelectorVisible = visible

    def setAddRemoveSegmentButtonsVisible(self, visible: bool) -> None:
        self.addRemoveSegmentButtonsVisible = visible

    def setShow3DButtonVisible(self, visible: bool) -> None:
        self.show3DButtonVisible = visible

    def setSwitchToSegmentationsButtonVisible(self, visible: bool) -> None:
        self.switchToSegmentationsButtonVisible = visible

    def setMaskingSectionVisible(self, visible: bool) -> None:
        self.maskingSectionVisible = visible

    def setSpecifyGeometryButtonVisible(self, visible: bool) -> None:
        self.specifyGeometryButtonVisible = visible

    def setAutoShowSourceVolumeNode(self, shows: bool) -> None:
        self.autoShowSourceVolumeNode = shows

    def setAutoShowMasterVolumeNode(self, shows: bool) -> None:
        self.autoShowMasterVolumeNode = shows

    def setJumpToSelectedSegmentEnabled(self, enabled: bool) -> None:
        self.jumpToSelectedSegmentEnabled = enabled
