"""The application's event loop: Qt's inside Slicer, none in a plain Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from .scene import slicer_module

Call = Callable[[], None]


class Timer(Protocol):
    """Calls a function again and again while it is started."""

    def start(self, interval_ms: int) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None:
        """It will not be started again."""


class EventLoop(Protocol):
    """What work in pieces needs of an application; the seam for tests without one."""

    def timer(self, call: Call) -> Timer: ...

    def process_events(self) -> None: ...

    def sleep(self, seconds: float) -> None: ...

    def at_quit(self, call: Call) -> Call:
        """Have a function called when the application quits; the returned one takes that back."""


class PlainLoop:
    """No event loop: work goes on only while somebody waits for it."""

    def timer(self, call: Call) -> Timer:
        del call
        return _NoTimer()

    def process_events(self) -> None:
        """There are none."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def at_quit(self, call: Call) -> Call:
        del call
        return _nothing


class QtLoop:
    """The application's own loop."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def timer(self, call: Call) -> Timer:
        return _QtTimer(call)

    def process_events(self) -> None:
        self._application.processEvents()

    def sleep(self, seconds: float) -> None:
        # Slicer's main thread holds the interpreter lock while it is in Qt's loop; only here can reader threads run.
        time.sleep(seconds)

    def at_quit(self, call: Call) -> Call:
        self._application.connect("aboutToQuit()", call)

        def take_back() -> None:
            self._application.disconnect("aboutToQuit()", call)

        return take_back


def temporary_folder() -> Path | None:
    """Where the application keeps temporary files; None outside it, for the system's own place."""
    application = getattr(slicer_module(), "app", None)
    return None if application is None else Path(application.temporaryPath)


def application_loop() -> EventLoop:
    """Qt's loop inside the application, none outside it."""
    application = getattr(slicer_module(), "app", None)
    return PlainLoop() if application is None else QtLoop(application)


@contextmanager
def wait_cursor() -> Iterator[None]:
    """Shows that the application is busy, while something runs that cannot be done in pieces."""
    if getattr(slicer_module(), "app", None) is None:
        yield
        return
    import qt

    qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        qt.QApplication.restoreOverrideCursor()


class _QtTimer:
    def __init__(self, call: Call) -> None:
        import qt

        self._call = call
        self._timer = qt.QTimer()
        self._timer.connect("timeout()", call)

    def start(self, interval_ms: int) -> None:
        self._timer.start(interval_ms)

    def stop(self) -> None:
        self._timer.stop()

    def close(self) -> None:
        self._timer.stop()
        # Qt's hold on the function would keep its object alive for ever.
        self._timer.disconnect("timeout()", self._call)
        self._timer.deleteLater()


class _NoTimer:
    def start(self, interval_ms: int) -> None:
        del interval_ms

    def stop(self) -> None:
        """It never runs."""

    def close(self) -> None:
        """It never runs."""


def _nothing() -> None:
    """There is no hook to take back."""
