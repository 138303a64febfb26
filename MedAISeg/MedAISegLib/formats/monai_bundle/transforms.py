"""MONAI transforms by name, in the order in which a bundle lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...core.errors import ModelError
from .values import Component, component, plain, refuse_class

_MOST_TRANSFORMS = 500
_TRANSFORM = re.compile(r"(?:monai\.transforms\.(?:\w+\.)*)?(\w+)")
_FOR_DICTIONARIES = re.compile(r"(?<!Pa)(d|D|Dict)$")
"""The ending of a transform that works on dictionaries; a Pad is none."""


def transform_name(entry: Component) -> str:
    """``Spacing`` for ``monai.transforms.Spacingd`` and its other spellings.

    Raises:
        NotTrustedError: if it is none of MONAI's.
    """
    match = _TRANSFORM.fullmatch(entry.target)
    if not match:
        raise refuse_class(entry.target, entry.place)
    return _FOR_DICTIONARIES.sub("", match.group(1))


def transform_list(value: Any, place: str) -> list[Component]:
    """The transforms of a Compose or a plain list in order, nested ones opened.

    Raises:
        NotTrustedError: if one of them is code.
        ModelError: if it is no list of transforms.
    """
    found = []
    for entry in _opened(value, place):
        found.append(entry)
        if len(found) > _MOST_TRANSFORMS:
            raise ModelError("it holds too many transforms.", where=place)
    return found


def _opened(value: Any, place: str) -> Iterator[Component]:
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield from _opened(item, f"{place}#{n}")
        return
    entry = component(value, place)
    if transform_name(entry) == "Compose":
        yield from _opened(entry.arguments.get("transforms", []), f"{entry.place}#transforms")
    else:
        yield entry


def has_lazy_compose(value: Any) -> bool:
    """Whether a Compose, or one in it, may carry its steps out otherwise than one after the other."""
    if isinstance(value, list):
        return any(has_lazy_compose(item) for item in value)
    if not isinstance(value, Component) or transform_name(value) != "Compose":
        return False
    lazy = value.arguments.get("lazy", False)
    return lazy is not False or has_lazy_compose(value.arguments.get("transforms", []))


def keys_of(entry: Component) -> tuple[str, ...]:
    """The dictionary keys that a transform works on, empty for an array transform."""
    if "keys" not in entry.arguments:
        return ()
    keys = plain(entry.arguments["keys"], f"{entry.place}#keys")
    return tuple(keys) if isinstance(keys, list) else (str(keys),)
