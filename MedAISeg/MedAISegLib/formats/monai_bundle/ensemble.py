"""How a bundle makes one prediction of those of several networks: MONAI's MeanEnsembled, and what comes before it."""

from __future__ import annotations

from dataclasses import dataclass

from ...models.spec import Activation, Averaging
from .activation import activation_of
from .arguments import Arguments
from .transforms import keys_of, transform_name
from .values import Component, needs_trust

_MEAN = "MeanEnsemble"


@dataclass(frozen=True)
class Joined:
    """A postprocessing split where several predictions become one.

    Attributes:
        rest: what is left to do with the one prediction.
        key: the one prediction's name.
    """

    averaging: Averaging
    rest: tuple[Component, ...]
    key: str


def join_members(entries: list[Component], keys: tuple[str, ...], no_effect: frozenset[str]) -> Joined:
    """Split a postprocessing at its MeanEnsembled.

    Args:
        entries: the transforms in order.
        keys: of the networks' predictions, in the networks' order.
        no_effect: names of transforms that change no number.

    Raises:
        NotTrustedError: if a needed value is code, or the predictions are joined in another way.
    """
    active = dict.fromkeys(keys, Activation.NONE)
    inverses: list[Component] = []
    for number, entry in enumerate(entries):
        name, own = transform_name(entry), set(keys_of(entry)) & set(keys)
        if name == _MEAN:
            averaging, key = _mean(Arguments(entry), keys, active)
            later = entries[number + 1 :]
            inverted = [_renamed(inverse, key) for inverse in inverses]
            return Joined(averaging, (*inverted, *later), key)
        if not own or name in no_effect:
            continue
        if name == "Invert" and own == set(keys):
            # A mean of interpolated scores is the interpolated mean.
            inverses.append(entry)
        elif name == "Activations" and not inverses:
            active |= dict.fromkeys(own, activation_of(Arguments(entry)))
        else:
            raise needs_trust(f"{name} before the mean of several networks is not understood", entry.place)
    raise needs_trust("several networks without MeanEnsembled are not understood", "postprocessing")


def _mean(arguments: Arguments, keys: tuple[str, ...], active: dict[str, Activation]) -> tuple[Averaging, str]:
    order = arguments.keys()
    if sorted(order) != sorted(keys):
        raise arguments.refusal(f"it takes {', '.join(order)} of the predictions {', '.join(keys)}")
    output = arguments.take("output_key")
    if not isinstance(output, str):
        raise arguments.refusal("it does not name its result (output_key)")
    weights = _weights(arguments, len(keys))
    arguments.finish()
    activations = set(active.values())
    if len(activations) > 1:
        raise arguments.refusal("its networks have different activations")
    in_order = tuple(weights[order.index(key)] for key in keys) if weights else ()
    return Averaging(activations.pop(), in_order), output


def _weights(arguments: Arguments, count: int) -> tuple[float, ...]:
    """One weight a network; MONAI also knows weights for each class, which are refused."""
    weights = arguments.take("weights")
    if weights is None:
        return ()
    if not isinstance(weights, list) or any(isinstance(weight, list) for weight in weights):
        raise arguments.refusal("its weights are not one number a network")
    if len(weights) != count or not all(isinstance(weight, (int, float)) and weight > 0 for weight in weights):
        raise arguments.refusal(f"its weights are not {count} positive numbers")
    return tuple(map(float, weights))


def _renamed(entry: Component, key: str) -> Component:
    return Component(entry.target, {**entry.arguments, "keys": key}, entry.place)
