"""Values of a pickle that is gone through without being opened: only how much there is in each, and how deep it is."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from .pickled_names import Leaf

DEPTH_BITS = 7
LATIN = Leaf()
LATIN_NAMES = (b"latin1", b"latin-1")
"""The text for which :data:`LATIN` stands."""
_DEEPEST = 64


class ExcessError(Exception):
    """The pickle is no harmless one; says why."""


class Growing:
    """A value into which more may be put later, or that holds such.

    Attributes:
        size: how much there is in it, but for its parts.
        parts: those of its values that may grow, or hold such.
    """

    __slots__ = ("depth", "parts", "size")

    def __init__(self, size: int = 1, depth: int = 1) -> None:
        self.size, self.depth = size, depth
        self.parts: list[Growing] = []


class TensorValue(Growing):
    """Of any shape, however few numbers there are for it."""

    __slots__ = ()


class Encodable(int):
    """A pair of a text and the one encoding in which torch writes bytes."""


Value = int | Growing
"""0 where it holds no others; a number that says size and depth where nothing more can be put into it."""


def tuple_of(items: Sequence[Value]) -> Value:
    """A tuple of so many: what is in it can no longer be put elsewhere."""
    if len(items) == 2 and items[1] is LATIN and isinstance(items[0], int):
        return Encodable((items[0] >> DEPTH_BITS) + 3 << DEPTH_BITS | (items[0] & (1 << DEPTH_BITS) - 1) + 1)
    if not any(items):
        return (len(items) + 1) << DEPTH_BITS | 1
    made = Growing()
    take(made, items)
    return made if made.parts else made.size << DEPTH_BITS | made.depth


def take(target: Value, items: Sequence[Value]) -> None:
    """Put values into one."""
    if not isinstance(target, Growing):
        raise pickle.UnpicklingError("its description is out of order")
    target.size += len(items)
    for item in items:
        if isinstance(item, Growing):
            target.parts.append(item)
            depth = item.depth
        else:
            target.size += item >> DEPTH_BITS
            depth = item & (1 << DEPTH_BITS) - 1
        if depth >= target.depth:
            target.depth = depth + 1
            require_depth(target.depth)


def require_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise ExcessError(f"it is nested more than {_DEEPEST} deep")
