"""The widgets that hold a module's panel."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..pythonqt import LEDGER, wrap


class qSlicerWidget(QWidget):
    CXX_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:  # noqa: F821  a C++ type
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


class qMRMLWidget(qSlicerWidget):
    """The base of most .ui files."""


class qSlicerAbstractModuleWidget(qSlicerWidget):
    moduleName = Property(str, lambda self: self._module.name if self._module is not None else "")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._module: Any = None
        self._entered = False

    def module(self) -> Any:
        return self._module

    def isEntered(self) -> bool:
        return self._entered

    def enter(self) -> None:
        self._entered = True

    def exit(self) -> None:
        self._entered = False


class qSlicerScriptedLoadableModuleWidget(qSlicerAbstractModuleWidget):
    """The C++ side of a scripted panel: it makes the Python widget, and calls it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        QVBoxLayout(self)
        self._python: Any = None

    def self(self) -> Any:
        """The module's own widget object."""
        return self._python

    def reload(self) -> None:
        """A new widget object of the class that the source has now, on this same C++ widget."""
        self._create()

    def _create(self) -> None:
        """As in C++, a failing constructor or setup is printed, and the panel stays as far as it came."""
        import sys

        import slicer

        name = self._module.name + "Widget"
        kind = getattr(sys.modules[self._module.name], name, None)
        if kind is None:
            return
        try:
            self._python = kind(wrap(self))
            setattr(slicer.modules, name, self._python)
            self._python.setup()
        except BaseException:  # noqa: BLE001  the application prints it and goes on
            LEDGER.record_exception()

    def enter(self) -> None:
        super().enter()
        self._call("enter")

    def exit(self) -> None:
        super().exit()
        self._call("exit")

    def _call(self, name: str) -> None:
        function = getattr(self._python, name, None)
        if function is None:
            return
        try:
            function()
        except BaseException:  # noqa: BLE001  the application prints it and goes on
            LEDGER.record_exception()
