"""``slicer.app``: the one application object of the process. What belongs to one start is reset by ``begin``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QProcessEnvironment, QSettings, Signal
from PySide6.QtWidgets import QApplication

from ..pythonqt import NotModelled
from .loop import process_events
from .settings import ctkSettings
from .settings_panel import qSlicerSettingsDialog
from .small_parts import qSlicerCommandOptions, qSlicerExtensionsManagerModel

VERSION = (5, 10, 0)
REVISION = "34045"
RELEASE_DATE = "2025-11-10"
_ORGANIZATION = "slicer.org"


def _constant(kind: Any, value: Any) -> Property:
    return Property(kind, lambda _: value)


class qSlicerApplication(QApplication):
    """The members are those that the genuine application was seen to have; the rest is not modelled."""

    CXX_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    ABSENT = ("setStyleTheme",)

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)
    userInformationChanged = Signal()
    pauseRenderChanged = Signal(bool)
    urlReceived = Signal(str)

    mainApplicationName = _constant(str, "Slicer")
    mainApplicationDisplayName = _constant(str, "3D Slicer")
    majorVersion = _constant(int, VERSION[0])
    minorVersion = _constant(int, VERSION[1])
    mainApplicationMajorVersion = _constant(int, VERSION[0])
    mainApplicationMinorVersion = _constant(int, VERSION[1])
    mainApplicationPatchVersion = _constant(int, VERSION[2])
    mainApplicationRevision = _constant(str, REVISION)
    mainApplicationRepositoryRevision = _constant(str, REVISION)
    releaseType = _constant(str, "Experimental")
    revision = _constant(str, REVISION)
    repositoryRevision = _constant(str, REVISION)
    os = _constant(str, "linux")
    arch = _constant(str, "amd64")
    platform = _constant(str, "linux-amd64")
    isInstalled = _constant(bool, value=True)
    intDir = _constant(str, ".")

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setApplicationVersion(f"{'.'.join(map(str, VERSION))}-{RELEASE_DATE}")
        self.setOrganizationName(_ORGANIZATION)
        self._parts: Any = None
        self._managers: dict[str, Any] = {}
        self._render_paused = 0
        self._temporary = self._default_scene_path = self._extensions = ""

    def _begin(self, parts: Any, *, testing: bool, main_window: bool) -> None:
        """A fresh start on a scene of its own, with empty settings."""
        self._parts, self._testing, self._has_main_window = parts, testing, main_window
        self._temporary = str(parts.folder / "tmp")
        self._default_scene_path = str(parts.folder / "documents")
        self._extensions = str(parts.folder / "Extensions-34045")
        for folder in (self._default_scene_path, self._extensions):
            Path(folder).mkdir()
        self._render_paused = 0
        self._managers = {
            "commandOptions": qSlicerCommandOptions(testing=testing),
            "extensionsManagerModel": qSlicerExtensionsManagerModel(),
        }
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            QSettings.setPath(QSettings.Format.IniFormat, scope, str(parts.folder / "settings"))
        self._user_settings = ctkSettings(str(parts.folder / f"settings/{_ORGANIZATION}/Slicer.ini"))
        self._user_settings.setValue("Modules/HomeModule", "Welcome")
        self._revision_settings = ctkSettings(str(parts.folder / f"settings/{_ORGANIZATION}/Slicer-{REVISION}.ini"))

    def _home(self) -> str:
        return str(self._parts.folder)

    def _set_temporary(self, path: str) -> None:
        self._temporary = path

    def _set_default_scene_path(self, path: str) -> None:
        self._default_scene_path = path

    temporaryPath = Property(str, lambda self: self._temporary, _set_temporary)
    defaultScenePath = Property(str, lambda self: self._default_scene_path, _set_default_scene_path)
    slicerHome = Property(str, _home)
    extensionsInstallPath = Property(str, lambda self: self._extensions)
    launcherSettingsFilePath = Property(str, lambda self: f"{self._home()}/bin/SlicerLauncherSettings.ini")
    launcherExecutableFilePath = Property(str, lambda self: f"{self._home()}/Slicer")
    slicerSharePath = Property(str, lambda self: str(self._parts.folder / "share"))
    cachePath = Property(str, lambda self: str(self._parts.folder / "tmp" / "RemoteIO"))
    startupWorkingPath = Property(str, lambda self: str(Path.cwd()))
    slicerUserSettingsFilePath = Property(str, lambda self: self._user_settings.fileName())
    slicerRevisionUserSettingsFilePath = Property(str, lambda self: self._revision_settings.fileName())
    renderPaused = Property(bool, lambda self: self._render_paused > 0)

    def testingEnabled(self) -> bool:
        return self._testing

    def settings(self) -> QSettings:
        return self._user_settings

    def userSettings(self) -> QSettings:
        return self._user_settings

    def revisionUserSettings(self) -> QSettings:
        return self._revision_settings

    def mrmlScene(self) -> Any:
        return self._parts.scene

    def applicationLogic(self) -> Any:
        return self._parts.application_logic

    def moduleLogic(self, name: str) -> Any:
        return self._parts.module_logics.get(name)

    def _manager(self, name: str) -> Any:
        if name not in self._managers:
            raise NotModelled(f"slicer.app.{name}()")
        return self._managers[name]

    def layoutManager(self) -> Any:
        """None where there is no main window."""
        return self._manager("layoutManager") if self._has_main_window else None

    def setLayoutManager(self, manager: object) -> None:
        self._managers["layoutManager"] = manager

    def moduleManager(self) -> Any:
        return self._manager("moduleManager")

    def ioManager(self) -> Any:
        return self._manager("ioManager")

    def coreIOManager(self) -> Any:
        return self._manager("ioManager")

    def errorLogModel(self) -> Any:
        return self._manager("errorLogModel")

    def pythonManager(self) -> Any:
        return self._manager("pythonManager")

    def pythonConsole(self) -> Any:
        return self._manager("pythonConsole")

    def dicomDatabase(self) -> Any:
        return self._manager("dicomDatabase")

    def setRenderPaused(self, paused: bool) -> None:
        self._render_paused = max(self._render_paused + (1 if paused else -1), 0)

    def pauseRender(self) -> None:
        self.setRenderPaused(paused=True)

    def resumeRender(self) -> None:
        self.setRenderPaused(paused=False)

    def processEvents(self, *_: Any) -> None:
        process_events()

    def environment(self) -> QProcessEnvironment:
        return QProcessEnvironment.systemEnvironment()

    def startupEnvironment(self) -> QProcessEnvironment:
        """The environment without what Slicer's launcher adds."""
        return QProcessEnvironment.systemEnvironment()

    def commandOptions(self) -> Any:
        return self._manager("commandOptions")

    def extensionsManagerModel(self) -> Any:
        return self._manager("extensionsManagerModel")

    def settingsDialog(self) -> Any:
        if "settingsDialog" not in self._managers:
            self._managers["settingsDialog"] = qSlicerSettingsDialog()
            self._managers["settingsDialog"].setSettings(self._user_settings)
        return self._managers["settingsDialog"]

    def toSlicerHomeAbsolutePath(self, path: str) -> str:
        return str(Path(self._home()) / path)

    def openUrl(self, url: str) -> None:
        self._opened_urls = [*getattr(self, "_opened_urls", []), url]

    def translate(self, context: str, text: str) -> str:
        return QApplication.translate(context, text)

    def restart(self) -> None:
        raise NotModelled("slicer.app.restart()")
