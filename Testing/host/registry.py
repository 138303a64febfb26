"""Where the stand-ins are: families of strings, of which nothing is imported until it is used."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

FAMILIES = ("Testing.host.application", "Testing.host.widgets", "Testing.host.dicom")


@cache
def table(name: str) -> dict[str, str]:
    """STAND_INS, MODULES or CORE_MODULES of all families."""
    merged: dict[str, str] = {}
    for family in FAMILIES:
        merged.update(getattr(importlib.import_module(family), name, {}))
    return merged


def hooks() -> tuple[str, ...]:
    return tuple(each for family in FAMILIES for each in getattr(importlib.import_module(family), "HOOKS", ()))


@cache
def stand_in(qualified_name: str) -> Any:
    """The class, or other object, that stands in for a name such as ``ctk.ctkPathLineEdit``; None if there is none."""
    place = table("STAND_INS").get(qualified_name)
    if place is None:
        return None
    return load(place)


def is_registered(kind: type) -> bool:
    """Modules see a registered class as itself, and any other as the first of its bases that they know."""
    return f"{kind.__module__}:{kind.__qualname__}" in _places()


@cache
def _places() -> frozenset[str]:
    return frozenset({*table("STAND_INS").values(), *table("CORE_MODULES").values()})


def stand_in_named(class_name: str) -> Any:
    """A stand-in by its bare class name, as .ui files name it."""
    for qualified_name in table("STAND_INS"):
        if qualified_name.rpartition(".")[2] == class_name:
            return stand_in(qualified_name)
    return None


def load(place: str) -> Any:
    """What ``module:attribute`` names."""
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
