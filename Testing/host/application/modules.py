"""Slicer's modules: the objects under ``slicer.modules``, their manager, and a scripted module's life."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QWidget

from ..pythonqt import LEDGER, wrap
from .module_widgets import qSlicerAbstractModuleWidget, qSlicerScriptedLoadableModuleWidget


def _attribute(kind: Any, name: str, default: Any, *, writable: bool = True) -> Property:
    def read(self: Any) -> Any:
        return self._values.get(name, default)

    def write(self: Any, value: Any) -> None:
        self._values[name] = value

    return Property(kind, read, write) if writable else Property(kind, read)


def _documentation_link(module: str) -> str:
    address = f"https://slicer.readthedocs.io/en/5.10/user_guide/modules/{module.lower()}.html"
    return f'<p>For more information see the <a href="{address}">online documentation</a>.</p>'


class qSlicerAbstractCoreModule(QObject):
    """What every module has. The Python class of a scripted module fills it in its constructor."""

    CXX_SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)
    ABSENT = ("version",)
    mrmlSceneChanged = Signal(object)

    name = _attribute(str, "name", "", writable=False)
    title = _attribute(str, "title", "")
    path = _attribute(str, "path", "", writable=False)
    category = _attribute(str, "category", "")
    categories = _attribute("QStringList", "categories", [])
    dependencies = _attribute("QStringList", "dependencies", [])
    contributors = _attribute("QStringList", "contributors", [])
    associatedNodeTypes = _attribute("QStringList", "associatedNodeTypes", [])
    helpText = _attribute(str, "helpText", "")
    acknowledgementText = _attribute(str, "acknowledgementText", "")
    slicerVersion = _attribute(str, "slicerVersion", "5.10.0", writable=False)
    defaultDocumentationLink = Property(str, lambda self: _documentation_link(self._values["name"]))
    hidden = _attribute(bool, "hidden", default=False)
    widgetRepresentationCreationEnabled = _attribute(bool, "widgetRepresentationCreationEnabled", default=True)
    index = _attribute(int, "index", -1)
    icon = _attribute(QIcon, "icon", QIcon())
    isInstalled = _attribute(bool, "isInstalled", default=False, writable=False)
    isBuiltIn = _attribute(bool, "isBuiltIn", default=True, writable=False)

    def __init__(self, name: str, path: str = "", logic: Any = None) -> None:
        super().__init__()
        self._values: dict[str, Any] = {"name": name, "title": name, "path": path}
        self._logic = logic
        self._representation: QWidget | None = None
        self.setObjectName(f"{name}Module")

    def logic(self) -> Any:
        return self._logic

    def hasLogic(self) -> bool:
        return self._logic is not None

    def hasWidgetRepresentation(self) -> bool:
        return self._representation is not None

    def mrmlScene(self) -> Any:
        import slicer

        return slicer.mrmlScene

    def widgetRepresentation(self) -> Any:
        if self._representation is None and self._values.get("widgetRepresentationCreationEnabled", True):
            self._representation = self._new_representation()
        return self._representation

    def createNewWidgetRepresentation(self) -> Any:
        return self._new_representation()

    def _new_representation(self) -> QWidget:
        widget = qSlicerAbstractModuleWidget()
        self._prepare(widget)
        return widget

    def _prepare(self, widget: qSlicerAbstractModuleWidget) -> None:
        import slicer

        widget._module = self
        widget.setObjectName(f"{self._values['name']}ModuleWidget")
        widget.setMRMLScene(slicer.mrmlScene)


class qSlicerLoadableModule(qSlicerAbstractCoreModule):
    """One of Slicer's C++ modules: its logic is genuine, its panel is empty."""


class qSlicerSequencesModule(qSlicerLoadableModule):
    autoShowToolBar = _attribute(bool, "autoShowToolBar", default=True)


class qSlicerScriptedLoadableModule(qSlicerAbstractCoreModule):
    """A Python module, loaded from its file as the application's factory does."""

    def _load(self) -> None:
        import slicer

        name, path = self._values["name"], Path(self._values["path"])
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        instance = getattr(module, name)(wrap(self))
        setattr(slicer.modules, f"{name}Instance", instance)
        self._instance = instance

    def _setup(self) -> None:
        if hasattr(self._instance, "setup"):
            try:
                self._instance.setup()
            except BaseException:  # noqa: BLE001  the application prints it and goes on
                LEDGER.record_exception()

    def _new_representation(self) -> QWidget:
        widget = qSlicerScriptedLoadableModuleWidget()
        self._prepare(widget)
        widget._create()
        return widget


class qSlicerModuleFactoryManager(QObject):
    def __init__(self, manager: Any) -> None:
        super().__init__(manager)
        self._manager = manager

    def loadedModuleNames(self) -> list[str]:
        return self._manager.modulesNames()

    def registeredModuleNames(self) -> list[str]:
        return self._manager.modulesNames()

    def isLoaded(self, name: str) -> bool:
        return self._manager.isLoaded(name)

    def isRegistered(self, name: str) -> bool:
        return self._manager.isLoaded(name)


class qSlicerModuleManager(QObject):
    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)
    moduleUnloaded = Signal(str)
    modulesLoaded = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}
        self._factory_manager = qSlicerModuleFactoryManager(self)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def loadedModulesNames(self) -> list[str]:
        return list(self._modules)

    def isLoaded(self, name: str) -> bool:
        return name in self._modules

    def _add(self, module: Any) -> None:
        import slicer

        name = module.name
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), wrap(module))
        self.moduleLoaded.emit(name)

    def factoryManager(self) -> Any:
        return self._factory_manager
