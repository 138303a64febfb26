"""The modules ``qt`` and ``ctk``: PySide6's libraries and the stand-ins, each class when it is first used."""

from __future__ import annotations

import enum
import importlib
from types import ModuleType
from typing import Any

from ..registry import stand_in
from .classes import class_for
from .enums import enum_value
from .errors import NotModelled
from .overloads import choose, overloads_of

_LIBRARIES = ("QtCore", "QtGui", "QtWidgets", "QtUiTools", "QtNetwork", "QtSvg", "QtPrintSupport", "QtSql", "QtXml")
_PYSIDE_ONLY = frozenset({"QT_VERSION_STR", "Object", "ClassInfo", "QEnum", "QFlag", "QtMsgType"})
_FUNCTIONS = frozenset({"qVersion", "qDebug", "qWarning", "qCritical"})
_QT5_NAMES = frozenset({"QRegExp", "QRegExpValidator", "QDesktopWidget", "QTextCodec", "QStringRef"})
"""Classes that Qt 6 lacks: a module that wants to run on both must not use them."""
QT_VERSION = "5.15.15"
_ANSWERS = {
    "qVersion": lambda: QT_VERSION,
    "SIGNAL": lambda signature: f"2{signature}",
    "SLOT": lambda signature: f"1{signature}",
}


class QtModule(ModuleType):
    """``library``: the name under which stand-ins are registered. ``qt`` has PySide6's classes beside them."""

    def __init__(self, library: str) -> None:
        super().__init__(library)
        self.__file__ = f"<test host: {library}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self._find(name)
        if found is None:
            raise self._missing(name)
        setattr(self, name, found)
        return found

    def _find(self, name: str) -> Any:
        kind = stand_in(f"{self.__name__}.{name}")
        if kind is not None:
            return class_for(kind) if isinstance(kind, type) else kind
        return _from_pyside(name) if self.__name__ == "qt" else None

    def _missing(self, name: str) -> AttributeError:
        if name in _QT5_NAMES or (self.__name__ == "ctk" and name.startswith("ctk")):
            return NotModelled(f"{self.__name__}.{name}")
        return AttributeError(f"module '{self.__name__}' has no attribute '{name}'")


def _from_pyside(name: str) -> Any:
    if name in _PYSIDE_ONLY or name.startswith("_"):
        return None
    if name in _ANSWERS:
        return _ANSWERS[name]
    for library in _LIBRARIES:
        try:
            module = importlib.import_module(f"PySide6.{library}")
        except ImportError:
            continue
        found = getattr(module, name, None)
        if found is None:
            continue
        return _shown(name, found)
    return None


def _shown(name: str, found: Any) -> Any:
    if name in ("Signal", "Slot", "Property"):
        return _declaration(name)
    if isinstance(found, enum.Enum):
        return enum_value(found)
    if isinstance(found, type):
        return class_for(found)
    if callable(found) and name in _FUNCTIONS:
        return lambda *arguments: found(*choose(name, overloads_of(found), arguments)[1])
    return None


def _declaration(name: str) -> type:
    class Declaration:
        """PythonQt has it; a QObject subclass that uses it crashes the application."""

        def __init__(self, *_: Any, **__: Any) -> None:
            raise NotModelled(f"qt.{name} in a Python class: it crashes PythonQt")

    Declaration.__name__ = Declaration.__qualname__ = name
    Declaration.__module__ = "QtCore" if name == "Signal" else "PythonQt.QtCore"
    return Declaration
