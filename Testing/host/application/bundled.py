"""Python packages and libraries that the application has and the host lacks.

A module under test may import them; what it then uses of them fails as not modelled. Nobody else is
fooled: libraries that look for an optional package do not find it.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..pythonqt import NotModelled

_PACKAGES = frozenset({
    "PIL", "SimpleITK", "certifi", "chardet", "dicomweb_client", "git", "github", "itk", "jwt", "packaging", "requests",
    "retrying", "scipy", "six", "truststore", "urllib3",
})  # fmt: skip
_WIDGET_LIBRARY = re.compile(r"(q\w+|ctk\w+)PythonQt")
"""Names such as ``qMRMLWidgetsPythonQt``: their classes are those of ``slicer``."""
_VTK_LIBRARY = re.compile(r"vtk\w+Python")
"""Wrapped C++ libraries of extensions."""
_OF_THE_APPLICATION = frozenset({
    "SegmentEditorEffects", "SegmentStatisticsPlugins", "DICOMPlugins", "DICOMLib",
    "AbstractScriptedSegmentEditorEffect", "SegmentEditorEffectsLib",
    "DICOMScalarVolumePlugin", "ExtensionWizardLib", "EndoscopyLib", "SampleData",
    "DataProbe", "ScreenCapture", "WebServerLib",
})  # fmt: skip


class MissingPackages:
    """The last of the finders: what comes here is not installed."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        if _WIDGET_LIBRARY.fullmatch(name):
            return ModuleSpec(name, _Loader(_from_slicer))
        if not self._asked_by_module():
            return None
        neighbour = self._neighbour(name)
        if neighbour is not None:
            return neighbour
        if name.partition(".")[0] in _PACKAGES | _OF_THE_APPLICATION or _VTK_LIBRARY.fullmatch(name):
            return ModuleSpec(name, _Loader(_Placeholder), is_package=True)
        return None

    def _neighbour(self, name: str) -> ModuleSpec | None:
        """A module or package in another module's folder: once installed, an extension's modules share one."""
        for folder in self._folders:
            for other in sorted(folder.parent.iterdir()):
                for file in (other / f"{name}.py", other / name / "__init__.py"):
                    if file.is_file():
                        return importlib.util.spec_from_file_location(name, file)
        return None

    def _asked_by_module(self) -> bool:
        frame = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back  # type: ignore[assignment]
        return frame is not None and any(Path(frame.f_code.co_filename).is_relative_to(each) for each in self._folders)


class _Loader:
    def __init__(self, make: Callable[[str], ModuleType]) -> None:
        self._make = make

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._make(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _Placeholder(ModuleType):
    """Names can be imported from it; whoever calls one is told."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        what = f"{self.__name__}.{name}, of a package that is not installed here"
        return _PlaceholderMeta(name, (Exception,), {"what": what})


class _PlaceholderMeta(type):
    what: str

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise NotModelled(cls.what)

    def __getattr__(cls, name: str) -> Any:
        raise NotModelled(f"{cls.what} (.{name})")


def _from_slicer(name: str) -> ModuleType:
    import slicer

    module = ModuleType(name)
    module.__getattr__ = lambda attribute: getattr(slicer, attribute)  # type: ignore[method-assign]
    return module
