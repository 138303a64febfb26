"""MONAI's Activations."""

from __future__ import annotations

from ...models.spec import Activation
from .arguments import Arguments


def activation_of(arguments: Arguments) -> Activation:
    """What it applies to the scores.

    Raises:
        ModelError: if that is neither softmax nor sigmoid over the classes.
    """
    softmax, sigmoid = arguments.flag("softmax", False), arguments.flag("sigmoid", False)
    arguments.expect("other", None, because="it applies a function of its own")
    arguments.expect("dim", 0, because="it works along another axis than the classes")
    arguments.finish()
    if softmax and sigmoid:
        raise arguments.refusal("it applies both softmax and sigmoid")
    return Activation.SOFTMAX if softmax else Activation.SIGMOID if sigmoid else Activation.NONE
