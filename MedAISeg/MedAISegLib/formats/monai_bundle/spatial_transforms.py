"""MONAI's spatial transforms as our operations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ...core.errors import ModelError
from ...models.operations import (
    CropForeground,
    Interpolation,
    Operation,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    ResizeTo,
)
from .arguments import Arguments
from .values import Unresolved, refuse_unresolved

_USUAL_SIDES = [["L", "R"], ["P", "A"], ["I", "S"]]
"""How MONAI names the ends of the axes where nothing else is said."""


def _orient(arguments: Arguments) -> list[Operation]:
    if arguments.dimensions == 2:
        raise arguments.refusal("a 2-D image has no three patient sides")
    arguments.expect("labels", None, _USUAL_SIDES, because="it names the axes anew")
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
    spacing = arguments.per_axis("pixdim", 0.0)
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
    modes = {"bilinear": Interpolation.LINEAR, "nearest": Interpolation.NEAREST}
    if isinstance(mode, int):
        # Voxels at the edge of an empty background and half-way between two others come out otherwise.
        raise arguments.refusal(f"its interpolation {mode} is a spline's order, which MONAI computes in another way")
    if not isinstance(mode, str) or mode not in modes:
        raise arguments.refusal(f"the interpolation {mode!r} is not known")
    return [Resample(spacing, modes[mode])]


def _crop_foreground(arguments: Arguments) -> list[Operation]:
    threshold = _select_threshold(arguments)
    margin = arguments.integer("margin", 0)
    within_image = arguments.flag("allow_smaller", False)
    for name in ("source_key", "mode", "start_coord_key", "end_coord_key", "return_coords"):
        arguments.take(name)
    arguments.expect("channel_indices", None, because="it looks at some of the channels only")
    arguments.expect("k_divisible", 1, because="its box depends on a multiple")
    return [CropForeground(threshold, margin, within_image)]


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
    size = arguments.voxels_per_axis("spatial_size", 0)
    _expect_zero_padding(arguments)
    return [PadToSize(size)]


def _pad_to_multiple(arguments: Arguments) -> list[Operation]:
    multiple = arguments.voxels_per_axis("k", 1)
    _expect_zero_padding(arguments)
    return [PadToMultiple(multiple)]


def _resize(arguments: Arguments) -> list[Operation]:
    size = arguments.voxels_per_axis("spatial_size", 0)
    linear = "bilinear" if arguments.dimensions == 2 else "trilinear"
    arguments.expect("size_mode", "all", because="its size depends on the image")
    arguments.expect("align_corners", None, False, because="it aligns the grids by their corners")
    arguments.expect("anti_aliasing", None, False, because="it blurs the image")
    arguments.take("anti_aliasing_sigma")
    arguments.take("dtype")
    mode = arguments.word("mode", "area")
    if mode not in (linear, "area"):
        raise arguments.refusal(f"its interpolation is {mode}, not {linear} or area")
    return [ResizeTo(size, floored_labels=True, averaged=mode == "area")]


def _expect_zero_padding(arguments: Arguments) -> None:
    arguments.expect("method", "symmetric", because="it pads on one side only")
    arguments.expect("mode", "constant", because="it does not pad with zeros")
    for name in ("value", "constant_values"):
        arguments.expect(name, 0, because="it does not pad with zeros")


SPATIAL: Mapping[str, Callable[[Arguments], list[Operation]]] = {
    "Orientation": _orient,
    "Spacing": _resample,
    "Resize": _resize,
    "CropForeground": _crop_foreground,
    "SpatialPad": _pad_to_size,
    "DivisiblePad": _pad_to_multiple,
}
"""By the transform's name: its arguments to the operations that do the same; raises ModelError where there are none."""
