"""Ctrl-C and SIGTERM: stop at once, but never in the middle of putting files in place or of cleaning up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from ..core.progress import CancelToken


class Interrupts:
    """While it listens, a signal cancels the token and, unless it is deferred, raises KeyboardInterrupt.

    The exception ends what never polls the token (imports, reading, third-party code); the token ends what runs in
    other threads or swallows the exception.
    """

    def __init__(self) -> None:
        self.cancel = CancelToken()
        self._deferred = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals; who handled them before does so again at the end. Nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, a signal only cancels the token: what is begun is done wholly."""
        yield from self._with_deferred(deferred=True)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Within, inside a deferred block, a signal raises again."""
        yield from self._with_deferred(deferred=False)

    def _with_deferred(self, *, deferred: bool) -> Iterator[None]:
        before, self._deferred = self._deferred, deferred
        try:
            yield
        finally:
            self._deferred = before

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.cancel.cancel()
        if not self._deferred:
            raise KeyboardInterrupt


pass_interrupts = click.make_pass_decorator(Interrupts, ensure=True)
"""Gives a command the interrupts that the command line listens with."""
