"""Puts the application's modules together: ``slicer`` with its parts, ``qt``, ``ctk``, and the libraries' old names."""

from __future__ import annotations

import importlib
import sys
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ..pythonqt import NotModelled, QtModule, class_for, wrap
from ..registry import load, stand_in, table
from .bundled import MissingPackages
from .modules import qSlicerSequencesModule

PACKAGES = Path(__file__).resolve().parents[1] / "packages"
_UNMODELLED_NAMES = ("qMRML", "qSlicer", "ctk", "vtkSlicer", "vtkMRML")
_ATTRIBUTES = ("app", "modules", "mrmlScene", "dicomDatabase", "__getattr__", "moduleNames", "i18n")


@cache
def qt_module() -> ModuleType:
    return QtModule("qt")


@cache
def ctk_module() -> ModuleType:
    return QtModule("ctk")


def install(host: Any) -> None:
    """Makes ``import qt, ctk, slicer`` in a module find the emulated application; undone by ``host.stop``."""
    slicer = host.slicer
    before = {name: vars(slicer)[name] for name in _ATTRIBUTES if name in vars(slicer)}
    path_before = list(slicer.__path__)
    _install_modules(host)
    slicer.__path__ = [*path_before, str(PACKAGES / "slicer")]
    sys.path.insert(0, str(PACKAGES / "top"))

    def undo() -> None:
        sys.path.remove(str(PACKAGES / "top"))
        slicer.__path__ = path_before
        for name in set(vars(slicer)) & set(_ATTRIBUTES):
            delattr(slicer, name)
        for name, value in before.items():
            setattr(slicer, name, value)

    host.at_end(undo)
    import slicer.util  # the genuine one

    for function in (pip_install, pip_uninstall):
        name = function.__name__
        host.at_end(partial(setattr, slicer.util, name, getattr(slicer.util, name)))
        setattr(slicer.util, name, function)
    slicer.app = wrap(host.application)
    slicer.mrmlScene = host.scene
    slicer.modules = _Modules()
    slicer.moduleNames = _ModuleNames()
    slicer.__getattr__ = _slicer_attribute
    sys.modules["slicer.modules"] = slicer.modules
    host.at_end(lambda: sys.modules.pop("slicer.modules", None))
    managers = host.application._managers
    managers["moduleManager"] = stand_in("slicer.qSlicerModuleManager")()
    managers["ioManager"] = stand_in("slicer.qSlicerIOManager")()
    _add_core_modules(host, managers["moduleManager"])


def _install_modules(host: Any) -> None:
    """Names for ``import``; what was there before comes back."""
    named: dict[str, Any] = {"qt": qt_module(), "ctk": ctk_module(), **_python_qt()}
    for name, module in list(sys.modules.items()):
        if name.startswith(("slicer_core.vtk", "slicer_core.MRML")):
            short = name.rpartition(".")[2]
            named[short] = named[f"{short}Python"] = module
    main = sys.modules["__main__"]
    for name in ("slicer", "qt", "ctk", "vtk"):
        # The application's console has them, and some modules take them from there.
        host.at_end(partial(_restore, main, name, vars(main).get(name)))
        setattr(main, name, named.get(name) or importlib.import_module(name))
    named["vtkAddon"] = sys.modules["slicer_core.vtkAddonPython"]
    finder = _Finder(table("MODULES"))
    last = MissingPackages(host.module_folders)
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(last)
    before = {name: sys.modules.get(name) for name in (*named, *table("MODULES"))}
    sys.modules.update(named)

    def undo() -> None:
        sys.meta_path.remove(finder)
        sys.meta_path.remove(last)
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module

    host.at_end(undo)


def _restore(module: ModuleType, name: str, value: Any) -> None:
    if value is None:
        vars(module).pop(name, None)
    else:
        setattr(module, name, value)


