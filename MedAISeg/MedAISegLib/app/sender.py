"""What the worker sends: whole lines, in order, by a thread, so that a client that does not read delays nobody."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from enum import Enum
from queue import SimpleQueue

from ..core.progress import ProgressEvent
from ..models.store_progress import StoreProgress
from .messages import WorkerMessage, worker_line

_INTERVAL_S = 0.06
_MOST_WAITING = 20


class Sender:
    """A queue of lines before a pipe."""

    def __init__(self, pipe: int) -> None:
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=_write, args=(pipe, self._lines), name="sender", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Send a line, some time."""
        self._lines.put(line)

    @property
    def is_behind(self) -> bool:
        """Whether the client has not read for a while."""
        return self._lines.qsize() > _MOST_WAITING

    def flush(self, timeout_s: float) -> None:
        """Send what waits, as far as the time allows; nothing can be sent afterwards."""
        self._lines.put(None)
        self._thread.join(timeout_s)


def throttled(sender: Sender, number: int) -> Callable[[ProgressEvent | StoreProgress], None]:
    """Sends a request's progress: each new stage, and else no more than some twenty events a second."""
    last_stage: Enum | None = None
    last_s = 0.0

    def send(event: ProgressEvent | StoreProgress) -> None:
        nonlocal last_stage, last_s
        now_s = time.monotonic()
        if (event.stage is last_stage and now_s - last_s < _INTERVAL_S) or sender.is_behind:
            return
        last_stage, last_s = event.stage, now_s
        sender.put(worker_line(WorkerMessage(event, number)))

    return send


def _write(pipe: int, lines: SimpleQueue[bytes | None]) -> None:
    try:
        while (line := lines.get()) is not None:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(pipe, rest) :]
    except OSError:
        # The client is gone; the main thread sees the end of stdin.
        return
