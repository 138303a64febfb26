"""Qt's enumerations as PythonQt shows them: ints whose type has the enumeration's name."""

from __future__ import annotations

import enum
from functools import cache
from typing import Any

from PySide6.QtCore import QMetaObject


class EnumValue(int):
    """A value of a C++ enumeration; arithmetic makes a plain int of it."""

    def __repr__(self) -> str:
        return int.__repr__(self)

    __str__ = __repr__


def is_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


@cache
def enum_class(kind: type[enum.Enum]) -> type[EnumValue]:
    """The class that modules see for PySide6's ``kind``; the members are its attributes."""
    seen = type(_flags_name(kind), (EnumValue,), {"__module__": "PythonQt"})
    for name, member in kind.__members__.items():
        setattr(seen, name, seen(member.value))
    return seen


def enum_value(member: enum.Enum) -> EnumValue:
    return enum_class(type(member))(member.value)


def _flags_name(kind: type[enum.Enum]) -> str:
    owner = _owner(kind)
    meta: QMetaObject | None = getattr(owner, "staticMetaObject", None)
    if meta is None:
        return kind.__name__
    enumerators = [meta.enumerator(index) for index in range(meta.enumeratorCount())]
    names = {each.name() for each in enumerators}
    if kind.__name__ in names:
        return kind.__name__
    return next((each.name() for each in enumerators if each.enumName() == kind.__name__), kind.__name__)


def _owner(kind: type[enum.Enum]) -> Any:
    import importlib

    try:
        owner: Any = importlib.import_module(kind.__module__)
    except ImportError:
        return None
    for part in kind.__qualname__.split(".")[:-1]:
        owner = getattr(owner, part, None)
    return owner
