"""Stopping a library that works for many seconds in Python and offers no way to be stopped."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

from ..core.errors import Cancelled
from ..core.progress import Poll, never

T = TypeVar("T")

_INTERVAL_S = 0.1


def stoppable(work: Callable[[], T], poll: Poll) -> T:
    """Do the work while another thread calls ``poll``; when that raises Cancelled, so does the work at its next step.

    The interpreter's own way to raise in another thread costs nothing while nobody stops; a profile function, the other
    way, takes as long again as what it watches.

    Raises:
        Cancelled: if ``poll`` does; and what the work raises.
    """
    if poll is never:
        return work()
    finished = threading.Event()
    watcher = threading.Thread(target=_watch, args=(poll, finished, threading.get_ident()), name="stop", daemon=True)
    watcher.start()
    try:
        return work()
    finally:
        try:
            finished.set()
            watcher.join()
        finally:
            _raise_in(threading.get_ident(), None)
            # A library may have swallowed what was raised in it, or turned it into something else.
            poll()


def _watch(poll: Poll, finished: threading.Event, thread: int) -> None:
    while not finished.wait(_INTERVAL_S):
        try:
            poll()
        except Cancelled:
            _raise_in(thread, Cancelled)
            return


def _raise_in(thread: int, kind: type[Cancelled] | None) -> None:
    """Have the interpreter raise in a thread at its next step, or forget what it was to raise."""
    what = ctypes.py_object() if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
