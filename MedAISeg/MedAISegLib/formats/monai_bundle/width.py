"""How wide a network is, from its description alone: the memory of a window is known before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from .architecture import NetworkPlan

_MOST_LEVELS, _LARGEST_NUMBER = 64, 2**17
_UNETS = frozenset({"UNet", "Unet"})
_FILTERS = {
    "SegResNet": ("init_filters", 8), "SegResNetDS": ("init_filters", 32),
    "SwinUNETR": ("feature_size", 24), "UNETR": ("feature_size", 16),
}  # fmt: skip
"""Of networks with features on the image's grid: the argument that says how many, and what it is by itself."""


def widths_of(networks: Sequence[NetworkPlan]) -> tuple[float, ...]:
    """Features for each voxel of a window where a model's widest network holds most of them.

    Returns:
        One number, for the one stage of a bundle; empty if one of its networks is of a kind that is not known here.
    """
    found = [width for network in networks if (width := _width(network)) is not None]
    return (max(found),) if len(found) == len(networks) else ()


def _width(network: NetworkPlan) -> float | None:
    if network.architecture is None:
        return None
    name, arguments = network.architecture.name, network.architecture.arguments
    if name in _UNETS:
        return _of_unet(arguments, network.dimensions)
    if name in _FILTERS:
        argument, usual = _FILTERS[name]
        filters = arguments.get(argument, usual)
        return float(filters) if _is_count(filters) else None
    return None


def _of_unet(arguments: Mapping[str, Any], dimensions: int) -> float | None:
    """Its grid is halved before its first features; on the way up a level takes as many from beside as from below."""
    channels, strides = arguments.get("channels"), arguments.get("strides")
    if not (isinstance(channels, list) and isinstance(strides, list)):
        return None
    steps = [stride if isinstance(stride, list) else [stride] * dimensions for stride in strides]
    if len(steps) > _MOST_LEVELS or any(len(step) != dimensions for step in steps):
        return None
    if not all(_is_count(number) for number in (*channels, *(length for step in steps for length in step))):
        return None
    widest, voxels = 0.0, 1
    for features, step in zip(channels, steps, strict=False):
        voxels *= prod(step)
        widest = max(widest, 2 * features / voxels)
    return widest


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 < value <= _LARGEST_NUMBER
