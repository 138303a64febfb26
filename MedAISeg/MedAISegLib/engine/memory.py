"""The memory ladder: how a run is made smaller, rung by rung, when memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import torch

from ..core.errors import ResourceError
from ..core.notice import Notice
from .kept_pages import pages_kept
from .windows import Placement

T = TypeVar("T")

_CPU = torch.device("cpu")


def climb_down(attempt: Callable[[Placement], T], start: Placement) -> tuple[T, Placement, tuple[Notice, ...]]:
    """Run with the first placement that fits into memory.

    Rungs: half the batch, down to one window; scores added up in the computer's memory; the network on the CPU. Labels
    are the same on every rung.

    Returns:
        What the attempt gave, where it ran in the end, and a notice for each rung that was taken.

    Raises:
        ResourceError: if even the last rung does not fit.
    """
    notices: list[Notice] = []
    placement = start
    rungs = _rungs(start)
    while True:
        try:
            with pages_kept():
                return attempt(placement), placement, tuple(notices)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        following = next(rungs, None)
        if following is None:
            raise _shortage()
        placement, text = following
        notices.append(Notice("memory-ladder", f"Memory was short; {text}."))


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


def _rungs(start: Placement) -> Iterator[tuple[Placement, str]]:
    placement = start
    while placement.batch > 1:
        placement = replace(placement, batch=placement.batch // 2)
        yield placement, f"the network saw {placement.batch} window(s) at a time"
    if placement.accumulate != _CPU:
        placement = replace(placement, accumulate=_CPU)
        yield placement, "scores were added up in the computer's memory"
    if placement.compute != _CPU:
        placement = replace(placement, compute=_CPU)
        yield placement, "the network ran on the CPU"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is what torch raises where memory does not suffice."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text
