"""How a network is made without the files of its model's format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A class by its name and arguments, to which weights are added; or TorchScript, which needs neither.

    Attributes:
        architecture: one of :mod:`.named_networks`; empty where the network is none of those.
        arguments: of that class, as JSON holds them; see :func:`.named_networks.build`.
        script: the network's file, where it is TorchScript.
        slice_axis: of the prepared array, across which a 2-D network sees slices; None for one that sees volumes.
    """

    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    script: Path | None = None
    slice_axis: int | None = None


def named(architecture: str, arguments: Mapping[str, Any], slice_axis: int | None = None) -> Recipe:
    """The recipe of a class by its name; one without a name where JSON cannot hold its arguments as they are."""
    try:
        plain = json.loads(json.dumps(arguments, allow_nan=False)) == _with_lists(arguments)
    except (TypeError, ValueError, RecursionError):
        plain = False
    return Recipe(architecture, arguments, slice_axis=slice_axis) if plain else Recipe(slice_axis=slice_axis)


def _with_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, (tuple, list)) else value
