"""The preprocessing of a bundle as our operations."""

from __future__ import annotations

from typing import Any

from ...models.operations import Operation, ResizeTo, ReverseAxes
from .arguments import Arguments
from .intensity_transforms import INTENSITY, expect_floats
from .spatial_transforms import SPATIAL
from .transforms import has_lazy_compose, keys_of, transform_list, transform_name
from .values import Component, needs_trust

_COMPILERS = {**SPATIAL, **INTENSITY}
_NO_EFFECT = frozenset(
    {
        "LoadImage", "EnsureChannelFirst", "AddChannel", "AsChannelFirst", "EnsureType", "CastToType", "ToTensor",
        "ToDevice", "FromMetaTensor", "SelectItems", "DeleteItems", "Identity", "SimulateDelay",
    }
)  # fmt: skip
"""They load, order the channel axis, or move data about, which a Case has behind it."""


def compile_preprocessing(value: Any, dimensions: int = 3, *, comes_back: bool = True) -> tuple[Operation, ...]:
    """The operations that prepare the network's input, beginning with MONAI's order of the array axes.

    Args:
        dimensions: of the images that the bundle loads: of 2-D ones the slice is the last axis here.
        comes_back: whether what the network gives is an image that takes the way back.

    Raises:
        NotTrustedError: if a needed value is code, or a transform is not understood.
        ModelError: if one of their values is damaged.
    """
    entries = transform_list(value, "preprocessing")
    if has_lazy_compose(value):
        _require_nothing_to_join(entries)
    image_key = _image_key(entries)
    operations: list[Operation] = [ReverseAxes()]
    for entry in entries:
        keys = keys_of(entry)
        if keys and image_key not in keys:
            continue
        name = transform_name(entry)
        if name in _NO_EFFECT:
            _require_no_effect(name, entry, image_key)
            continue
        if name not in _COMPILERS:
            raise needs_trust(f"the transform {name} is not understood", entry.place)
        arguments = Arguments(entry, key=image_key, dimensions=dimensions)
        compiled = _COMPILERS[name](arguments)
        if comes_back and any(isinstance(operation, ResizeTo) and operation.averaged for operation in compiled):
            raise arguments.refusal("its interpolation is area, on the way back too")
        operations += compiled
        arguments.finish()
    return tuple(operations)


def _require_nothing_to_join(entries: list[Component]) -> None:
    """A lazy Compose joins neighbouring spatial steps into one resampling; after a mere turn that is the same.

    Raises:
        NotTrustedError: if it joins others.
    """
    joined: list[str] = []
    for entry in entries:
        name = transform_name(entry)
        # What is cropped away shows only in the image as it is by then.
        joined = [*joined, name] if name in SPATIAL and name != "CropForeground" else [name] * (name in SPATIAL)
        if len(joined) > 1 and joined != ["Orientation", "Spacing"]:
            raise needs_trust(f"its lazy steps {' and '.join(joined)} are joined into one resampling", entry.place)


def _image_key(entries: list[Component]) -> str:
    loaded = [key for entry in entries if transform_name(entry) == "LoadImage" for key in keys_of(entry)]
    others = [key for entry in entries for key in keys_of(entry)]
    return "image" if "image" in loaded + others or not others else (loaded + others)[0]


def _require_no_effect(name: str, entry: Component, key: str) -> None:
    arguments = Arguments(entry, key=key)
    if name in ("CastToType", "EnsureType"):
        expect_floats(arguments)
    if name == "LoadImage":
        arguments.expect("reverse_indexing", False, because="it reverses the axes")
