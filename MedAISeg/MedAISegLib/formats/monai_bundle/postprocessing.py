"""What a bundle does with the network's output, as a decision, a way back to the source grid, and label operations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.operations import FillHoles, Interpolation, KeepLargestComponent, LabelOperation
from ...models.spec import PLAIN_MEAN, Activation, Averaging, Restore, RestoreOrder
from .activation import activation_of
from .arguments import Arguments
from .ensemble import Joined, join_members
from .transforms import keys_of, transform_list, transform_name
from .values import Component, Unresolved, needs_trust

_NO_EFFECT = frozenset(
    {
        "SaveImage", "EnsureType", "ToTensor", "ToDevice", "FromMetaTensor", "DeleteItems", "SelectItems", "CastToType",
        "DataStats", "Identity",
    }
)  # fmt: skip
_WITHOUT_BACKGROUND = re.compile(r"\$\s*lambda\s+(\w+)\s*:\s*\1\s*\[\s*1\s*:\s*\]\s*")
"""Leaves out the first layer of one-hot labels, the background's, which changes no label."""
_CONNECTIVITY = {None: 26, 1: 6, 2: 18, 3: 26}


@dataclass(frozen=True)
class Postprocessing:
    """The way from the network's output to labels.

    Attributes:
        averaging: how the scores of several networks become one.
        threshold: of each class by itself; None where the highest score wins.
    """

    averaging: Averaging
    restore: Restore
    threshold: float | None
    operations: tuple[LabelOperation, ...]
    notices: tuple[Notice, ...]


@dataclass
class _Steps:
    """What has been met so far, in order.

    Attributes:
        averaged: what was applied before several networks were averaged.
        cleaning: of labels before they come back; ``operations`` are those after that.
    """

    averaged: Activation = Activation.NONE
    activation: Activation = Activation.NONE
    inverted: Interpolation | None = None
    decided: bool = False
    decided_before_inverse: bool = False
    one_hot: bool = False
    threshold: float | None = None
    cleaning: list[LabelOperation] = field(default_factory=list)
    operations: list[LabelOperation] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def say(self, code: str, message: str) -> None:
        self.notices.append(Notice(code, message))


def compile_postprocessing(value: Any, keys: tuple[str, ...] = ("pred",), *, moved: bool) -> Postprocessing:
    """The decision, the restore and the label operations of a bundle's postprocessing.

    Args:
        keys: names of the networks' predictions; several are averaged.
        moved: whether the preprocessing changes the grid, so that there is something to go back from.

    Raises:
        NotTrustedError: if a needed value is code, or a transform is not understood.
        ModelError: if it does not say how scores become labels.
    """
    entries = transform_list(value, "postprocessing")
    joined = Joined(PLAIN_MEAN, tuple(entries), keys[0])
    if len(keys) > 1:
        joined = join_members(entries, keys, _NO_EFFECT)
    steps = _Steps(averaged=joined.averaging.activation)
    for entry in joined.rest:
        named = keys_of(entry)
        if not named or joined.key in named:
            _take(entry, joined.key, steps)
    if not steps.decided:
        _decide_by_activation(steps)
    if moved and steps.inverted is None:
        steps.cleaning, steps.operations = steps.operations, []
        steps.say("restored", "The model leaves its labels on its own grid; they are brought back to the image's.")
    return Postprocessing(
        joined.averaging, _restore(steps), steps.threshold, tuple(steps.operations), tuple(steps.notices)
    )


def _take(entry: Component, key: str, steps: _Steps) -> None:
    name = transform_name(entry)
    if name in _NO_EFFECT:
        return
    if name not in _TAKERS:
        raise needs_trust(f"the transform {name} of the labels is not understood", entry.place)
    _TAKERS[name](Arguments(entry, key=key), steps)


def _activation(arguments: Arguments, steps: _Steps) -> None:
    activation = activation_of(arguments)
    if activation is Activation.NONE:
        return
    if steps.decided:
        raise arguments.refusal("it comes after the decision")
    steps.activation = activation


