"""Networks are built without exhausting the machine, whatever sizes a description asks for.

A layer's memory is taken before anyone can look at it, and a system that promises more memory than it has ends the
process when it is used. So what each new tensor takes is added up before it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from ..core.errors import ModelError

MOST_NUMBERS = 2**30
"""The largest networks that segment have a quarter of that."""
MOST_TENSORS = 200_000
_OF_A_SIZE = frozenset({"empty", "empty_strided", "zeros", "ones", "full", "rand", "randn", "eye"})
_OF_A_RANGE = frozenset({"arange", "linspace"})


class _ExcessError(Exception):
    """Says what there is too much of."""


class _Bounds(TorchDispatchMode):
    """Counts what is made while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors = self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in _OF_A_SIZE:
            self._count(prod(args[0]) if isinstance(args[0], (list, tuple)) else prod(a for a in args if a))
        elif name in _OF_A_RANGE:
            self._count(max((abs(int(a)) for a in args if isinstance(a, (int, float))), default=0))
        return func(*args, **(kwargs or {}))

    def _count(self, numbers: int) -> None:
        self.tensors += 1
        self.numbers += numbers
        if self.numbers > MOST_NUMBERS or self.tensors > MOST_TENSORS:
            raise _ExcessError


@contextmanager
def bounded_building(where: str) -> Iterator[None]:
    """Within the block a network is built; raises ModelError as soon as it is larger than any that is known."""
    try:
        with _Bounds():
            yield
    except _ExcessError:
        raise ModelError(
            f"its network would have more than {MOST_NUMBERS:.1e} weights or {MOST_TENSORS} layers.",
            where=where,
            remedy="Its description is damaged, or made to exhaust the machine.",
        ) from None
