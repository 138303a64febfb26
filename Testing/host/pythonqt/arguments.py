"""How PythonQt takes an argument: a strict pass over the overloads, then a lenient one; never a number from a text."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import re
import types
import typing
from typing import Any

from .conversion import is_native, unwrap, wrap

VARIANT = (Any, object, inspect.Parameter.empty)
_BYTES = (bytes, bytearray, memoryview)
_CXX_NAMES = {str: "QString", float: "double", int: "int", bool: "bool", type(None): "void", None: "void"}


class MismatchError(Exception):
    """The value does not fit the parameter."""


def accept(kind: Any, value: Any, *, strict: bool) -> Any:
    """The value as PySide6 wants it for a parameter annotated with ``kind``.

    Raises:
        MismatchError: if PythonQt would refuse it.
    """
    if kind in VARIANT:
        return unwrap(value)
    if isinstance(kind, str):
        return _accept_named(kind, value, strict=strict)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return _accept_union(typing.get_args(kind), value, strict=strict)
    if kind in _BASIC:
        return _BASIC[kind](value, strict)
    if typing.get_origin(kind) is not None or kind in (list, tuple, dict, collections.abc.Sequence):
        return _accept_container(kind, value, strict=strict)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _accept_enum(kind, value, strict=strict)
    if isinstance(kind, type):
        return _accept_instance(kind, value)
    return unwrap(value)


def _text(value: Any, strict: bool) -> str:
    if isinstance(value, str):
        return str(value)
    if strict:
        raise MismatchError
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _integer(value: Any, strict: bool) -> int:
    if isinstance(value, int) and not (strict and isinstance(value, bool)):
        return int(value)
    if isinstance(value, float) and not strict:
        return int(value)
    raise MismatchError


def _double(value: Any, strict: bool) -> float:
    if isinstance(value, float) or (isinstance(value, int) and not strict):
        return float(value)
    if not strict and hasattr(value, "__float__") and not isinstance(value, str):
        return float(value)
    raise MismatchError


def _boolean(value: Any, strict: bool) -> bool:
    if isinstance(value, bool):
        return value
    if strict:
        raise MismatchError
    return bool(value)


def _nothing(value: Any, strict: bool) -> None:
    if value is not None:
        raise MismatchError


def _bytes(value: Any, strict: bool) -> Any:
    if isinstance(value, _BYTES):
        return bytes(value)
    # Where a text is wanted as well, PySide6 would read the bytes as Latin-1.
    if isinstance(value, str) and not strict:
        return value.encode()
    raise MismatchError


_BASIC: dict[Any, Any] = {
    str: _text, int: _integer, float: _double, bool: _boolean, type(None): _nothing, None: _nothing,
    bytes: _bytes, bytearray: _bytes, memoryview: _bytes,
}  # fmt: skip


def _accept_enum(kind: type[enum.Enum], value: Any, *, strict: bool) -> enum.Enum:
    from .enums import EnumValue, enum_class

    if isinstance(value, kind):
        return value
    if not isinstance(value, int):
        raise MismatchError
    if strict and not (isinstance(value, EnumValue) and type(value) is enum_class(kind)):
        raise MismatchError
    try:
        return kind(int(value))
    except ValueError:
        raise MismatchError from None


def _accept_instance(kind: type, value: Any) -> Any:
    native = unwrap(value)
    if isinstance(native, kind):
        return native
    if value is None and hasattr(kind, "staticMetaObject"):
        return None
    raise MismatchError


def _accept_union(kinds: tuple[Any, ...], value: Any, *, strict: bool) -> Any:
    classes = [each for each in kinds if isinstance(each, type) and each.__module__.startswith("PySide6")]
    names = {each.__name__ for each in classes}
    if classes and not names & {"QByteArray", "QKeySequence", "QDate", "QVariant"}:
        # What only PySide6 converts to a class of Qt, PythonQt does not.
        kinds = tuple(each for each in kinds if each not in (str, int, float))
    ordered = sorted(kinds, key=lambda each: each is str)
    for passes in (True, False) if not strict else (True,):
        for kind in ordered:
            try:
                return accept(kind, value, strict=passes)
            except MismatchError:
                continue
    raise MismatchError


def _accept_container(kind: Any, value: Any, *, strict: bool) -> Any:
    origin = typing.get_origin(kind) or kind
    if origin is collections.abc.Callable:
        if not callable(value):
            raise MismatchError
        return value
    if origin is dict:
        if not isinstance(value, dict):
            raise MismatchError
        return unwrap(value)
    if origin is type:
        return unwrap(value)
    if (
        isinstance(value, dict)
        or not isinstance(value, collections.abc.Iterable)
        or (strict and isinstance(value, str))
    ):
        raise MismatchError
    if is_native(unwrap(value)):
        raise MismatchError
    inner = [each for each in typing.get_args(kind) if each is not Ellipsis]
    each_kind = inner[0] if len(inner) == 1 else Any
    return [accept(each_kind, each, strict=False) for each in value]


_NAMED = {"str": str, "int": int, "float": float, "bool": bool, "None": None, "object": object, "Any": Any}


def _accept_named(text: str, value: Any, *, strict: bool) -> Any:
    """A stand-in's annotation kept as text, as ``from __future__ import annotations`` leaves it."""
    parts = [part.strip().strip("\"'").rpartition(".")[2] for part in re.sub(r"\[.*\]", "", text).split("|")]
    if value is None and "None" in parts:
        return None
    for name in parts:
        if name.startswith("vtk"):
            if hasattr(value, "IsA") and value.IsA(name):
                return value
            continue
        if name in _NAMED:
            try:
                return accept(_NAMED[name], value, strict=strict)
            except MismatchError:
                continue
        native = unwrap(value)
        if not name.startswith("Q"):
            return native
        if any(base.__name__ == name for base in type(native).__mro__):
            return native
    if value is None and any(name.startswith("vtk") for name in parts):
        return None
    raise MismatchError


def cxx_name(kind: Any) -> str:
    """The type's name as an error message of PythonQt has it."""
    if kind in _CXX_NAMES:
        return _CXX_NAMES[kind]
    if kind in VARIANT:
        return "QVariant"
    if isinstance(kind, str):
        return _CXX_NAMES.get(_NAMED.get(kind), kind)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return cxx_name(arguments[0])
    if typing.get_origin(kind) is collections.abc.Sequence:
        return "QStringList" if arguments == (str,) else f"QList<{cxx_name(arguments[0])}>"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind.__qualname__.replace(".", "::")
    return getattr(kind, "__name__", str(kind))


def shown(arguments: tuple[Any, ...]) -> str:
    return repr(tuple(wrap(each) for each in arguments))
