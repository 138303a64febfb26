"""The memory ladder: how a run is made smaller, rung by rung, when memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TypeVar

import torch

from ..core.errors import ResourceError
from ..core.notice import Notice
from .device import release_unused_memory
from .kept_pages import pages_kept
from .windows import Placement

T = TypeVar("T")

_CPU = torch.device("cpu")
_SHORT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "alloc_failed")
"""In what torch raises: on a GPU, on Linux, on Windows, from its own C++, and from cuBLAS and cuDNN."""


Shortage = Callable[[Placement], str]
"""What memory a placement would be short of, in words; none where it fits."""

_FORESEEN: ContextVar[Shortage | None] = ContextVar("foreseen_shortage", default=None)


@contextmanager
def foreseen(shortage: Shortage) -> Iterator[None]:
    """Runs of this thread within the block begin with a placement that fits, as far as that can be foreseen."""
    token = _FORESEEN.set(shortage)
    try:
        yield
    finally:
        _FORESEEN.reset(token)


def climb_down(attempt: Callable[[Placement], T], start: Placement) -> tuple[T, Placement, tuple[Notice, ...]]:
    """Run with the first placement that fits into memory.

    Rungs: half the batch, down to one window; scores added up in the computer's memory; the network on the CPU. Labels
    are the same on every rung. What is foreseen says on which to begin, what happens whether to go on.

    Returns:
        What the attempt gave, where it ran in the end, and a notice for each rung that was taken.

    Raises:
        ResourceError: if even the last rung does not fit.
    """
    rungs = [start, *_rungs(start)]
    first, notices = _first(rungs)
    for number, placement in enumerate(rungs[first:], start=first):
        if number > first:
            notices = (*notices, _notice("Memory was short", rungs[number - 1], placement))
        try:
            with pages_kept():
                return attempt(placement), placement, notices
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        release_unused_memory()
    raise _shortage()


def _first(rungs: Sequence[Placement]) -> tuple[int, tuple[Notice, ...]]:
    """The rung to begin on, and why.

    A foresight errs: it takes no network off its device, and where nothing fits the run is tried nonetheless.
    """
    shortage = _FORESEEN.get()
    lacking = "" if shortage is None else shortage(rungs[0])
    if shortage is None or not lacking:
        return 0, ()
    there = [number for number, rung in enumerate(rungs) if rung.compute == rungs[0].compute]
    first = next((number for number in there if not shortage(rungs[number])), there[-1])
    return first, (_notice(lacking, rungs[0], rungs[first]),) if first else ()


def _notice(why: str, before: Placement, after: Placement) -> Notice:
    changes = []
    if after.batch != before.batch:
        changes.append(f"the network saw {after.batch} window(s) at a time")
    if after.accumulate != before.accumulate:
        changes.append("scores were added up in the computer's memory")
    if after.compute != before.compute:
        changes.append("the network ran on the CPU")
    return Notice("memory-ladder", f"{why}; {', and '.join(changes)}.")


@contextmanager
def shortage_explained() -> Iterator[None]:
    """For what has no ladder, such as the preparation of an image.

    Raises:
        ResourceError: where memory does not suffice.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise _shortage() from error


def _shortage() -> ResourceError:
    return ResourceError(
        "there is not enough memory for this model and image.",
        remedy="Close other programs, limit the run to a region, or use a model of coarser resolution.",
    )


def _rungs(start: Placement) -> Iterator[Placement]:
    placement = start
    while placement.batch > 1:
        placement = replace(placement, batch=placement.batch // 2)
        yield placement
    if placement.accumulate != _CPU:
        placement = replace(placement, accumulate=_CPU)
        yield placement
    if placement.compute != _CPU:
        yield replace(placement, compute=_CPU)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is what torch raises where memory does not suffice."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return any(words in text for words in _SHORT_OF_MEMORY)
