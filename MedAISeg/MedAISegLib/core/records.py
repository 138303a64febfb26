"""Frozen dataclasses to JSON-ready values and back, by their type hints."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_KIND = "kind"


def to_json(value: Any) -> Any:
    """A dataclass, with everything in it, as dicts, lists, strings, numbers and None; arrays as lists of lists.

    A dataclass carries its class name under ``kind``, so that a union of dataclasses can be read back.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {_KIND: type(value).__name__} | fields
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def from_json(hint: type[T], value: Any) -> T:
    """The inverse of :func:`to_json`: build what the type hint asks for, a dataclass or a union of them.

    Raises:
        ValueError: if the value does not have the shape of the hint; the message names the place.
    """
    return typing.cast("T", _read(hint, value, getattr(hint, "__name__", "value")))


def _read(hint: Any, value: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _read_union(arguments, value, place)
    if origin is tuple:
        return _read_tuple(arguments, value, place)
    if origin is np.ndarray:
        return _read_array(value, place)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise ValueError(f"{place}: expected a mapping")
        return {key: _read(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(typing.cast("type", hint), value, place)
    if isinstance(hint, type) and issubclass(hint, (Enum, Path)):
        try:
            return hint(value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{place}: {value!r} is no {hint.__name__}") from error
    return _read_plain(hint, value, place)


def _read_union(options: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in options:
        return None
    if isinstance(value, dict) and _KIND in value:
        for option in options:
            if dataclasses.is_dataclass(option) and getattr(option, "__name__", "") == value[_KIND]:
                return _read(option, value, place)
        raise ValueError(f"{place}: nothing is called {value[_KIND]!r} here")
    failures = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _read(option, value, place)
        except ValueError as error:
            failures.append(str(error))
    raise ValueError("; ".join(failures) or f"{place}: {value!r} is not expected here")


def _read_tuple(arguments: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{place}: expected a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(arguments[0], item, f"{place}[{n}]") for n, item in enumerate(value))
    if len(arguments) != len(value):
        raise ValueError(f"{place}: expected {len(arguments)} items, not {len(value)}")
    return tuple(
        _read(hint, item, f"{place}[{n}]") for n, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _read_array(value: Any, place: str) -> Any:
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{place}: expected rows of numbers") from error


_type_hints = cache(typing.get_type_hints)
"""Kept, since each look evaluates the annotations' text anew."""


def _read_dataclass(hint: type, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{place}: expected a mapping")
    hints = _type_hints(hint)
    known = {f.name for f in dataclasses.fields(hint)}
    unknown = set(value) - known - {_KIND}
    if unknown:
        raise ValueError(f"{place}: {', '.join(sorted(unknown))} is not known here")
    items = {name: _read(hints[name], value[name], f"{place}.{name}") for name in known if name in value}
    try:
        return hint(**items)
    except TypeError as error:
        raise ValueError(f"{place}: {error}") from error


def _read_plain(hint: Any, value: Any, place: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError(f"{place}: it is larger than any number of type float") from error
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{place}: {value!r} is not of type {hint.__name__}")
    return value
