"""Networks are built without exhausting the machine, whatever sizes a description asks for.

A layer's memory is taken before anyone can look at it, and a system that promises more memory than it has ends the
process when it is used. So what each new tensor takes is added up before it is made. A class may also count up to a
number, or go through a list, long before it makes anything; so those that a description gives it are bounded too.

A model may have many networks, and files that weigh next to nothing for each: one number can stand for all of a layer,
and one file be named many times. So they are counted together, and held against what their files can hold: a number a
byte, of which each has four, or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from pathlib import Path
from threading import get_ident
from typing import Any

from torch.nn.modules.module import register_module_module_registration_hook
from torch.utils._python_dispatch import TorchDispatchMode

from ..core.errors import ModelError

MOST_NUMBERS = 2**31
"""In all networks of a model; the largest that segment have a sixth of that each."""
MOST_UNSTORED = 2**22
"""Beyond what the files of a model can hold: what is made on the way, or computed anew; 16 MB."""
MOST_LAYERS = 50_000
"""In all networks of a model, and as many tensors; the largest that segment have 2,000 each."""
LARGEST_NUMBER = 2**17
"""Of channels, blocks, voxels …"""
MOST_ITEMS = 20_000
"""In all the lists of a network's description together, its arrays included."""
_OF_A_SIZE = frozenset({"empty", "empty_strided", "zeros", "ones", "full", "rand", "randn", "eye"})
_OF_A_RANGE = frozenset({"arange", "linspace"})


class _ExcessError(Exception):
    """May say what there is too much of, as the end of a sentence."""


class _Bounds(TorchDispatchMode):
    """Counts what is made while it is entered."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors = self.numbers = self.modules = 0
        self.files: dict[tuple[int, int], int] = {}
        """Bytes of each file of weights, by what it is on the disk."""
        self._thread = get_ident()

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
        if self.numbers > MOST_NUMBERS or self.tensors > MOST_LAYERS:
            raise _ExcessError
        if self.files and self.numbers > sum(self.files.values()) + MOST_UNSTORED:
            raise _ExcessError("would have more weights than their files can hold")

    def count_module(self, *_: Any) -> None:
        """One more is put into another; torch tells of all that are, in whatever thread."""
        self.modules += get_ident() == self._thread
        if self.modules > MOST_LAYERS:
            raise _ExcessError


_of_the_model: ContextVar[_Bounds | None] = ContextVar("_of_the_model", default=None)


@contextmanager
def counted_together() -> Iterator[None]:
    """Within the block the networks of one model are built, in one thread; the bounds are for all of them."""
    token = _of_the_model.set(_Bounds())
    try:
        yield
    finally:
        _of_the_model.reset(token)


def note_weights(path: Path) -> None:
    """A network that is built from here on within :func:`counted_together` gets its weights from this file."""
    bounds = _of_the_model.get()
    if bounds is not None:
        found = path.stat()
        bounds.files[found.st_dev, found.st_ino] = found.st_size


@contextmanager
def bounded_building(where: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Within the block a network is built.

    Args:
        arguments: with which it is built: beyond all bounds they are refused before the block.

    Raises:
        ModelError: as soon as it, or the model that it is :func:`counted_together` with, is larger than any known.
    """
    bounds = _of_the_model.get() or _Bounds()
    try:
        _require_modest(arguments)
        handle = register_module_module_registration_hook(bounds.count_module)
        try:
            with bounds:
                yield
        finally:
            handle.remove()
    except _ExcessError as error:
        raise ModelError(
            f"its networks {str(error) or f'would have more than {MOST_NUMBERS:.1e} weights or {MOST_LAYERS} layers'}.",
            where=where,
            remedy="Its description is damaged, or made to exhaust the machine.",
        ) from None


def _require_modest(arguments: Mapping[str, Any]) -> None:
    """Raises _ExcessError for numbers and lists of which no network has so large ones."""
    waiting, count = list(arguments.values()), len(arguments)
    while waiting:
        value = waiting.pop()
        inner: Any = ()
        if isinstance(value, int):
            if abs(value) > LARGEST_NUMBER:
                raise _ExcessError
        elif isinstance(value, Mapping):
            inner = value.values()
        elif isinstance(value, (list, tuple, set)):
            inner = value
        else:
            shape = getattr(value, "shape", None)
            count += prod(shape) if isinstance(shape, tuple) else 0
        count += len(inner)
        if count > MOST_ITEMS:
            raise _ExcessError
        waiting += inner
