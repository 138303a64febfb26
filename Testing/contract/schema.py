"""As much of JSON Schema (2020-12) as our schemas use; an unknown keyword is an error, not passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int}
_SAYS_NOTHING = {"$schema", "title", "description"}


def problems(schema: dict[str, Any], value: Any, place: str = "") -> Iterator[str]:
    """What speaks against a value, each with its place."""
    for keyword, wanted in schema.items():
        if keyword in _SAYS_NOTHING or keyword == "additionalProperties":
            continue
        yield from _CHECKS[keyword](wanted, value, place)
    if isinstance(value, dict) and "additionalProperties" in schema:
        for name in value.keys() - schema.get("properties", {}).keys():
            if schema["additionalProperties"] is False:
                yield f"{place}.{name} is not known"
            else:
                yield from problems(schema["additionalProperties"], value[name], f"{place}.{name}")


def _type(wanted: str, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        yield f"{place} is no {wanted}"


def _properties(wanted: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    for name in wanted.keys() & value.keys():
        yield from problems(wanted[name], value[name], f"{place}.{name}")


def _items(wanted: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    for number, item in enumerate(value):
        yield from problems(wanted, item, f"{place}[{number}]")


def _names(wanted: dict[str, Any], value: Any, place: str) -> Iterator[str]:
    for name in value:
        yield from problems(wanted, name, f"{place}.{name}")


def _one_of(wanted: list[dict[str, Any]], value: Any, place: str) -> Iterator[str]:
    if sum(not list(problems(option, value)) for option in wanted) != 1:
        yield f"{place} fits not exactly one of the options"


def _unless(holds: Any, text: str) -> Any:
    def check(wanted: Any, value: Any, place: str) -> Iterator[str]:
        if not holds(wanted, value):
            yield f"{place} {text} {wanted!r}"

    return check


_CHECKS = {
    "type": _type,
    "properties": _properties,
    "items": _items,
    "propertyNames": _names,
    "oneOf": _one_of,
    "required": _unless(lambda wanted, value: set(wanted) <= value.keys(), "lacks some of"),
    "enum": _unless(
        lambda wanted, value: any(value == option and type(value) is type(option) for option in wanted), "is none of"
    ),
    "pattern": _unless(lambda wanted, value: re.search(wanted, value) is not None, "does not match"),
    "minLength": _unless(lambda wanted, value: len(value) >= wanted, "is shorter than"),
    "maxLength": _unless(lambda wanted, value: len(value) <= wanted, "is longer than"),
    "minItems": _unless(lambda wanted, value: len(value) >= wanted, "has fewer than"),
    "maxItems": _unless(lambda wanted, value: len(value) <= wanted, "has more than"),
    "minProperties": _unless(lambda wanted, value: len(value) >= wanted, "has fewer than"),
    "minimum": _unless(lambda wanted, value: value >= wanted, "is less than"),
    "maximum": _unless(lambda wanted, value: value <= wanted, "is more than"),
}
