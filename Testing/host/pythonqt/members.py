"""What a name means on a class of Qt or on a stand-in: property, signal, method, enumeration or nothing."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore

from .conversion import unwrap, wrap
from .enums import enum_class, enum_value, is_enum
from .methods import builtin_qt_slot, live_native, method_of
from .properties import Property
from .qt5 import METHODS_NOT_PROPERTIES, QT5_ENUMS, QT5_METHODS, QT5_PROPERTIES, QT6_ONLY
from .signals import Signal, signals_of

EXTRAS: dict[tuple[str, str], Callable[..., Any]] = {}
"""Methods that PythonQt adds or the host replaces, by Qt class and name; called with the wrapper if not static."""


@dataclass(frozen=True)
class Method:
    name: str
    call: Callable[..., Any]

    @property
    def static(self) -> bool:
        return getattr(self.call, "static", False)

    def of(self, wrapper: Any, owner: str) -> builtin_qt_slot:
        return builtin_qt_slot(self.name, owner, None if self.static else wrapper, self.call)


@dataclass(frozen=True)
class SignalMember:
    name: str


@dataclass(frozen=True)
class Value:
    value: Any


@dataclass(frozen=True)
class ComputedProperty:
    """A property that Qt 6 has no more."""

    name: str
    getter: Callable[[Any], Any]
    setter: Callable[[Any, Any], None] | None

    def read(self, wrapper: Any) -> Any:
        return wrap(self.getter(live_native(wrapper, f"read property '{self.name}' from")))

    def write(self, wrapper: Any, value: Any) -> None:
        if self.setter is None:
            raise AttributeError(f"Property '{self.name}' of {wrapper.className()} object is not writable")
        self.setter(live_native(wrapper, f"write property '{self.name}' of"), unwrap(value))


Member = Method | SignalMember | Value | Property | ComputedProperty | None


def static_extra(class_name: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        function.static = True  # type: ignore[attr-defined]
        EXTRAS[class_name, name] = function
        return function

    return register


def extra(class_name: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            EXTRAS[class_name, name] = function
        return function

    return register


def find_member(kind: type, name: str) -> Member:
    """None where the class has no such name."""
    bases = [base.__name__ for base in kind.__mro__]
    for base in bases:
        if (base, name) in EXTRAS:
            return Method(name, EXTRAS[base, name])
        if base in QT5_PROPERTIES and name in QT5_PROPERTIES[base]:
            return ComputedProperty(name, *QT5_PROPERTIES[base][name])
        if name in QT5_METHODS.get(base, {}):
            return Method(name, method_of_native(QT5_METHODS[base][name]))
        if name in QT5_ENUMS.get(base, {}):
            return Value(QT5_ENUMS[base][name])
        if name in QT6_ONLY.get(base, ()):
            return None
    if name.startswith("_") or any(name in base.__dict__.get("ABSENT", ()) for base in kind.__mro__):
        return None
    own = _property(kind, name, bases)
    if name != "name" or "QObject" not in bases:
        return own or _attribute(kind, name)
    # Qt 6 has given some of its own classes a method of this name.
    method = None if kind.__module__.startswith("PySide6") else _attribute(kind, name)
    return own or method or ComputedProperty("name", _object_name, _set_object_name)


def _object_name(native: QtCore.QObject) -> str:
    """PythonQt shows a QObject's name under this second name; slicer.util.childWidgetVariables relies on it."""
    return native.objectName()


def _set_object_name(native: QtCore.QObject, name: str) -> None:
    native.setObjectName(name)


def method_of_native(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(wrapper: Any, *arguments: Any) -> Any:
        return wrap(function(live_native(wrapper, "call a method of"), *(unwrap(each) for each in arguments)))

    return call


def _property(kind: type, name: str, bases: list[str]) -> Property | None:
    meta = getattr(kind, "staticMetaObject", None)
    if meta is None or any(name in METHODS_NOT_PROPERTIES.get(base, ()) for base in bases):
        return None
    index = meta.indexOfProperty(name)
    return Property(name, meta.property(index)) if index >= 0 else None


def _attribute(kind: type, name: str) -> Member:
    try:
        found = getattr(kind, name)
    except AttributeError:
        return None
    if isinstance(found, QtCore.Signal):
        return SignalMember(name)
    if isinstance(found, enum.Enum):
        return Value(enum_value(found))
    if is_enum(found):
        return Value(enum_class(found))
    if isinstance(found, type):
        from .classes import class_for

        return Value(class_for(found))
    if callable(found):
        if inspect.isfunction(found) and found.__module__.startswith("PySide6"):
            return None
        return Method(name, method_of(_defining(kind, name), name, found))
    return Value(found) if isinstance(found, (int, str)) else _unscoped(kind, name)


def _defining(kind: type, name: str) -> type:
    return next((base for base in kind.__mro__ if name in base.__dict__), kind)


def _unscoped(kind: type, name: str) -> Member:
    for nested in vars(kind).values():
        if is_enum(nested) and name in nested.__members__:
            return Value(enum_value(nested[name]))
    return None


def stand_in_enum_value(kind: type, name: str) -> Member:
    """C++ shows the values of a nested enumeration as the class's own."""
    for base in kind.__mro__:
        if base.__module__.startswith("Testing."):
            member = _unscoped(base, name)
            if member is not None:
                return member
    return None


def has_signal(kind: type, name: str) -> bool:
    return any(text.partition("(")[0] == name for text in signals_of(kind))


def show(member: Member, wrapper: Any, owner: str) -> Any:
    """What a module reads from an object's member."""
    if isinstance(member, (Property, ComputedProperty)):
        return member.read(wrapper)
    if isinstance(member, SignalMember):
        return Signal(member.name, owner, wrapper)
    if isinstance(member, Method):
        return member.of(wrapper, owner)
    assert isinstance(member, Value)
    return member.value
