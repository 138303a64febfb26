"""The device, the worker and the settings of this machine."""

from __future__ import annotations

from pathlib import Path

import qt

from ..app.client import WorkerState
from ..app.protocol import DeviceRecord, DevicesReply
from ..core.data_home import data_home
from ..core.errors import Cancelled, MedAISegError
from ..models.card import ModelCard
from .advanced_view import AdvancedView
from .class_words import why_no_segments
from .context import Context
from .texts import _


class MachineControl:
    """Between the Advanced section and the settings; each choice is in force from the next run on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._devices: tuple[DeviceRecord, ...] = ()
        self._hindrance: MedAISegError | None = None
        self.view = AdvancedView(context.ui, self)

    def ask_devices(self) -> None:
        """Ask the worker which devices there are; what hinders it stands beside its Restart button."""

        def done(reply: DevicesReply) -> None:
            self._devices = reply.devices
            self._context.changed()

        self._hindrance = None
        self._context.session.devices(on_done=done, on_error=self._cannot_ask)

    def refresh(self, cards: tuple[ModelCard, ...]) -> None:
        choices, settings = self._context.parameters().read(), self._context.session.settings
        self.view.show_run_options(
            flips=choices.test_time_flips,
            keep_largest=choices.keep_largest_component,
            why_not=why_no_segments(cards),
        )
        self.view.show_machine(
            device=settings.device, devices=self._devices, offline=settings.offline, python=settings.python
        )
        self.show_worker()

    def show_worker(self) -> None:
        client = self._context.session.client
        text = {
            WorkerState.STOPPED: _("The process that runs the networks is not started."),
            WorkerState.STARTING: _("The process that runs the networks is starting…"),
            WorkerState.READY: _("The process that runs the networks waits (process {pid})."),
            WorkerState.BUSY: _("The process that runs the networks is at work (process {pid})."),
        }[client.state].format(pid=client.pid)
        if client.state is not WorkerState.STOPPED:
            self._hindrance = None
        elif (failure := self._hindrance or client.last_failure) is not None:
            text = str(failure)
        self.view.show_worker(text)

    def choose_device(self, name: str) -> None:
        self._context.session.settings.device = name
        self._context.changed()

    def choose_flips(self, flips: bool | None) -> None:
        self._context.parameters().change(test_time_flips=flips)

    def choose_keep_largest(self, is_wanted: bool) -> None:
        self._context.parameters().change(keep_largest_component=is_wanted)

    def choose_offline(self, is_wanted: bool) -> None:
        self._context.session.settings.offline = is_wanted
        self.restart_worker()

    def choose_python(self, path: str) -> None:
        self._context.session.settings.python = path
        self.restart_worker()

    def restart_worker(self) -> None:
        self._context.session.restart_worker()
        self._devices, self._hindrance = (), None
        self._context.changed()

    def open_models_folder(self) -> None:
        home = self._context.session.settings.models_home
        folder = (Path(home) if home else data_home()) / "models"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.view.messages.show_error(_cannot_open(folder, error))
            return
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder)))

    def _cannot_ask(self, error: MedAISegError) -> None:
        if not isinstance(error, Cancelled):
            self._hindrance = error
            self.show_worker()


def _cannot_open(folder: Path, error: OSError) -> MedAISegError:
    return MedAISegError(
        _("the folder cannot be made: {reason}.").format(reason=error.strerror),
        where=str(folder),
        remedy=_("Set MEDAISEG_HOME to a folder that you may write to."),
    )
