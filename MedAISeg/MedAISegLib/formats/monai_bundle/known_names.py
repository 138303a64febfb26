"""The names and functions that an expression of a bundle may use: none of them does anything but compute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

MOST_ITEMS = 10_000
_LARGEST_NUMBER = 2**63

KNOWN_NAMES: dict[str, Any] = {
    "monai.utils.CommonKeys.IMAGE": "image",
    "monai.utils.CommonKeys.PRED": "pred",
    "monai.utils.CommonKeys.LABEL": "label",
    "monai.utils.BlendMode.CONSTANT": "constant",
    "monai.utils.BlendMode.GAUSSIAN": "gaussian",
    "monai.utils.GridSampleMode.BILINEAR": "bilinear",
    "monai.utils.GridSampleMode.NEAREST": "nearest",
    "monai.utils.PytorchPadMode.CONSTANT": "constant",
    "monai.utils.PytorchPadMode.REPLICATE": "replicate",
    "monai.utils.PytorchPadMode.REFLECT": "reflect",
}
_NUMBER_TYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "uint16", "bool")
KNOWN_NAMES |= {f"{module}.{name}": name for module in ("torch", "numpy", "np") for name in _NUMBER_TYPES}


class NotUnderstoodError(Exception):
    """The expression goes beyond the list."""


def plain_call(name: str, arguments: list[Any], has_file: Callable[[str], bool]) -> Any:
    """The result of a harmless function, by its name.

    Raises:
        NotUnderstoodError: if it is none of the list, or its arguments are not of the expected kinds.
    """
    match name, arguments:
        case "len", [list() | dict() | str() as items]:
            return len(items)
        case "list" | "tuple", [list() | dict() as items]:
            return list(items)
        case "list" | "tuple", []:
            return []
        case "dict", [dict() as items]:
            return dict(items)
        case "int", [bool() | int() | float() as number]:
            return bounded(int(number))
        case "float", [bool() | int() | float() as number]:
            return float(number)
        case "str", [str() | int() | float() as value]:
            return str(value)
        case "bool", [value]:
            return bool(value)
        case "range", [*bounds]:
            return _numbers(bounds)
        case "max" | "min", [list() as items]:
            return max(items) if name == "max" else min(items)
        case "os.path.join", [str() as first, *rest]:
            return str(PurePosixPath(first, *(as_text(part) for part in rest)))
        case "os.path.exists" | "os.path.isfile", [str() as path]:
            return has_file(path)
    raise NotUnderstoodError


def _numbers(bounds: list[Any]) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MOST_ITEMS:
        raise NotUnderstoodError
    return list(numbers)


def as_text(value: Any) -> str:
    """The value, which must be a text."""
    if not isinstance(value, str):
        raise NotUnderstoodError
    return value


def bounded(value: Any) -> Any:
    """The value, unless it is larger than any description needs."""
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        raise NotUnderstoodError
    if isinstance(value, (str, list)) and len(value) > MOST_ITEMS:
        raise NotUnderstoodError
    return value
