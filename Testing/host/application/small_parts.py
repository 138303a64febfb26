"""Small objects that ``slicer.app`` hands out."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QObject, Signal

from ..pythonqt import NotModelled


class qSlicerCommandOptions(QObject):
    """What the application was started with; here nothing but, perhaps, --testing."""

    def __init__(self, *, testing: bool) -> None:
        super().__init__()
        self._testing, self._python_and_exit = testing, False

    def _set_python_and_exit(self, run: bool) -> None:
        self._python_and_exit = run

    testingEnabled = Property(bool, lambda self: self._testing)
    runPythonAndExit = Property(bool, lambda self: self._python_and_exit, _set_python_and_exit)
    noMainWindow = Property(bool, lambda _: False)
    disableCLIModules = Property(bool, lambda _: False)
    disableLoadableModules = Property(bool, lambda _: False)
    disableScriptedLoadableModules = Property(bool, lambda _: False)
    enableQtTesting = Property(bool, lambda _: False)
    pythonScript = Property(str, lambda _: "")
    pythonCode = Property(str, lambda _: "")
    additionalModulePaths = Property("QStringList", lambda _: [])


class qSlicerExtensionsManagerModel(QObject):
    """No extension is installed, and none can be."""

    modelUpdated = Signal()
    extensionInstalled = Signal(str)

    installedExtensions = Property("QStringList", lambda _: [])
    managedExtensions = Property("QStringList", lambda _: [])
    enabledExtensions = Property("QStringList", lambda _: [])
    installedExtensionsCount = Property(int, lambda _: 0)
    interactive = Property(bool, lambda _: True, lambda _self, _value: None)

    def isExtensionInstalled(self, name: str) -> bool:
        return False

    def isExtensionEnabled(self, name: str) -> bool:
        return False

    def isExtensionScheduledForUninstall(self, name: str) -> bool:
        return False

    def installExtensionFromServer(self, name: str, *_: Any) -> bool:
        raise NotModelled(f"the installation of the extension {name}")

    def downloadAndInstallExtensionByName(self, name: str, *_: Any) -> bool:
        raise NotModelled(f"the installation of the extension {name}")
