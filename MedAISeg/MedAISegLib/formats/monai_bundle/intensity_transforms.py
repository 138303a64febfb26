"""MONAI's intensity transforms as our operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...models.operations import Clip, MinMax, Operation, ScalePercentiles, ScaleRange, ShiftScale, ZScore
from .arguments import Arguments

_FLOATS = ("float32", "float64", "float", None)


def expect_floats(arguments: Arguments) -> None:
    """Raises NotTrustedError if the image is kept in a type of numbers that rounds it."""
    arguments.expect("dtype", *_FLOATS, because="it rounds the image")


def _scale_range(arguments: Arguments) -> list[Operation]:
    source = arguments.number("a_min", 0.0), arguments.number("a_max", 1.0)
    if source[0] == source[1]:
        raise arguments.refusal("a_min and a_max are the same")
    low, high = arguments.optional_number("b_min"), arguments.optional_number("b_max")
    clip = arguments.flag("clip", False)
    expect_floats(arguments)
    if low is not None and high is not None:
        return [ScaleRange(*source, low, high, clip)]
    # Without both targets MONAI maps onto 0..1 and clips on the side that is given.
    scaled: list[Operation] = [ScaleRange(*source)]
    return [*scaled, Clip(low, high)] if clip and (low, high) != (None, None) else scaled


def _scale_percentiles(arguments: Arguments) -> list[Operation]:
    lower, upper = arguments.number("lower", 0.0), arguments.number("upper", 100.0)
    low, high = arguments.optional_number("b_min"), arguments.optional_number("b_max")
    clip = arguments.flag("clip", False)
    expect_floats(arguments)
    if low is None or high is None:
        raise arguments.refusal("it leaves b_min or b_max open")
    if arguments.flag("relative", False):
        low, high = low + (high - low) * lower / 100, low + (high - low) * upper / 100
    return [ScalePercentiles(lower, upper, low, high, clip, channel_wise=arguments.flag("channel_wise", False))]


def _scale_intensity(arguments: Arguments) -> list[Operation]:
    low, high = arguments.optional_number("minv", 0.0), arguments.optional_number("maxv", 1.0)
    factor = arguments.optional_number("factor")
    channel_wise = arguments.flag("channel_wise", False)
    expect_floats(arguments)
    if low is None and high is None:
        return [ShiftScale(factor=1.0 + factor)] if factor is not None else []
    if low is None or high is None:
        raise arguments.refusal("it leaves minv or maxv open")
    return [MinMax(low, high, channel_wise)]


def _normalize(arguments: Arguments) -> list[Operation]:
    mean, std = (_per_channel(arguments, name) for name in ("subtrahend", "divisor"))
    nonzero, channel_wise = arguments.flag("nonzero", False), arguments.flag("channel_wise", False)
    expect_floats(arguments)
    if not channel_wise and any(values is not None and len(values) > 1 for values in (mean, std)):
        raise arguments.refusal("its numbers are given for each channel, but it takes all channels together")
    return [ZScore(nonzero, channel_wise, mean, std)]


def _per_channel(arguments: Arguments, name: str) -> tuple[float, ...] | None:
    value = arguments.take(name)
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (int, float)) for item in values):
        raise arguments.refusal(f"{name} is an image")
    return tuple(float(item) for item in values)


def _threshold(arguments: Arguments) -> list[Operation]:
    limit = arguments.number("threshold", 0.0)
    above, fill = arguments.flag("above", True), arguments.number("cval", 0.0)
    if fill != limit:
        raise arguments.refusal("it replaces values by others than the threshold")
    return [Clip(minimum=limit) if above else Clip(maximum=limit)]


def _shift(arguments: Arguments) -> list[Operation]:
    arguments.expect("safe", False, True, because="it wraps values")
    return [ShiftScale(offset=arguments.number("offset", 0.0))]


INTENSITY: Mapping[str, Callable[[Arguments], list[Operation]]] = {
    "ScaleIntensityRange": _scale_range,
    "ScaleIntensityRangePercentiles": _scale_percentiles,
    "ScaleIntensity": _scale_intensity,
    "NormalizeIntensity": _normalize,
    "ThresholdIntensity": _threshold,
    "ShiftIntensity": _shift,
}
"""By the transform's name: its arguments to the operations that do the same; raises ModelError where there are none."""
