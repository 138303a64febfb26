"""How a bundle moves its network over the image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from ...core.errors import ModelError
from ...models.spec import Blending, Padding, Windows
from .arguments import Arguments
from .references import Inference
from .values import Component, Unresolved, component, needs_trust, quoted

Choice = TypeVar("Choice", Blending, Padding)

_INFERER = re.compile(r"(?:monai\.inferers\.(?:\w+\.)*)?(\w+)")
_LAST_AXIS = 2
_FUNCTION = re.compile(r"(?:monai\.inferers\.(?:utils\.)?)?sliding_window_inference")
_PLACE = "evaluator#inferer"
_EVALUATORS = ("SupervisedEvaluator", "EnsembleEvaluator", "Evaluator")
_SLIDING = ("SlidingWindowInferer", "SlidingWindowInfererAdapt")
_INDIFFERENT = ("sw_device", "cache_roi_weight_map", "cpu_thresh", "buffer_steps", "buffer_dim")


@dataclass(frozen=True)
class Passage:
    """How the image passes through the network.

    Attributes:
        slice_axis: of the prepared array, across which a 2-D network sees slices; None for a 3-D network.
        slicewise: the bundle is for 2-D images, so that each slice of a volume is one of its own.
    """

    windows: Windows
    slice_axis: int | None = None
    slicewise: bool = False


def given_inferer(inference: Inference) -> Any:
    """What moves the network, not built: the evaluator's, which is the one that counts, else that at the top.

    MONAI's evaluators give the network the whole image where they are told of none.

    Raises:
        ModelError: if it is a function that no such evaluator can call, so that MONAI cannot run the bundle either.
    """
    value, is_usual = inference.value(_PLACE), _has_usual_evaluator(inference)
    if _is_absent(value, _PLACE):
        value = Component("SimpleInferer", {}, _PLACE) if is_usual else inference.value("inferer")
    written = value.text if isinstance(value, Unresolved) else value.target if isinstance(value, Component) else ""
    if _FUNCTION.fullmatch(written) and (is_usual or not inference.has("evaluator")):
        raise ModelError(
            f"the inferer is given an image and a network, and the function {written} takes them in another way.",
            where=value.place,
            remedy="MONAI cannot run it either. Ask its author for one with SlidingWindowInferer in its place.",
        )
    return value


def _has_usual_evaluator(inference: Inference) -> bool:
    """Whether there is one of MONAI's that does what all of them do with an image."""
    target, update = inference.value("evaluator#_target_"), "evaluator#iteration_update"
    known = isinstance(target, str) and target.rpartition(".")[2] in _EVALUATORS
    return known and _is_absent(inference.value(update), update)


def _is_absent(value: Any, place: str) -> bool:
    return isinstance(value, Unresolved) and value.text == f"@{place}"


def compile_inferer(value: Any, dimensions: int) -> Passage:
    """The windows of MONAI's SlidingWindowInferer, SliceInferer or SimpleInferer.

    Args:
        dimensions: of the network, 2 or 3.

    Raises:
        NotTrustedError: if a needed value is code, it is another inferer, or one of its options is not understood.
        ModelError: if an option is damaged.
    """
    entry = component(value, "inferer")
    match = _INFERER.fullmatch(entry.target)
    name = match.group(1) if match else ""
    if name == "SimpleInferer":
        return Passage(Windows()) if dimensions == 3 else Passage(Windows((0, 0, 1)), _LAST_AXIS, slicewise=True)
    if name == "SliceInferer" and dimensions == 2:
        axis = Arguments(entry).integer("spatial_dim", 0)
        if not 0 <= axis <= _LAST_AXIS:
            raise ModelError(f"{axis} is no axis of a volume.", where=f"{entry.place}#spatial_dim")
        return Passage(_sliding_windows(entry, axis), axis)
    if name in _SLIDING:
        if dimensions == 3:
            return Passage(_sliding_windows(entry, None))
        return Passage(_sliding_windows(entry, _LAST_AXIS), _LAST_AXIS, slicewise=True)
    raise needs_trust(f"the inferer {quoted(entry.target)} is not understood", entry.place)


def _sliding_windows(entry: Component, slice_axis: int | None) -> Windows:
    """Windows that are one slice deep along an axis, or none."""
    arguments = Arguments(entry, indifferent=_INDIFFERENT)
    arguments.take("spatial_dim")
    # A size of -1 takes the whole axis, which is 0 here.
    count = 3 if slice_axis is None else 2
    size = [max(length, 0) for length in arguments.integers("roi_size", count, default=-1)]
    if slice_axis is not None:
        size.insert(slice_axis, 1)
    a, b, c = size
    # What overlaps along an axis that is one slice deep makes no difference.
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
