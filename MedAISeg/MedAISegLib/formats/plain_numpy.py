"""numpy's arrays and numbers in a pickle, rebuilt from their bytes alone.

numpy's own functions believe what a pickle says of a type: with one that is made up, bytes of the file are followed as
addresses in memory. Here a type is a name out of a list and an order of bytes, and nothing else of it is heeded.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np

_KINDS = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,6}")
_MOST_AXES = 32


class PlainType:
    """Stands for ``numpy.dtype``; calling it takes that one's arguments."""

    def __init__(self, name: Any, *_: Any) -> None:
        if isinstance(name, bytes):
            name = name.decode("ascii", "replace")
        if not isinstance(name, str) or not _KINDS.fullmatch(name):
            raise pickle.UnpicklingError(
                f"it holds an array of {str(name)[:20] if isinstance(name, str) else 'objects'}"
            )
        self.type = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        if order in (">", b">"):
            self.type = self.type.newbyteorder(">")


class PlainArray(np.ndarray):
    """An array, ``numpy.ndarray`` to whoever uses it."""

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, PlainType) or not isinstance(content, (bytes, bytearray)):
            raise pickle.UnpicklingError("it holds an array of something else than numbers")
        if not isinstance(shape, tuple) or len(shape) > _MOST_AXES:
            raise pickle.UnpicklingError("it holds an array of an impossible shape")
        if not kind.type.itemsize and math.prod(shape) > 1:
            raise pickle.UnpicklingError("it holds an array of many values without any content")
        # numpy takes Python's truth values alone, whatever its type hints say.
        super().__setstate__((1, shape, kind.type, bool(by_columns), bytes(content)))  # type: ignore[arg-type]


def empty_array(*_: Any) -> PlainArray:
    """Stands for numpy's function that makes the array which is filled later."""
    return np.empty(0).view(PlainArray)


def number(kind: Any, content: Any) -> Any:
    """Stands for numpy's function that makes a number of a type from its bytes."""
    if not isinstance(kind, PlainType) or not isinstance(content, (bytes, bytearray)):
        raise pickle.UnpicklingError("it holds a number that is none")
    (value,) = np.frombuffer(content, kind.type)
    return value


STAND_INS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": PlainType,
    "numpy.ndarray": PlainArray,
    # Files written before numpy 2.0 name these functions by their former module.
    **{f"numpy.{core}.multiarray._reconstruct": empty_array for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": number for core in ("core", "_core")},
}
"""By the name under which a pickle asks for them."""
