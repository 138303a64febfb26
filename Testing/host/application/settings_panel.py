"""Pages of the application's settings dialog, which modules add, and the mapper that they bind check boxes with."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SIGNAL, Property, QObject, QSettings, Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from ..pythonqt.signals import Relay


class ctkSettingsPanel(QWidget):
    """Shows settings in the properties of widgets, and writes them when a widget says that they changed."""

    settingChanged = Signal(str, "QVariant")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings: QSettings | None = None
        self._properties: dict[str, tuple[QObject, str]] = {}

    def settings(self) -> QSettings | None:
        return self._settings

    def setSettings(self, settings: QSettings | None) -> None:
        self._settings = settings
        for key, (thing, name) in self._properties.items():
            self._update(key, thing, name)

    def registerProperty(self, key: str, thing: QObject, name: str, signal: str, *_: Any) -> None:
        self._properties[key] = (thing, name)
        self._update(key, thing, name)
        QObject.connect(thing, SIGNAL(signal.lstrip("2")), Relay(lambda: self._write(key)))

    def _update(self, key: str, thing: QObject, name: str) -> None:
        if self._settings is None:
            return
        if self._settings.contains(key):
            thing.setProperty(name, self._settings.value(key))
        else:
            self._write(key)

    def _write(self, key: str) -> None:
        thing, name = self._properties[key]
        if self._settings is not None:
            self._settings.setValue(key, thing.property(name))
            self.settingChanged.emit(key, thing.property(name))


class ctkSettingsDialog(QDialog):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels: dict[str, QWidget] = {}
        self._settings: QSettings | None = None
        QVBoxLayout(self)

    def setSettings(self, settings: QSettings | None) -> None:
        self._settings = settings

    def addPanel(self, label: str, panel: QWidget, _parent: QWidget | None = None) -> None:
        self._panels[label] = panel
        self.layout().addWidget(panel)
        if isinstance(panel, ctkSettingsPanel):
            panel.setSettings(self._settings)

    def panel(self, label: str) -> QWidget | None:
        return self._panels.get(label)


class qSlicerSettingsDialog(ctkSettingsDialog):
    """``slicer.app.settingsDialog()``."""


class ctkBooleanMapper(QObject):
    """A boolean property of another object, as a value that settings can hold."""

    valueChanged = Signal(bool)
    valueAsIntChanged = Signal(int)

    def __init__(self, target: QObject, name: str, signal: str) -> None:
        super().__init__(target)
        self._target, self._name = target, name
        QObject.connect(target, SIGNAL(signal.lstrip("2")), Relay(self._changed))

    def _changed(self) -> None:
        value = bool(self._target.property(self._name))
        self.valueChanged.emit(value)
        self.valueAsIntChanged.emit(int(value))

    def _value(self) -> bool:
        return bool(self._target.property(self._name))

    def _set_value(self, value: bool) -> None:
        self._target.setProperty(self._name, value)

    def _set_int(self, value: int) -> None:
        self._target.setProperty(self._name, bool(value))

    value = Property(bool, _value, _set_value)
    valueAsInt = Property(int, lambda self: int(self._value()), _set_int)
