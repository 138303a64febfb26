"""How a bundle moves its network over the image."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from ...core.errors import ModelError
from ...models.spec import Blending, Padding, Windows
from .arguments import Arguments
from .values import Component, component

Choice = TypeVar("Choice", Blending, Padding)

_INFERER = re.compile(r"(?:monai\.inferers\.(?:\w+\.)*)?(\w+)")
_SLIDING = ("SlidingWindowInferer", "SlidingWindowInfererAdapt")
_INDIFFERENT = ("sw_device", "cache_roi_weight_map", "cpu_thresh", "buffer_steps", "buffer_dim")


def compile_windows(value: Any) -> Windows:
    """The windows of MONAI's SlidingWindowInferer or SimpleInferer.

    Raises:
        NotTrustedError: if a needed value is code.
        ModelError: if it is another inferer, or one of its options is not supported.
    """
    entry = component(value, "inferer")
    match = _INFERER.fullmatch(entry.target)
    name = match.group(1) if match else ""
    if name == "SimpleInferer":
        return Windows()
    if name not in _SLIDING:
        raise ModelError(
            f"the bundle is not supported yet, because of its inferer {entry.target}.",
            where=entry.place,
            remedy="SlidingWindowInferer and SimpleInferer are supported.",
        )
    return _sliding_windows(entry)


def _sliding_windows(entry: Component) -> Windows:
    arguments = Arguments(entry, indifferent=_INDIFFERENT)
    # A size of -1 takes the whole axis, which is 0 here.
    a, b, c = (max(size, 0) for size in arguments.integers("roi_size", 3, default=-1))
    x, y, z = arguments.numbers("overlap", 3, default=0.25)
    if not all(0 <= share < 1 for share in (x, y, z)):
        raise ModelError(f"{(x, y, z)} is no overlap from 0 to below 1.", where=arguments.place("overlap"))
    sigmas = arguments.numbers("sigma_scale", 3, default=0.125)
    if len(set(sigmas)) > 1:
        raise arguments.refusal("its windows are weighted differently along each axis")
    arguments.expect("with_coord", False, because="its network asks for the position of each window")
    windows = Windows(
        size=(a, b, c),
        overlap=(x, y, z),
        blending=_choice(Blending, arguments, "mode", "constant"),
        sigma_scale=sigmas[0],
        padding=_choice(Padding, arguments, "padding_mode", "constant"),
        padding_value=arguments.number("cval", 0.0),
        batch=max(1, arguments.integer("sw_batch_size", 1)),
    )
    arguments.finish()
    return windows


def _choice(kind: type[Choice], arguments: Arguments, name: str, default: str) -> Choice:
    word = arguments.word(name, default)
    try:
        return kind(word)
    except ValueError:
        raise arguments.refusal(f"{name} {word!r} is not known") from None
