"""MONAI transforms by name, and the preprocessing of a bundle as our operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.operations import (
    Clip,
    CropForeground,
    Interpolation,
    MinMax,
    Operation,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    ReverseAxes,
    ScalePercentiles,
    ScaleRange,
    ShiftScale,
    ZScore,
)
from .arguments import Arguments
from .values import Component, Unresolved, component, plain, refuse_unresolved

_MOST_TRANSFORMS = 500
_TRANSFORM = re.compile(r"(?:monai\.transforms\.(?:\w+\.)*)?(\w+?)(?:d|D|Dict)?")

_NO_EFFECT = frozenset(
    {
        "LoadImage", "EnsureChannelFirst", "AddChannel", "AsChannelFirst", "EnsureType", "CastToType", "ToTensor",
        "ToDevice", "FromMetaTensor", "SelectItems", "DeleteItems", "Identity", "SimulateDelay",
    }
)  # fmt: skip
"""They load, order the channel axis, or move data about, which a Case has behind it."""

_FLOATS = ("float32", "float64", "float", None)


def transform_name(entry: Component) -> str:
    """``Spacing`` for ``monai.transforms.Spacingd`` and its other spellings; the target itself if it is not MONAI's."""
    match = _TRANSFORM.fullmatch(entry.target)
    return match.group(1) if match else entry.target


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


def keys_of(entry: Component) -> tuple[str, ...]:
    """The dictionary keys that a transform works on, empty for an array transform."""
    if "keys" not in entry.arguments:
        return ()
    keys = plain(entry.arguments["keys"], f"{entry.place}#keys")
    return tuple(keys) if isinstance(keys, list) else (str(keys),)


def compile_preprocessing(value: Any) -> tuple[tuple[Operation, ...], tuple[Notice, ...]]:
    """The operations that prepare the network's input, beginning with MONAI's order of the array axes.

    Raises:
        NotTrustedError: if a needed value is code.
        ModelError: if a transform is not supported.
    """
    entries = transform_list(value, "preprocessing")
    image_key = _image_key(entries)
    operations: list[Operation] = [ReverseAxes()]
    notices: list[Notice] = []
    for entry in entries:
        keys = keys_of(entry)
        if keys and image_key not in keys:
            continue
        name = transform_name(entry)
        if name in _NO_EFFECT:
            _require_float(name, entry)
            continue
        if name not in _COMPILERS:
            raise ModelError(f"the transform {name} is not supported yet.", where=entry.place)
        arguments = Arguments(entry)
        operations += _COMPILERS[name](arguments)
        arguments.finish()
    return tuple(operations), tuple(notices)


def _image_key(entries: list[Component]) -> str:
    loaded = [key for entry in entries if transform_name(entry) == "LoadImage" for key in keys_of(entry)]
    others = [key for entry in entries for key in keys_of(entry)]
    return "image" if "image" in loaded + others or not others else (loaded + others)[0]


def _require_float(name: str, entry: Component) -> None:
    if name in ("CastToType", "EnsureType") and "dtype" in entry.arguments:
        Arguments(entry).expect("dtype", *_FLOATS, because="it rounds the image")


def _orient(arguments: Arguments) -> list[Operation]:
    arguments.expect("labels", None, because="it names the axes anew")
    if arguments.flag("as_closest_canonical", False):
        arguments.take("axcodes")
        return [Orient("RAS")]
    axis_codes = arguments.take("axcodes")
    if isinstance(axis_codes, list):
        axis_codes = "".join(str(letter) for letter in axis_codes)
    if not isinstance(axis_codes, str) or len(axis_codes) != 3 or not set(axis_codes.upper()) <= set("LRAPIS"):
        raise ModelError(
            f"{axis_codes!r} does not name three patient sides such as RAS.", where=arguments.place("axcodes")
        )
    return [Orient(axis_codes.upper())]


def _resample(arguments: Arguments) -> list[Operation]:
    # MONAI keeps an axis whose spacing is not positive.
    x, y, z = (max(spacing, 0.0) for spacing in arguments.numbers("pixdim", 3))
    arguments.expect("diagonal", False, because="it turns the image to the patient's axes")
    arguments.expect("align_corners", False, because="it aligns the grids by their corners")
    arguments.expect("scale_extent", False, because="it keeps the extent instead of the first voxel's centre")
    arguments.expect("recompute_affine", False, because="it changes the spacing to fit the rounded size")
    arguments.expect("padding_mode", "border", because="it fills in values at the border")
    arguments.expect("min_pixdim", None, because="its spacing depends on the image")
    arguments.expect("max_pixdim", None, because="its spacing depends on the image")
    arguments.take("ensure_same_shape")
    arguments.take("dtype")
    mode = arguments.take("mode", "bilinear")
    modes = {
        "bilinear": Interpolation.LINEAR, 1: Interpolation.LINEAR,
        "nearest": Interpolation.NEAREST, 0: Interpolation.NEAREST,
    }  # fmt: skip
    if isinstance(mode, bool) or not isinstance(mode, (str, int)) or mode not in modes:
        raise arguments.refusal(f"the interpolation {mode!r} is not known")
    return [Resample((x, y, z), modes[mode])]


