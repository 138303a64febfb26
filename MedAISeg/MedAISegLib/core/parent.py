"""A process that must not outlive who started it."""

from __future__ import annotations

import os
from threading import Thread


def end_with_parent() -> None:
    """Have this process end once its parent has, however that ended: its stdin is a pipe that only the parent holds.

    To be called before anything that takes long is imported.
    """
    Thread(target=_end_with_stdin, daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(0, 1):
        continue
    os._exit(1)
