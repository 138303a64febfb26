"""The device, how the network is run, and the process that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..app.protocol import DeviceRecord
from .items import Switch, silent
from .messages import MessageView
from .texts import _, readable_bytes

_FLIPS: tuple[bool | None, ...] = (None, True, False)


class AdvancedActions(Protocol):
    """What the section's widgets ask for."""

    def choose_device(self, name: str) -> None: ...

    def choose_flips(self, flips: bool | None) -> None: ...

    def choose_keep_largest(self, is_wanted: bool) -> None: ...

    def choose_offline(self, is_wanted: bool) -> None: ...

    def choose_python(self, path: str) -> None: ...

    def restart_worker(self) -> None: ...

    def open_models_folder(self) -> None: ...


class AdvancedView:
    """The Advanced section, without the Python packages."""

    def __init__(self, ui: Any, actions: AdvancedActions) -> None:
        self._ui, self._actions = ui, actions
        self.messages = MessageView(ui.advancedMessages, "advancedMessage", ui.stopDependencyButton)
        self._devices: tuple[DeviceRecord, ...] | None = None
        self._of_segments = Switch(ui.flipsSelector, ui.keepLargestCheckBox)
        with silent(ui.flipsSelector):
            for text in (_("as the model says"), _("always"), _("never")):
                ui.flipsSelector.addItem(text)
        ui.deviceSelector.connect("currentIndexChanged(int)", self._choose_device)
        ui.flipsSelector.connect("currentIndexChanged(int)", lambda index: actions.choose_flips(_FLIPS[index]))
        ui.keepLargestCheckBox.connect("toggled(bool)", actions.choose_keep_largest)
        ui.offlineCheckBox.connect("toggled(bool)", actions.choose_offline)
        ui.pythonPath.connect("currentPathChanged(QString)", actions.choose_python)
        ui.restartWorkerButton.connect("clicked()", actions.restart_worker)
        ui.modelsFolderButton.connect("clicked()", actions.open_models_folder)

    def show_run_options(self, *, flips: bool | None, keep_largest: bool, why_not: str) -> None:
        """What travels with the scene, and why it has no effect on the next run."""
        self._of_segments.set(why_not)
        with silent(self._ui.flipsSelector, self._ui.keepLargestCheckBox):
            self._ui.flipsSelector.setCurrentIndex(_FLIPS.index(flips))
            self._ui.keepLargestCheckBox.checked = keep_largest

    def show_machine(self, *, device: str, devices: Sequence[DeviceRecord], offline: bool, python: str) -> None:
        """What belongs to this computer; ``devices`` is empty before the worker has said which there are."""
        ui = self._ui
        with silent(ui.deviceSelector, ui.offlineCheckBox, ui.pythonPath):
            if tuple(devices) != self._devices:
                self._devices = tuple(devices)
                ui.deviceSelector.clear()
                for text, name in _device_entries(devices):
                    ui.deviceSelector.addItem(text, name)
            if ui.deviceSelector.findData(device) < 0:
                ui.deviceSelector.addItem(_("{device} (not here)").format(device=device), device)
            ui.deviceSelector.setCurrentIndex(ui.deviceSelector.findData(device))
            ui.offlineCheckBox.checked = offline
            if ui.pythonPath.currentPath != python:
                ui.pythonPath.currentPath = python

    def show_worker(self, text: str) -> None:
        """What the worker is doing."""
        self._ui.workerLabel.setText(text)

    def _choose_device(self, _index: int) -> None:
        name = self._ui.deviceSelector.currentData
        if name is not None:
            self._actions.choose_device(str(name))


def _device_entries(devices: Sequence[DeviceRecord]) -> list[tuple[str, str]]:
    first = devices[0].label if devices else ""
    automatic = _("automatic ({device})").format(device=first) if first else _("automatic")
    return (
        [(automatic, "auto"), *((_device_text(device), device.name) for device in devices)]
        if devices
        else [
            (automatic, "auto"),
            (_("processor (CPU)"), "cpu"),
        ]
    )


def _device_text(device: DeviceRecord) -> str:
    text = device.label if device.label == device.name else f"{device.label} ({device.name})"
    if device.problem:
        return f"{text}: {device.problem}"
    if device.free_bytes:
        return _("{device}, {free} free").format(device=text, free=readable_bytes(device.free_bytes))
    return text