def _scale_range(arguments: Arguments) -> list[Operation]:
    source = arguments.number("a_min", 0.0), arguments.number("a_max", 1.0)
    if source[0] == source[1]:
        raise arguments.refusal("a_min and a_max are the same")
    low, high = arguments.optional_number("b_min"), arguments.optional_number("b_max")
    clip = arguments.flag("clip", False)
    arguments.take("dtype")
    if low is not None and high is not None:
        return [ScaleRange(*source, low, high, clip)]
    # Without both targets MONAI maps onto 0..1 and clips on the side that is given.
    scaled: list[Operation] = [ScaleRange(*source)]
    return [*scaled, Clip(low, high)] if clip and (low, high) != (None, None) else scaled


def _scale_percentiles(arguments: Arguments) -> list[Operation]:
    lower, upper = arguments.number("lower", 0.0), arguments.number("upper", 100.0)
    low, high = arguments.optional_number("b_min"), arguments.optional_number("b_max")
    clip = arguments.flag("clip", False)
    arguments.expect("relative", False, because="its targets depend on the image")
    arguments.take("dtype")
    if low is None or high is None:
        raise arguments.refusal("it leaves b_min or b_max open")
    return [ScalePercentiles(lower, upper, low, high, clip, channel_wise=arguments.flag("channel_wise", False))]


def _scale_intensity(arguments: Arguments) -> list[Operation]:
    low, high = arguments.optional_number("minv", 0.0), arguments.optional_number("maxv", 1.0)
    factor = arguments.optional_number("factor")
    channel_wise = arguments.flag("channel_wise", False)
    arguments.take("dtype")
    if low is None and high is None:
        return [ShiftScale(factor=1.0 + factor)] if factor is not None else []
    if low is None or high is None:
        raise arguments.refusal("it leaves minv or maxv open")
    return [MinMax(low, high, channel_wise)]


def _normalize(arguments: Arguments) -> list[Operation]:
    mean, std = (_per_channel(arguments, name) for name in ("subtrahend", "divisor"))
    nonzero, channel_wise = arguments.flag("nonzero", False), arguments.flag("channel_wise", False)
    arguments.take("dtype")
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


def _crop_foreground(arguments: Arguments) -> list[Operation]:
    threshold = _select_threshold(arguments)
    margin = arguments.integer("margin", 0)
    if margin:
        arguments.expect("allow_smaller", True, because="its margin pads beyond the image")
    for name in ("allow_smaller", "source_key", "mode", "start_coord_key", "end_coord_key", "return_coords"):
        arguments.take(name)
    arguments.expect("channel_indices", None, because="it looks at some of the channels only")
    arguments.expect("k_divisible", 1, because="its box depends on a multiple")
    return [CropForeground(threshold, margin)]


def _select_threshold(arguments: Arguments) -> float:
    """MONAI's own rule is ``> 0``; a lambda that says the same with another number is understood."""
    raw = arguments.pop_raw("select_fn")
    if raw is None:
        return 0.0
    if isinstance(raw, Unresolved):
        match = re.fullmatch(r"\$\s*lambda\s+(\w+)\s*:\s*(\w+)\s*>\s*(-?\d+(?:\.\d+)?)\s*", raw.text)
        if match and match.group(1) == match.group(2):
            return float(match.group(3))
        raise refuse_unresolved(raw)
    raise arguments.refusal("its rule is not known")


def _pad_to_size(arguments: Arguments) -> list[Operation]:
    a, b, c = (max(size, 0) for size in arguments.integers("spatial_size", 3))
    _expect_zero_padding(arguments)
    return [PadToSize((a, b, c))]


def _pad_to_multiple(arguments: Arguments) -> list[Operation]:
    a, b, c = (max(multiple, 1) for multiple in arguments.integers("k", 3))
    _expect_zero_padding(arguments)
    return [PadToMultiple((a, b, c))]


def _expect_zero_padding(arguments: Arguments) -> None:
    arguments.expect("method", "symmetric", because="it pads on one side only")
    arguments.expect("mode", "constant", because="it does not pad with zeros")
    for name in ("value", "constant_values"):
        arguments.expect(name, 0, because="it does not pad with zeros")


def _threshold(arguments: Arguments) -> list[Operation]:
    limit = arguments.number("threshold", 0.0)
    above, fill = arguments.flag("above", True), arguments.number("cval", 0.0)
    if fill != limit:
        raise arguments.refusal("it replaces values by others than the threshold")
    return [Clip(minimum=limit) if above else Clip(maximum=limit)]


def _shift(arguments: Arguments) -> list[Operation]:
    arguments.expect("safe", False, True, because="it wraps values")
    return [ShiftScale(offset=arguments.number("offset", 0.0))]


_COMPILERS: dict[str, Callable[[Arguments], list[Operation]]] = {
    "Orientation": _orient,
    "Spacing": _resample,
    "ScaleIntensityRange": _scale_range,
    "ScaleIntensityRangePercentiles": _scale_percentiles,
    "ScaleIntensity": _scale_intensity,
    "NormalizeIntensity": _normalize,
    "CropForeground": _crop_foreground,
    "SpatialPad": _pad_to_size,
    "DivisiblePad": _pad_to_multiple,
    "ThresholdIntensity": _threshold,
    "ShiftIntensity": _shift,
}
