"""The worker as Slicer's process sees it: ask, and be called back from :meth:`WorkerClient.drain`, without blocking."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..core.errors import Cancelled, MedAISegError
from ..core.language import tr as _
from ..core.progress import ProgressEvent
from ..models.store_progress import StoreProgress
from .child import Child, Stream
from .endings import deaf_error, ended_error, not_started_error, rubbish_error, silent_error, version_error
from .interpreter import WorkerCommand
from .messages import Content, cancel_line, error_of, read_worker_line, request_line
from .protocol import PROTOCOL_VERSION, ErrorRecord, Hello, Reply, Request

_LONGEST_STEP_S = 0.25
"""Time counts only while somebody looks: after a long stall of this process the worker's words may still be unread."""

_YIELD_S = 0.001
_LAST_WORDS_S = 2.0
_CLOSE_S = 1.0
_KILL_S = 5.0
_LOG_LINES = 400
_LONGEST_LINE_BYTES = 64 << 20


Told = Callable[[Any], None]
"""Hears how far a request is: of a run a ProgressEvent, of an act of the store a StoreProgress."""


class WorkerState(Enum):
    """What the worker is doing. A worker that died is STOPPED; the next request starts another."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"


@dataclass
class _Open:
    """A request without an answer yet; ``cancelled_s`` is the watched time at which it was cancelled."""

    request: Request
    on_reply: Callable[[Reply], None]
    on_error: Callable[[MedAISegError], None]
    on_progress: Told
    sent: bool = False
    cancelled_s: float | None = None


class WorkerClient:
    """Owns at most one worker process. All methods are for one thread."""

    def __init__(
        self,
        command: Callable[[], WorkerCommand],
        *,
        log: Callable[[str], None],
        hello_timeout_s: float = 60.0,
        cancel_timeout_s: float = 0.8,
    ) -> None:
        """Starts nothing.

        Args:
            command: how to start a worker; asked at each start, and may raise a MedAISegError.
            log: gets each line of the worker's stderr.
            hello_timeout_s: how long a new process may take to speak.
            cancel_timeout_s: how long a run may take to stop; then the worker is killed.
        """
        self.last_failure: MedAISegError | None = None
        self.log_lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._command, self._log = command, log
        self._hello_timeout_s, self._cancel_timeout_s = hello_timeout_s, cancel_timeout_s
        self._open: dict[int, _Open] = {}
        self._next_id = 1
        self._watched_s, self._looked_s = 0.0, time.monotonic()
        self._closed = False
        self._dying: list[Child] = []
        self._forget()

    @property
    def state(self) -> WorkerState:
        """What it is doing now."""
        if self._child is None:
            return WorkerState.STARTING if self._open else WorkerState.STOPPED
        if self._hello is None:
            return WorkerState.STARTING
        return WorkerState.BUSY if self._open else WorkerState.READY

    @property
    def pid(self) -> int | None:
        """The worker's own process number, which may be that of a child of what was started."""
        return self._hello.pid if self._hello else None

    def ask(
        self,
        request: Request,
        *,
        on_reply: Callable[[Reply], None],
        on_error: Callable[[MedAISegError], None],
        on_progress: Told = lambda _event: None,
    ) -> int:
        """Send a request; a worker is started where none runs.

        Exactly one of ``on_reply`` and ``on_error`` is called once, from a later :meth:`drain`; never after
        :meth:`close`.

        Returns:
            The request's number.
        """
        if self._closed:
            raise RuntimeError("the client is closed")
        number, self._next_id = self._next_id, self._next_id + 1
        self._open[number] = _Open(request, on_reply, on_error, on_progress)
        return number

    def cancel(self, request_id: int) -> None:
        """Stop a request: ``on_error(Cancelled())`` follows within a second. One that is answered already is let be."""
        found = self._open.get(request_id)
        if found is None or found.cancelled_s is not None:
            return
        found.cancelled_s = self._watched_s
        if found.sent and self._child is not None:
            self._child.send(cancel_line(request_id))

    def drain(self, budget_s: float = 0.02) -> bool:
        """Take in what the worker has said and call back, for about that long; call it a few times a second.

        Returns:
            Whether a request is open still.
        """
        stop_s = time.monotonic() + budget_s
        self._look()
        while self._lines and time.monotonic() < stop_s:
            self._take(self._lines.popleft())
        if not self._lines:
            self._watch()
            self._send()
        return bool(self._open)

    def restart(self) -> None:
        """Kill the worker; open requests end as cancelled, and the next one starts another."""
        for found in self._open.values():
            found.sent, found.cancelled_s = False, 0.0
        self._drop()

    def close(self) -> None:
        """End the worker, within some seconds in the worst case, and wait for it; nobody is called back any more."""
        self._closed = True
        self._open.clear()
        child = self._child
        if child is not None:
            child.end_input()
            child.wait(_CLOSE_S)
            self._drop()
        for dying in self._dying:
            dying.wait(_KILL_S)
            dying.join()
        self._dying.clear()

    def _forget(self) -> None:
        self._child: Child | None = None
        self._hello: Hello | None = None
        self._program = ""
        self._started_s = 0.0
        self._silent_since_s: float | None = None
        self._lines: deque[bytes] = deque()
        self._partial = {Stream.PROTOCOL: b"", Stream.LOG: b""}

    def _drop(self) -> None:
        """Kill the worker where it still runs and go on as if there were none."""
        if self._child is not None:
            self._child.kill()
            self._dying.append(self._child)
        self._forget()

    def _fail(self, error: MedAISegError) -> None:
        """End what the worker was to do; what one that had said hello was not told yet goes to the next one."""
        ends_all = self._hello is None
        self._drop()
        self.last_failure = error
        for number, found in list(self._open.items()):
            if (found.sent or ends_all) and number in self._open:
                del self._open[number]
                found.on_error(error if found.cancelled_s is None else Cancelled())

    def _look(self) -> None:
        """Count the time, let the threads move bytes, cut those into lines."""
        now_s = time.monotonic()
        self._watched_s += min(now_s - self._looked_s, _LONGEST_STEP_S)
        self._looked_s = now_s
        self._dying = [child for child in self._dying if child.exit_code is None]
        if self._child is None:
            return
        # Threads get to run only while the main thread lets go of the interpreter, which Qt's event loop may never do.
        time.sleep(_YIELD_S)
        for stream, data in self._child.received():
            if stream is Stream.PROTOCOL:
                self._lines.extend(self._cut(stream, data))
            elif stream is Stream.LOG:
                for line in self._cut(stream, data or b"\n"):
                    self._note(line.decode("utf-8", "replace").rstrip().rpartition("\r")[2])

    def _cut(self, stream: Stream, data: bytes) -> list[bytes]:
        *lines, self._partial[stream] = (self._partial[stream] + data).split(b"\n")
        if len(self._partial[stream]) > _LONGEST_LINE_BYTES:
            lines.append(self._partial[stream])
            self._partial[stream] = b""
        return lines

    def _note(self, line: str) -> None:
        if line:
            self.log_lines.append(line)
            self._log(line)

    def _take(self, line: bytes) -> None:
        """Act on one line of the worker."""
        try:
            message = read_worker_line(line)
        except ValueError:
            self._note(_("not understood: {line}").format(line=line[:200].decode("utf-8", "replace")))
            # Before the worker has taken its stdout for itself, a Python's own start files may print.
            if self._hello is not None:
                self._fail(rubbish_error(self._program))
            return
        if isinstance(message, Hello):
            self._greet(message)
        elif message.request_id is None:
            content = message.content
            self._fail(error_of(content) if isinstance(content, ErrorRecord) else rubbish_error(self._program))
        elif message.request_id in self._open:
            self._answer(message.request_id, message.content)

    def _greet(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            self._fail(version_error(hello.protocol))
            return
        self._hello, self.last_failure = hello, None

    def _answer(self, number: int, content: Content) -> None:
        found = self._open[number]
        if isinstance(content, (ProgressEvent, StoreProgress)):
            if found.cancelled_s is None:
                found.on_progress(content)
            return
        del self._open[number]
        if found.cancelled_s is not None:
            found.on_error(Cancelled())
        elif isinstance(content, ErrorRecord):
            for line in content.details.splitlines():
                self._note(line)
            found.on_error(error_of(content))
        else:
            found.on_reply(content)

    def _watch(self) -> None:
        """See whether the worker is gone, silent or deaf, and whether somebody waits in vain for a run to stop."""
        self._end_cancelled()
        child = self._child
        if child is None:
            return
        gone = child.exit_code is not None
        if gone or child.has_ended(Stream.PROTOCOL) or child.has_ended(Stream.INPUT):
            self._silent_since_s = self._watched_s if self._silent_since_s is None else self._silent_since_s
            all_said = gone and child.has_ended(Stream.PROTOCOL) and child.has_ended(Stream.LOG)
            if all_said or self._watched_s - self._silent_since_s > _LAST_WORDS_S:
                self._fail(self._why_gone(child))
        elif self._hello is None and self._watched_s - self._started_s > self._hello_timeout_s:
            self._fail(silent_error(self._program, self._hello_timeout_s, self.log_lines))

    def _why_gone(self, child: Child) -> MedAISegError:
        code = child.exit_code
        if code is None:
            return deaf_error()
        if self._hello is None:
            return not_started_error(code, self._program, self.log_lines)
        return ended_error(code, self.log_lines)

    def _end_cancelled(self) -> None:
        """What was not sent ends at once; a worker that does not stop in time is killed, the others go to the next."""
        overdue = [
            found
            for found in self._open.values()
            if found.sent
            and found.cancelled_s is not None
            and self._watched_s - found.cancelled_s > self._cancel_timeout_s
        ]
        if overdue:
            self._drop()
            for found in self._open.values():
                found.sent = False
        for number, found in list(self._open.items()):
            if found.cancelled_s is not None and not found.sent and number in self._open:
                del self._open[number]
                found.on_error(Cancelled())

    def _send(self) -> None:
        """Send what waits; start a worker for it, once the memory of one that was killed is free."""
        waiting = {number: found for number, found in self._open.items() if not found.sent}
        if not waiting:
            return
        if self._child is None and not self._dying:
            self._start()
        elif self._child is not None and self._hello is not None and self._silent_since_s is None:
            for number, found in waiting.items():
                self._child.send(request_line(number, found.request))
                found.sent = True

    def _start(self) -> None:
        self.log_lines.clear()
        try:
            command = self._command()
            self._program = command.arguments[0]
            self._child = Child(command)
        except MedAISegError as error:
            self._fail(error)
            return
        self._started_s = self._watched_s
