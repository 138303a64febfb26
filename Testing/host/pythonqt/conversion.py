"""What crosses the border between a module's Python and PySide6: wrappers outside, PySide6's objects inside."""

from __future__ import annotations

import enum
import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject

HOLDER = "_pythonqt_wrapper"
"""Attribute of a PySide6 QObject that finds the wrapper which modules see."""

_class_for: Callable[[type], Any] | None = None


def set_class_lookup(lookup: Callable[[type], Any]) -> None:
    """Told by ``classes``, which needs this file."""
    global _class_for  # noqa: PLW0603
    _class_for = lookup


def present_wrapper(native: Any) -> Any:
    """The wrapper that is alive for a QObject, else None."""
    held = native.__dict__.get(HOLDER)
    return held() if isinstance(held, weakref.ref) else held


def bind(native: Any, wrapper: Any) -> None:
    object.__setattr__(wrapper, "_native", native)
    native.__dict__[HOLDER] = weakref.ref(wrapper)


def keep_if_owned_by_cxx(wrapper: Any) -> None:
    """Called when nobody holds a wrapper with Python state any more: it lives on with an object that has a parent."""
    native = wrapper.__dict__.get("_native")
    if isinstance(native, QObject) and shiboken6.isValid(native) and native.parent() is not None:
        native.__dict__[HOLDER] = wrapper


_alive: dict[int, Any] = {}


def keep_while_alive(native: Any) -> None:
    """Keeps the Python side of an object as long as C++ has it: a parent made by C++ does not."""
    key = id(native)
    _alive[key] = native
    native.destroyed.connect(lambda *_: _alive.pop(key, None))


def is_native(value: Any) -> bool:
    return isinstance(value, shiboken6.Object)


def wrap(value: Any) -> Any:
    """What a module sees of a PySide6 value: wrappers for Qt's objects, ints for enums, tuples for lists."""
    if isinstance(value, enum.Enum):
        return int(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if is_native(value):
        return _wrap_native(value)
    if isinstance(value, (list, tuple)):
        return tuple(wrap(each) for each in value)
    if isinstance(value, dict):
        return {key: wrap(each) for key, each in value.items()}
    return value


def _wrap_native(native: Any) -> Any:
    assert _class_for is not None
    if hasattr(type(native), "staticMetaObject"):
        wrapper = present_wrapper(native)
        if wrapper is not None:
            return wrapper
    kind = _class_for(type(native))
    wrapper = kind.__new__(kind)
    if hasattr(type(native), "staticMetaObject"):
        bind(native, wrapper)
    else:
        object.__setattr__(wrapper, "_native", native)
    return wrapper


def unwrap(value: Any) -> Any:
    """The PySide6 value behind what a module hands over."""
    native = getattr(value, "__dict__", {}).get("_native") if not is_native(value) else value
    if native is not None:
        return native
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return [unwrap(each) for each in value]
    if type(value) is dict:
        return {key: unwrap(each) for key, each in value.items()}
    return value
