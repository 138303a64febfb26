"""Files and folders that are still being filled, for whoever ends the process without waiting for who fills them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_TRIES = 5
"""A thread that still writes may put a file into a folder while it is being removed."""

_places: set[Path] = set()
_guard = threading.Lock()

_end = threading.RLock()
"""Held by who puts finished things in their places, or else by who ends the process."""

_here = threading.local()


@contextmanager
def unfinished(place: Path) -> Iterator[Path]:
    """Within, the place belongs to work that is not done; what is there at the end of the block is removed.

    It need not exist yet. What is to stay is moved away in time.
    """
    with _guard:
        _places.add(place)
    try:
        yield place
    finally:
        _remove(place)
        with _guard:
            _places.discard(place)


def remove_unfinished() -> None:
    """Remove every such place of this process, from any thread; what cannot be removed stays."""
    with _guard:
        places = tuple(_places)
    for place in places:
        _remove(place)


@contextmanager
def done_wholly() -> Iterator[Callable[[], None]]:
    """Gives what is called when the last part begins: from there to the end of the block nobody ends the process.

    A block inside another one ends with that. Between those two who takes signals asks :func:`is_last_part`.
    """
    if (begin := getattr(_here, "begin", None)) is not None:
        yield begin
        return
    with ExitStack() as until_done:

        def begin_last_part() -> None:
            if not is_last_part():
                _here.is_last_part = True
                until_done.enter_context(_end)

        _here.begin = begin_last_part
        try:
            yield begin_last_part
        finally:
            until_done.close()
            _here.begin, _here.is_last_part = None, False


def is_last_part() -> bool:
    """Whether this thread is doing what has to be done to its end."""
    return getattr(_here, "is_last_part", False)


@contextmanager
def ending(wait_s: float = 0.0) -> Iterator[bool]:
    """Whether the process may be ended within: nobody is in a last part, and nobody begins one."""
    may_end = _end.acquire(timeout=wait_s)
    try:
        yield may_end
    finally:
        if may_end:
            _end.release()


def _remove(place: Path) -> None:
    for _ in range(_TRIES):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            try:
                place.unlink(missing_ok=True)
            except OSError:
                continue
        if not place.exists():
            return
