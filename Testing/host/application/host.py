"""One start of the emulated application: everything of it is fresh, but for the QApplication of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ..immortals import make_immortal
from ..pythonqt import LEDGER, wrap
from ..pythonqt.signals import forget_connections
from ..registry import hooks, load, stand_in
from . import assembly, dialogs
from .error_log import start_log
from .garbage import delete_widgets, hold_collector
from .scene import SceneParts, close_scene, new_scene
from .subject_hierarchy import SubjectHierarchyPlugins
from .thread_guard import ThreadGuard

_application: list[Any] = []


def the_application() -> Any:
    """The process's only QApplication, made at the first call."""
    if not _application:
        make_immortal()
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        from .look import set_look

        _application.append(stand_in("slicer.qSlicerApplication")())
        set_look(_application[0])
    return _application[0]


class Host:
    """A started application. ``stop`` takes ``slicer`` back to what slicer-core alone makes of it."""

    def __init__(self, *, testing: bool = False, main_window: bool = True) -> None:
        self.application = the_application()
        self._undo: list[Callable[[], None]] = []
        self._ended = False
        self.at_end(hold_collector())
        self.at_end(delete_widgets)
        self.module_folders: list[Path] = []
        LEDGER.clear()
        import slicer

        self.slicer: ModuleType = slicer
        self.parts: SceneParts = new_scene(slicer)
        self.at_end(lambda: close_scene(self.parts))
        self.at_end(dialogs.forget_answers)
        self.application._begin(self.parts, testing=testing, main_window=main_window)
        model, stop_log = start_log()
        self.at_end(stop_log)
        self.application._managers["errorLogModel"] = model
        self._catch_exceptions()
        assembly.install(self)
        self.main_window = assembly.new_main_window(self) if main_window else None
        self.at_end(SubjectHierarchyPlugins(slicer, self.parts.scene).stop)
        guard = ThreadGuard(self.parts.scene)
        self.at_end(guard.stop)
        for place in hooks():
            load(place)(self)
        self.running = True

    @property
    def ledger(self) -> Any:
        return LEDGER

    @property
    def scene(self) -> Any:
        return self.parts.scene

    wrap = staticmethod(wrap)
    answer = staticmethod(dialogs.answer)

    @property
    def dialogs_shown(self) -> list[str]:
        """The texts of the modal dialogs so far."""
        return dialogs.shown

    def at_end(self, function: Callable[[], None]) -> None:
        """Called by ``stop``, the last first."""
        self._undo.append(function)

    def load_module(self, path: Path | str) -> Any:
        """The module object ``slicer.modules.<name>`` of a scripted module's file, not entered yet."""
        path = Path(path).resolve()
        kind = stand_in("slicer.qSlicerScriptedLoadableModule")
        logic = self.slicer.vtkSlicerScriptedLoadableModuleLogic()
        logic.SetMRMLScene(self.scene)
        module = kind(path.stem, str(path), logic)
        before, on_path = set(sys.modules), str(path.parent) in sys.path
        self.module_folders.append(path.parent)
        self.at_end(lambda: _forget_modules(before, path.parent, on_path=on_path))
        module._load()
        self.application.moduleManager()._add(module)
        module._setup()
        return wrap(module)

    def startup_completed(self) -> None:
        """All modules are loaded; modules listen to the signal to finish their own start."""
        self.application.startupCompleted.emit()

    def enter(self, name: str) -> Any:
        """Selects the module as the user does; the module's own Python widget."""
        self.slicer.util.selectModule(name)
        return getattr(self.slicer.modules, f"{name}Widget", None)

    def quit(self) -> None:
        """The user ends the application: panels are told, then everything else."""
        if self._ended:
            return
        self._ended = True
        # The application itself is the first to hear that it is about to quit, and unloads its modules then.
        for name in self.application.moduleManager().modulesNames():
            self.application.moduleManager().moduleAboutToBeUnloaded.emit(name)
        self.application.aboutToQuit.emit()

    def stop(self) -> None:
        if not self.running:
            return
        self.quit()
        self.running = False
        if self.main_window is not None:
            self.main_window._close()
        for function in reversed(self._undo):
            function()
        forget_connections(self.application)

    def _catch_exceptions(self) -> None:
        """What Qt's and VTK's own callbacks print ends in ``sys.excepthook``; it is remembered."""
        before = sys.excepthook

        def remember(kind: Any, value: Any, trace: Any) -> None:
            LEDGER.record(kind, value, trace)

        sys.excepthook = remember
        self.at_end(lambda: setattr(sys, "excepthook", before))


def _forget_modules(before: set[str], folder: Path, *, on_path: bool) -> None:
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(folder) and not name.startswith("MedAISegLib"):
            del sys.modules[name]
    if str(folder) in sys.path and not on_path:
        sys.path.remove(str(folder))
