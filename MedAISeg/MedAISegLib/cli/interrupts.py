"""Ctrl-C and SIGTERM: stop at once, but never in the middle of putting files in place or of cleaning up."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import click

from ..core.errors import Cancelled
from ..core.progress import CancelToken
from ..core.unfinished import ending, is_last_part, remove_unfinished

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_PATIENCE_S = 0.3
"""After a signal, for the command to end by itself; the rest of a second is for clearing up."""

_SWITCH_S = 1e-5

_LAST_WORDS_S = 0.5
"""Nobody may read what is said at the end."""


class Interrupts:
    """While it listens, a signal cancels the token and, unless it is deferred, raises KeyboardInterrupt.

    The exception ends what never polls the token (imports, reading, third-party code); the token ends what runs in
    other threads or swallows the exception. A library at work outside of Python hears of neither: where a command may
    be abandoned, another thread removes what is unfinished and leaves the process.
    """

    def __init__(self) -> None:
        self.cancel = CancelToken()
        self._deferred = False
        self._raised = False
        self._settled = False
        self._ending = threading.RLock()
        self._abandonable = False
        self._last_acts: list[Callable[[], None]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals; who handled them before does so again at the end. Nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with self._watched():
            previous = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
            try:
                yield
            finally:
                for number, handler in previous.items():
                    signal.signal(number, handler)

    @contextmanager
    def abandonable(self) -> Iterator[None]:
        """Within, another thread may leave the process.

        Whatever the command puts on a disk is :func:`~MedAISegLib.core.unfinished.unfinished` until it is settled, or
        :func:`~MedAISegLib.core.unfinished.done_wholly`.
        """
        self._abandonable = True
        try:
            yield
        finally:
            self._abandonable = False

    @contextmanager
    def before_leaving(self, act: Callable[[], None]) -> Iterator[None]:
        """Within, leaving the process begins with that, before what was named earlier."""
        self._last_acts.append(act)
        try:
            yield
        finally:
            self._last_acts.remove(act)

    def settle(self) -> None:
        """From here on the command ends as it does: a first signal changes nothing, a second one ends the process.

        Where another thread is leaving already, this one waits for that.
        """
        self._ending.acquire()
        self._settled = True

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

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.cancel.cancel()
        if self._settled:
            signal.signal(number, signal.SIG_DFL)
        elif not (self._deferred or is_last_part() or (self._raised and self._abandonable)):
            # Who cleans up after the first is not to be struck by the second.
            self._raised = True
            raise KeyboardInterrupt

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Python's handlers run when the main thread is back in Python; a socket hears of a signal at once."""
        with ExitStack() as stack:
            hearing, telling = (stack.enter_context(end) for end in socket.socketpair())
            telling.setblocking(False)
            done = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(hearing, done), name="signals", daemon=True)
            watcher.start()
            before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
            try:
                yield
            finally:
                signal.set_wakeup_fd(before)
                done.set()
                telling.close()
                watcher.join()

    def _watch(self, hearing: socket.socket, done: threading.Event) -> None:
        while heard := hearing.recv(1):
            if heard[0] in _SIGNALS:
                break
        else:
            return
        # Threads that compute in Python are to let this one through.
        sys.setswitchinterval(_SWITCH_S)
        self.cancel.cancel()
        if done.wait(_PATIENCE_S):
            return
        with ending() as may_end:
            if may_end and self._abandonable and self._ending.acquire(blocking=False):
                self._leave()

    def _leave(self) -> None:
        """End the process here and now, with nothing half-written."""
        try:
            remove_unfinished()
            threading.Timer(_LAST_WORDS_S, os._exit, (Cancelled.exit_code,)).start()
            for act in reversed(self._last_acts):
                act()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(Cancelled.exit_code)


pass_interrupts = click.make_pass_decorator(Interrupts, ensure=True)
"""Gives a command the interrupts that the command line listens with."""