def _invert(arguments: Arguments, steps: _Steps) -> None:
    nearest = arguments.flag("nearest_interp", True)
    arguments.expect("post_func", None, because="it applies a function of its own")
    steps.inverted = Interpolation.NEAREST if nearest else Interpolation.LINEAR
    steps.decided_before_inverse = steps.decided
    steps.cleaning, steps.operations = steps.cleaning + steps.operations, []
    if steps.decided and not nearest:
        steps.say("labels-interpolated", "The model interpolates labels linearly; the nearest label is taken instead.")


def _decide(arguments: Arguments, steps: _Steps) -> None:
    argmax, threshold = arguments.flag("argmax", False), arguments.optional_number("threshold")
    # One-hot labels say the same as labels.
    steps.one_hot = arguments.take("to_onehot") not in (None, False)
    arguments.expect("rounding", None, because="it rounds scores")
    arguments.expect("dim", 0, because="it works along another axis than the classes")
    arguments.take("keepdim")
    arguments.take("dtype")
    arguments.finish()
    if argmax and threshold is not None:
        raise arguments.refusal("it asks for both the highest score and a threshold")
    if argmax or threshold is not None:
        if steps.decided:
            raise arguments.refusal("the labels have been decided before")
        steps.decided, steps.threshold = True, threshold


def _keep_largest(arguments: Arguments, steps: _Steps) -> None:
    labels = arguments.integer_list("applied_labels")
    connectivity = arguments.take("connectivity")
    if connectivity not in _CONNECTIVITY:
        raise arguments.refusal(f"the connectivity {connectivity!r} is not known")
    arguments.expect("num_components", 1, because="it keeps several components")
    if not arguments.flag("independent", True) and len(labels) != 1:
        raise arguments.refusal("it takes several labels together")
    arguments.take("is_onehot")
    arguments.finish()
    _clean(KeepLargestComponent(labels, _CONNECTIVITY[connectivity]), arguments, steps)


def _fill_holes(arguments: Arguments, steps: _Steps) -> None:
    labels = arguments.integer_list("applied_labels")
    arguments.expect("connectivity", None, 3, because="it looks at some of the neighbours only")
    arguments.finish()
    _clean(FillHoles(labels), arguments, steps)


def _clean(operation: LabelOperation, arguments: Arguments, steps: _Steps) -> None:
    if not steps.decided:
        raise arguments.refusal("it comes before the decision")
    if operation.labels and steps.threshold is not None:
        raise arguments.refusal("it counts the classes of a model whose structures overlap")
    steps.operations.append(operation)


def _own_function(arguments: Arguments, steps: _Steps) -> None:
    """A function of the bundle's own after a threshold only paints layers into one; they are kept as they are."""
    raw = arguments.pop_raw("func")
    if steps.one_hot and isinstance(raw, Unresolved) and _WITHOUT_BACKGROUND.fullmatch(raw.text):
        return
    if not steps.decided or steps.threshold is None:
        raise needs_trust("the labels are changed by code of the model's own", arguments.place("func"))
    steps.say(
        "layers-kept",
        "The model paints its overlapping structures into one label image by code of its own; they are kept apart.",
    )


def _decide_by_activation(steps: _Steps) -> None:
    activation = steps.averaged if steps.activation is Activation.NONE else steps.activation
    if activation is Activation.NONE:
        raise ModelError(
            "the bundle does not say how scores become labels.",
            where="postprocessing",
            remedy="It needs AsDiscrete with argmax or threshold.",
        )
    steps.decided = True
    if activation is Activation.SIGMOID:
        steps.threshold = 0.5
    rule = "scores above 0.5" if steps.threshold else "the highest score"
    steps.say("decision-assumed", f"The model does not say how its scores become labels; {rule} decides.")


def _restore(steps: _Steps) -> Restore:
    if steps.inverted is None or steps.decided_before_inverse:
        cleaning = tuple(steps.cleaning)
        return Restore(steps.activation, RestoreOrder.DECIDE_THEN_LABELS, Interpolation.NEAREST, cleaning=cleaning)
    return Restore(steps.activation, RestoreOrder.SCORES_THEN_DECIDE, steps.inverted)


_TAKERS = {
    "Activations": _activation,
    "Invert": _invert,
    "AsDiscrete": _decide,
    "KeepLargestConnectedComponent": _keep_largest,
    "FillHoles": _fill_holes,
    "Lambda": _own_function,
}