@cache
def _python_qt() -> dict[str, ModuleType]:
    """PythonQt's own package, of which ``qt`` and ``ctk`` are made in the application."""
    package = ModuleType("PythonQt")
    package.__path__ = []
    modules = {"PythonQt": package}
    for library in ("QtCore", "QtGui", "QtWidgets", "QtNetwork", "QtUiTools", "QtSvg", "QtSql", "QtXml"):
        modules[f"PythonQt.{library}"] = qt_module()
        setattr(package, library, qt_module())
    modules["PythonQt.CTKWidgets"] = modules["PythonQt.CTKCore"] = ctk_module()
    return modules


class _Finder:
    """Imports the stand-ins of importable modules under the application's names."""

    def __init__(self, places: dict[str, str]) -> None:
        self.places = places

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self) if name in self.places else None

    def create_module(self, spec: Any) -> ModuleType:
        return importlib.import_module(self.places[spec.name])

    def exec_module(self, module: ModuleType) -> None:
        """It is executed already."""


def pip_install(requirements: Any, **_: Any) -> None:
    """No test may change the Python that it runs in."""
    raise NotModelled(f"slicer.util.pip_install({requirements!r})")


def pip_uninstall(requirements: Any, **_: Any) -> None:
    raise NotModelled(f"slicer.util.pip_uninstall({requirements!r})")


def _slicer_attribute(name: str) -> Any:
    kind = stand_in(f"slicer.{name}")
    if kind is not None:
        return class_for(kind) if isinstance(kind, type) and hasattr(kind, "staticMetaObject") else kind
    if name.startswith(_UNMODELLED_NAMES):
        raise NotModelled(f"slicer.{name}")
    raise AttributeError(f"module 'slicer' has no attribute '{name}'")


CORE_MODULE_NAMES = frozenset({
    "subjecthierarchy", "annotations", "cameras", "terminologies", "colors", "units", "tables", "texts", "transforms",
    "viewcontrollers", "models", "markups", "segmentations", "sequences", "plots", "volumes", "volumerendering", "data",
    "cropvolume", "reformat", "sceneviews", "segmenteditor", "segmentstatistics", "sampledata", "dicom", "welcome",
    "extensionwizard", "screencapture", "selftests", "volumereconstruction", "cropvolumesequence", "endoscopy",
    "lineprofile", "muramodule", "webserver", "dicompatcher", "performancetests", "dynamicmodeler", "brainstripper",
    "cli_matrix", "resamplescalarvectordwivolume", "brainsfit", "thresholdscalarvolume", "dicomlib", "processing",
})  # fmt: skip
"""Modules of the application that the host may lack: asking for one is not an error of the module that asks."""


PANELS_WITHOUT_LOGIC = ("Data", "Welcome")
"""Modules of the application that tests select; here their panels are empty."""


class _Modules(ModuleType):
    def __init__(self) -> None:
        super().__init__("modules")

    def __getattr__(self, name: str) -> Any:
        if name in CORE_MODULE_NAMES:
            raise NotModelled(f"slicer.modules.{name}")
        raise AttributeError(f"module 'modules' has no attribute '{name}'")


class _ModuleNames:
    """``slicer.moduleNames.X`` is "X" for a loaded module."""

    def __getattr__(self, name: str) -> str:
        import slicer

        if slicer.app.moduleManager().module(name):
            return name
        raise AttributeError(name)


_MODULE_CLASSES = {"Sequences": qSlicerSequencesModule}


def _add_core_modules(host: Any, manager: Any) -> None:
    kind = stand_in("slicer.qSlicerLoadableModule")
    special = table("CORE_MODULES")
    for name, logic in host.parts.module_logics.items():
        if name not in special:
            manager._add(_MODULE_CLASSES.get(name, kind)(name, "", logic))
    for name in PANELS_WITHOUT_LOGIC:
        manager._add(kind(name))
    for place in special.values():
        made = load(place)
        manager._add(made(host) if getattr(made, "TAKES_HOST", False) else made())


def new_main_window(host: Any) -> Any:
    application = host.application
    title = f"3D Slicer {application.applicationVersion()}"
    return stand_in("slicer.qSlicerAppMainWindow")(application.moduleManager(), title)
