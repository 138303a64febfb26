"""What the numbers of a model's windows and operations may be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from ..models import operations as op
from ..models.spec import Windows

LARGEST_MM = 1000.0
_SMALLEST_MM = 0.001
_LONGEST, _LONGEST_CUBE = 4096, 1024
_MOST_WINDOW_VOXELS, _MOST_IMAGE_VOXELS = 2**28, 2**31
_WIDEST_MARGIN = 256
_MOST_GROWN_MM = 100
_LARGEST_BATCH, _MOST_FLIPS = 1024, 64
_LARGEST_NUMBER = 1e12
_KEEPS_AT_ZERO = (op.Resample, op.Resize)


def window_problems(windows: Windows) -> Iterator[str]:
    """What is beyond its limits in the way the network is moved."""
    size = windows.size or (0, 0, 0)
    if any(not 0 <= length <= _LONGEST for length in size) or _voxels(size) > _MOST_WINDOW_VOXELS:
        yield f"the window of {' x '.join(map(str, size))} voxels is too large"
    if not all(0 <= share < 1 for share in windows.overlap):
        yield f"its windows overlap by {list(windows.overlap)} of their length, and may by 0 to below 1"
    if not 0 < windows.sigma_scale <= 10 or not 1 <= windows.batch <= _LARGEST_BATCH:
        yield f"sigma_scale {windows.sigma_scale} or batch {windows.batch} is out of range"
    if not abs(windows.padding_value) <= _LARGEST_NUMBER:
        yield f"the value {windows.padding_value} around an image is out of range"
    axes = [axis for flip in windows.test_time_flips for axis in flip]
    if len(windows.test_time_flips) > _MOST_FLIPS or any(axis not in (0, 1, 2) for axis in axes):
        yield "its test_time_flips are not sets of the axes 0, 1 and 2"


def has_sane_numbers(part: Any) -> bool:
    """Whether all numbers in a part of a model are numbers, and none is absurdly large."""
    # No comparison holds for what is no number.
    return all(abs(value) <= _LARGEST_NUMBER for value in _numbers(part))


def operation_problems(operation: Any, channels: int) -> Iterator[str]:
    """What is beyond its limits in an operation on so many channels, or on labels."""
    name = type(operation).__name__
    if isinstance(operation, op.OnChannel):
        if not 0 <= operation.channel < channels:
            yield f"{name} names channel {operation.channel} of {channels}"
        yield from operation_problems(operation.operation, channels)
        return
    if not has_sane_numbers(operation):
        yield f"{name} has numbers that are out of range"
    if isinstance(operation, op.ZScoreInside) and any(not 0 <= c < channels for c in operation.channels):
        yield f"{name} names channels {list(operation.channels)} of {channels}"
    if isinstance(operation, op.Transpose) and sorted(operation.order) != [0, 1, 2]:
        yield f"{name} has the order {list(operation.order)}"
    if isinstance(operation, (op.Orient, op.Conform)) and not _is_orientation(operation.axis_codes):
        yield f"{name} has the axes {operation.axis_codes[:10]!r}"
    if isinstance(operation, op.ScalePercentiles) and not 0 <= operation.lower <= operation.upper <= 100:
        yield f"its percentiles {operation.lower} and {operation.upper} are not from 0 to 100, the lower first"
    if isinstance(operation, op.NumberVertebrae) and not 0 <= operation.grown_mm <= _MOST_GROWN_MM:
        yield f"{name} grows by {operation.grown_mm} mm"
    yield from _size_problems(operation, name)
    yield from _spacing_problems(operation, name)


def _size_problems(operation: Any, name: str) -> Iterator[str]:
    if isinstance(operation, (op.PadToSize, op.ResizeTo, op.PadToMultiple)):
        lengths = operation.multiple if isinstance(operation, op.PadToMultiple) else operation.size
        # To a multiple of many voxels, an image that is a little larger becomes twice that on each axis.
        most = _MOST_WINDOW_VOXELS if isinstance(operation, op.PadToMultiple) else _MOST_IMAGE_VOXELS
        if any(not 0 <= length <= _LONGEST for length in lengths):
            yield f"{name} asks for lengths beyond 0 to {_LONGEST}"
        elif _voxels(lengths) > most:
            yield f"an image of {' x '.join(map(str, lengths))} voxels is too large"
    elif isinstance(operation, op.Conform) and not 1 <= operation.size <= _LONGEST_CUBE:
        yield f"{name} asks for a cube of {operation.size} voxels"
    elif isinstance(operation, op.CropForeground):
        most = _LONGEST if operation.within_image else _WIDEST_MARGIN
        if not 0 <= operation.margin <= most:
            yield f"{name} asks for a margin of {operation.margin} voxels, and may for 0 to {most}"


def _spacing_problems(operation: Any, name: str) -> Iterator[str]:
    spacing = getattr(operation, "spacing_mm", ())
    values = spacing if isinstance(spacing, tuple) else (spacing,)
    if isinstance(operation, _KEEPS_AT_ZERO):
        values = tuple(value for value in values if value != 0)
    if not all(_SMALLEST_MM <= value <= LARGEST_MM for value in values):
        yield f"{name} asks for a spacing of {spacing} mm, and may for {_SMALLEST_MM} to {LARGEST_MM:g} mm"


def _voxels(lengths: tuple[int, ...]) -> int:
    return math.prod(max(length, 1) for length in lengths)


def _is_orientation(codes: str) -> bool:
    sides = ("RL", "AP", "IS")
    return len(codes) == 3 and all(sum(letter in pair for letter in codes) == 1 for pair in sides)


def _numbers(value: Any) -> Iterator[float]:
    if dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            yield from _numbers(getattr(value, item.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value
