"""What a bundle's description can hold once it is read: plain values, and names for things that are not built yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import ModelError, NotTrustedError

_IS_CODE = "is code"
UNCOMPILED = "is asked for in a way that is not compiled"
"""What MONAI's own parser could do, once the bundle is trusted."""
_LONGEST_QUOTE = 100
_MOST_ITEMS = 100_000


@dataclass(frozen=True)
class Unresolved:
    """A value that only the bundle's own code could give; it hurts only where something depends on it.

    Attributes:
        text: as it stands in the description.
        place: its path in the description, e.g. ``network_def#channels``.
        reason: why it has no value, to follow "it".
    """

    text: str
    place: str
    reason: str = _IS_CODE


@dataclass(frozen=True)
class Component:
    """An object that the bundle asks for, not built.

    Attributes:
        target: the class as the bundle names it, e.g. ``monai.networks.nets.UNet``.
        arguments: resolved, by keyword.
        place: its path in the description.
    """

    target: str
    arguments: Mapping[str, Any]
    place: str

    @property
    def name(self) -> str:
        """The last part of the target."""
        return self.target.rpartition(".")[2]


@dataclass(frozen=True)
class Device:
    """A torch device; which one never matters, since a network is always built on the CPU."""


@dataclass(frozen=True)
class FileContent:
    """What ``torch.load`` would read from a file of the bundle, or an item of it.

    Attributes:
        path: as the bundle writes it, relative to its root.
        keys: the items to follow inside what the file holds.
        as_tensor: to be turned from a numpy array into a tensor.
    """

    path: str
    keys: tuple[str | int, ...] = ()
    as_tensor: bool = False


UNTRUSTED = "it needs trust to run its own code: "
"""What the errors of :func:`needs_trust` begin with."""


def quoted(text: str) -> str:
    """A text of the description, short enough for a message."""
    return repr(text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "…")


def needs_trust(reason: str, where: str) -> NotTrustedError:
    """The error for what is not compiled: only the bundle's own description, run as code, could do it.

    Args:
        reason: a sentence without its full stop.
    """
    return NotTrustedError(
        f"{UNTRUSTED}{reason}.",
        where=where,
        remedy="Without it, plain values, a few harmless expressions and the usual parts of MONAI are understood.",
    )


def refuse_unresolved(value: Unresolved) -> ModelError:
    """The error for a value that is needed and cannot be had; NotTrustedError where the bundle's code could give it."""
    if value.reason not in (_IS_CODE, UNCOMPILED):
        return ModelError(f"{quoted(value.text)} {value.reason}.", where=value.place)
    return needs_trust(f"{quoted(value.text)} {value.reason}", value.place)


def refuse_class(target: str, place: str) -> NotTrustedError:
    """The error for an object whose class is the bundle's own."""
    return needs_trust(f"{quoted(target)} is code of the model's own", place)


def plain(value: Any, place: str) -> Any:
    """The value, made of None, booleans, numbers, strings, lists and dicts only.

    Raises:
        NotTrustedError: if a part of it is code or an object.
        ModelError: if a part of it does not exist, or if there is too much of it.
    """
    return _plain(value, place, iter(range(_MOST_ITEMS)))


def _plain(value: Any, place: str, budget: Iterator[int]) -> Any:
    # References share what they stand for, so that a short text can describe an endless tree.
    if next(budget, None) is None:
        raise ModelError("it holds too many values.", where=place)
    if isinstance(value, Unresolved):
        raise refuse_unresolved(value)
    if isinstance(value, list):
        return [_plain(item, f"{place}#{n}", budget) for n, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _plain(item, f"{place}#{key}", budget) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise needs_trust(f"a plain value is expected, not {_described(value)}", place)


def component(value: Any, place: str) -> Component:
    """The value, which must be an object to build.

    Raises:
        NotTrustedError: if it is code.
        ModelError: if it is anything else.
    """
    if isinstance(value, Unresolved):
        raise refuse_unresolved(value)
    if not isinstance(value, Component):
        raise ModelError(f"an entry with _target_ is expected, not {_described(value)}.", where=place)
    return value


def _described(value: Any) -> str:
    if isinstance(value, Component):
        return f"an object {value.target}"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return type(value).__name__
