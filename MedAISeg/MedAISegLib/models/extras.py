"""Packages that only some acts need, looked up when they are needed: Slicer's own process has none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..core.errors import ResourceError


def extra(name: str) -> Any:
    """A package by its name.

    Raises:
        ResourceError: if it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ResourceError(
            f"the package {name} is missing.",
            remedy="Install what the module needs again, or use the command line, which has it.",
        ) from error


def extra_or_none(name: str) -> Any | None:
    """The same of one that can be done without; None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None
