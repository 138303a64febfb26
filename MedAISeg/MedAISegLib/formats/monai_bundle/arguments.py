"""The keyword arguments of one entry of a bundle, taken one by one, so that none is overlooked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ...core.errors import ModelError, NotTrustedError
from .transforms import keys_of
from .values import Component, needs_trust, plain

_INDIFFERENT = frozenset({"keys", "allow_missing_keys", "lazy", "device", "progress", "track_meta", "meta_keys"})
_PER_KEY = frozenset(
    {
        "align_corners", "anti_aliasing", "anti_aliasing_sigma", "argmax", "dtype", "mode", "nearest_interp",
        "padding_mode", "post_func", "rounding", "scale_extent", "sigmoid", "softmax", "threshold", "to_onehot",
    }
)  # fmt: skip
"""Arguments that never are lists by themselves, so that a list has an item for each key."""


class Arguments:
    """What an entry says, until every argument has been asked for.

    Arguments that change nothing about the numbers (where, how lazily, with which progress bar) count as asked for.
    """

    def __init__(
        self, entry: Component, *, key: str = "", indifferent: Iterable[str] = (), dimensions: int = 3
    ) -> None:
        """Args:
        key: of the entry's keys the one whose arguments are asked for.
        dimensions: of the arrays that the entry works on: a 2-D one has a third axis of one slice here.
        """
        ignored = _INDIFFERENT.union(indifferent)
        self._key = key
        self._entry = entry
        self.dimensions = dimensions
        self._left = {name: value for name, value in entry.arguments.items() if name not in ignored}

    def place(self, name: str) -> str:
        return f"{self._entry.place}#{name}"

    def refusal(self, because: str) -> NotTrustedError:
        """The error that this entry is not compiled, because …"""
        return needs_trust(f"{self._entry.name} is not understood, because {because}", self._entry.place)

    def keys(self) -> tuple[str, ...]:
        """The dictionary keys that it works on."""
        return keys_of(self._entry)

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, default: Any = None) -> Any:
        """A plain value; a list of one stands for its item, and one with an item for each key for that of our key."""
        if name not in self._left:
            return default
        value = plain(self._left.pop(name), self.place(name))
        keys = self.keys()
        if isinstance(value, list) and name in _PER_KEY and len(value) == len(keys) and self._key in keys:
            return value[keys.index(self._key)]
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def number(self, name: str, default: float) -> float:
        value = self.take(name, default)
        return self._as_number(value, name)

    def optional_number(self, name: str, default: float | None = None) -> float | None:
        value = self.take(name, default)
        return None if value is None else self._as_number(value, name)

    def integer(self, name: str, default: int) -> int:
        value = self.number(name, default)
        if value != int(value):
            raise ModelError(f"{value!r} is no whole number.", where=self.place(name))
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise ModelError(f"{value!r} is neither true nor false.", where=self.place(name))
        return value

    def word(self, name: str, default: str) -> str:
        value = self.take(name, default)
        if not isinstance(value, str):
            raise ModelError(f"{value!r} is no word.", where=self.place(name))
        return value.lower()

    def pop_raw(self, name: str) -> Any:
        """The value as it is, be it code or an object; None where it is absent."""
        return self._left.pop(name, None)

    def numbers(self, name: str, count: int, default: Any = None) -> tuple[float, ...]:
        """``count`` numbers; the last one is repeated where there are fewer, as MONAI does."""
        value = self.take(name, default)
        given = [self._as_number(item, name) for item in (value if isinstance(value, list) else [value])]
        given += given[-1:] * (count - len(given))
        if len(given) != count:
            raise ModelError(f"{count} numbers are expected, not {len(given)}.", where=self.place(name))
        return tuple(given)

    def integers(self, name: str, count: int, default: Any = None) -> tuple[int, ...]:
        values = self.numbers(name, count, default)
        if any(value != int(value) for value in values):
            raise ModelError(f"{values} are no whole numbers.", where=self.place(name))
        return tuple(int(value) for value in values)

    def per_axis(self, name: str, keep: float) -> tuple[float, float, float]:
        """A number for each axis; what is not positive, and the third axis of a 2-D array, get the one for as it is."""
        values = [value if value > 0 else keep for value in self.numbers(name, self.dimensions)]
        a, b, c = (*values, keep)[:3]
        return a, b, c

    def voxels_per_axis(self, name: str, keep: int) -> tuple[int, int, int]:
        """As :meth:`per_axis`, of whole numbers."""
        a, b, c = self.per_axis(name, keep)
        if any(value != int(value) for value in (a, b, c)):
            raise ModelError(f"{(a, b, c)} are no whole numbers.", where=self.place(name))
        return int(a), int(b), int(c)

    def integer_list(self, name: str) -> tuple[int, ...]:
        """Any number of whole numbers; empty where the argument is absent or null."""
        value = self.take(name)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if any(isinstance(item, bool) or not isinstance(item, int) for item in values):
            raise ModelError(f"{value!r} are no whole numbers.", where=self.place(name))
        return tuple(values)

    def expect(self, name: str, *allowed: Any, because: str) -> None:
        """The argument may be absent or one of the given values.

        Raises:
            NotTrustedError: saying that the entry is not compiled, because …
        """
        if self.has(name) and self.take(name) not in allowed:
            raise self.refusal(because)

    def finish(self) -> None:
        """Raises:
        NotTrustedError: if an argument is left that nothing asked for.
        """
        if self._left:
            raise self.refusal(f"the meaning of {', '.join(sorted(self._left))} is not known")

    def _as_number(self, value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ModelError(f"{value!r} is no number.", where=self.place(name))
        return float(value)
