"""Python's garbage collector kept on the main thread, and nothing of Qt left to it when the application ends.

In the application Qt owns the widgets. PySide6's belong to Python once they have no parent, and what is in a cycle of
references goes when the collector runs, in whichever thread that is. An object destroyed beside the main thread tells
those that watch it by way of the event loop, later: a view outlives its model unaware, and the process ends by SIGSEGV.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import shiboken6
from PySide6.QtWidgets import QApplication


def hold_collector() -> Callable[[], None]:
    """Collect now, and no more until the returned function is called, both in the calling thread: the main one."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()

    def release() -> None:
        gc.collect()
        if was_on:
            gc.enable()

    return release


def delete_widgets() -> None:
    """Delete what is left of the panels and dialogs, whoever still knows them: here, and not when it is forgotten."""
    for widget in QApplication.topLevelWidgets():
        if shiboken6.isValid(widget) and widget.parent() is None:
            shiboken6.delete(widget)
