"""The worker as work in pieces asks it: one client, and the Python that it runs in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..app.client import Told, WorkerClient
from ..app.interpreter import WorkerCommand, find_worker_python, worker_command
from ..app.protocol import Reply, Request
from ..core.errors import Cancelled, MedAISegError, ResourceError
from ..core.language import tr as _
from .private_packages import packages_folder
from .pump import WAITING, Pieces
from .scene import slicer_module
from .settings import Settings
from .worker_python import WorkerPython, ask_python, slicers_python

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the library's package."""


class WorkerLink:
    """Owns the client, and with it the process."""

    def __init__(self, settings: Settings, *, log: Callable[[str], None]) -> None:
        """Starts nothing; ``log`` gets each line that the worker says beside its answers."""
        self.client = WorkerClient(self._command, log=log)
        self._settings = settings
        self._python: WorkerPython | None = None
        self._restarts = 0

    def ask(self, request: Request, *, on_progress: Told = lambda _event: None) -> Pieces[Reply]:
        """The worker's reply; a worker is started where none runs. Cancelling waits for it to stop, under a second.

        Raises:
            MedAISegError: what the worker answers, or why there is none.
        """
        yield from self.find_python()
        answers: list[Reply | MedAISegError] = []
        number = self.client.ask(request, on_reply=answers.append, on_error=answers.append, on_progress=on_progress)
        try:
            while not answers:
                yield WAITING
        except Cancelled:
            self.client.cancel(number)
            while not answers:
                yield WAITING
            raise
        finally:
            if not answers:
                self.client.cancel(number)
        answer = answers[0]
        if isinstance(answer, MedAISegError):
            raise answer
        return answer

    def find_python(self) -> Pieces[WorkerPython]:
        """The interpreter that the settings name now, asked for what it is where it is not Slicer's own.

        Raises:
            ResourceError: if there is none, or it does not answer.
        """
        slicers = _slicers_python()
        while True:
            executable, restarts = find_worker_python(self._settings.python, os.environ, slicers), self._restarts
            if self._python is not None and self._python.executable == executable:
                return self._python
            found = (
                slicers_python(executable, os.environ)
                if executable == slicers
                else (yield from ask_python(executable, _environment_of_others()))
            )
            # Another may be wanted, and known, by the time that this one has answered.
            if restarts == self._restarts:
                self._python = found

    def restart(self) -> None:
        """Stop the worker; the next request starts one by the settings and packages of then."""
        self._python = None
        self._restarts += 1
        self.client.restart()

    def _command(self) -> WorkerCommand:
        if self._python is None:
            raise ResourceError(_("the worker's Python is not known yet."), remedy=_("Try again."))
        home = self._settings.models_home
        models_home = Path(home).expanduser() if home else None
        return worker_command(
            self._python.executable,
            package_root=PACKAGE_ROOT,
            packages=packages_folder(self._python.tag),
            environment={**self._python.environment, **self._settings.store_variables},
            models_home=models_home,
            offline=self._settings.offline,
        )


def _slicers_python() -> Path | None:
    """PythonSlicer, which the application puts on its own path."""
    if getattr(slicer_module(), "app", None) is None:
        return None
    found = shutil.which("PythonSlicer")
    return Path(found) if found else None


def _environment_of_others() -> Mapping[str, str]:
    """What a Python that is not Slicer's starts in: the environment before Slicer's launcher changed it."""
    slicer: Any = slicer_module()
    if getattr(slicer, "app", None) is None:
        return dict(os.environ)
    environment: Mapping[str, str] = dict(slicer.util.startupEnvironment())
    return environment
