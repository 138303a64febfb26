"""A process that must not outlive who started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from threading import Thread

_END_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""


def end_with_parent() -> None:
    """Have this process end once its parent has, however that ended: its stdin is a pipe that only the parent holds.

    To be called before anything that takes long is imported. On Linux it also ends while something holds Python's lock.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 1):
        continue
    os._exit(1)
