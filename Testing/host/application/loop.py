"""Qt's event loop, run with the GIL held as in the application, or released as PySide6 does.

The application's main thread sits in Qt's loop without giving the interpreter back, so that other Python threads starve
unless a slot runs Python. PySide6 releases it. ``ctypes.PyDLL`` calls a C++ function and keeps it: the loop below
is Qt's own, entered that way, and slots, timers and nested loops behave in it as in the application.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import PySide6
import shiboken6
from PySide6 import QtCore, QtWidgets

_SYMBOLS = {
    "process": ("Core", "_ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEE"),
    "loop": ("Core", "_ZN10QEventLoop4execE6QFlagsINS_17ProcessEventsFlagEE"),
    "dialog": ("Widgets", "_ZN7QDialog4execEv"),
}
_holding = [True]


@contextmanager
def gil(*, held: bool) -> Iterator[None]:
    """Whether the event loop keeps the interpreter; held, as in the application, is the default."""
    before, _holding[0] = _holding[0], held
    try:
        yield
    finally:
        _holding[0] = before


@cache
def _held(name: str) -> Callable[..., Any] | None:
    """A C++ function that keeps the GIL; None where the library's names are not those of Itanium C++ (Windows)."""
    library, symbol = _SYMBOLS[name]
    folder = Path(PySide6.__path__[0]) / "Qt" / "lib"
    found = next(folder.glob(f"libQt6{library}.*"), None)
    if found is None:
        return None
    try:
        return getattr(ctypes.PyDLL(str(found)), symbol)
    except AttributeError:
        return None


def _address(native: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(shiboken6.getCppPointer(native)[0])


def process_events() -> None:
    held = _held("process") if _holding[0] else None
    if held is None:
        QtCore.QCoreApplication.processEvents()
    else:
        held(ctypes.c_int(0))


def run_loop(loop: QtCore.QEventLoop) -> int:
    held = _held("loop") if _holding[0] else None
    return loop.exec() if held is None else int(held(_address(loop), ctypes.c_int(0)))


def run_dialog(dialog: QtWidgets.QDialog) -> int:
    held = _held("dialog") if _holding[0] else None
    return dialog.exec() if held is None else int(held(_address(dialog)))


def inside_loop(function: Callable[[], Any]) -> Any:
    """Calls the function from Qt's event loop, as all of the application's code is called.

    It matters for ``deleteLater``: what is posted outside any loop is done as soon as a dialog opens one.
    """
    loop = QtCore.QEventLoop()
    result: list[Any] = []
    raised: list[BaseException] = []

    def call() -> None:
        try:
            result.append(function())
        except BaseException as error:  # noqa: BLE001  raised again outside
            raised.append(error)
        loop.quit()

    # Python takes note of signals, such as a time limit's, when it runs: a loop that hangs in C++ must let it.
    heartbeat = QtCore.QTimer()
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(1000)
    QtCore.QTimer.singleShot(0, call)
    run_loop(loop)
    heartbeat.stop()
    if raised:
        raise raised[0]
    return result[0]


def spin(seconds: float) -> None:
    """The application sits idle in its event loop for some time: no Python runs but what events call."""
    loop = QtCore.QEventLoop()
    timer = QtCore.QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(loop.quit)
    timer.start(int(seconds * 1000))
    run_loop(loop)


def wait_until(condition: Callable[[], object], timeout: float = 60.0, interval: float = 0.02) -> None:
    """Spins until the condition holds, asking for it every ``interval``.

    Raises:
        TimeoutError: if it does not come true.
    """
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{getattr(condition, '__name__', condition)} did not come true in {timeout:g} s")
        spin(interval)
