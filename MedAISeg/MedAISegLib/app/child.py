"""The worker's process as its parent sees it: pipes that never block, and an end that takes all its children along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from io import RawIOBase
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import cast

from ..core.errors import ResourceError
from ..core.language import tr as _
from .interpreter import PYTHON_VARIABLE, WorkerCommand

if sys.platform == "win32":
    from .windows_job import Job

_CHUNK_BYTES = 1 << 16
_JOIN_S = 0.5


class Stream(Enum):
    """Where bytes came from; of INPUT only the end is told, when the process no longer reads it."""

    INPUT = "stdin"
    PROTOCOL = "stdout"
    LOG = "stderr"


class Child:
    """A process in a session (on Windows: a job) of its own.

    Threads only move bytes between pipes and queues; nothing relies on when the interpreter lets them run.
    """

    def __init__(self, command: WorkerCommand) -> None:
        """Start it.

        Raises:
            ResourceError: if the program cannot be started.
        """
        self._process = _started(command)
        self.pid = self._process.pid
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._incoming: SimpleQueue[tuple[Stream, bytes]] = SimpleQueue()
        self._ended: set[Stream] = set()
        self._swept = False
        process = self._process
        pipes = [cast("RawIOBase", pipe) for pipe in (process.stdin, process.stdout, process.stderr)]
        self._threads = [
            threading.Thread(target=_write, args=(pipes[0], self._outgoing, self._incoming), daemon=True),
            threading.Thread(target=_read, args=(pipes[1], Stream.PROTOCOL, self._incoming), daemon=True),
            threading.Thread(target=_read, args=(pipes[2], Stream.LOG, self._incoming), daemon=True),
        ]
        if sys.platform == "win32":
            self._job = _joined_job(process, self._incoming)
        for thread in self._threads:
            thread.start()

    def send(self, line: bytes) -> None:
        """Hand over what the process shall read; returns at once, however full the pipe is."""
        self._outgoing.put(line)

    def end_input(self) -> None:
        """Close its stdin once all that was sent is written."""
        self._outgoing.put(None)

    def received(self) -> Iterator[tuple[Stream, bytes]]:
        """What has come since, without waiting; empty bytes are the end of a stream."""
        while True:
            try:
                stream, data = self._incoming.get_nowait()
            except Empty:
                return
            if not data:
                self._ended.add(stream)
            yield stream, data

    def has_ended(self, stream: Stream) -> bool:
        """Whether the end of a stream has been received."""
        return stream in self._ended

    @property
    def exit_code(self) -> int | None:
        """None while it runs; below zero the signal that ended it. What it has started is ended with it."""
        code = self._process.poll()
        if code is not None and not self._swept:
            self._swept = True
            self._kill_session()
        return code

    def kill(self) -> None:
        """End it and all that it has started, now; ``exit_code`` tells when it is gone."""
        if self.exit_code is None:
            self._kill_session()
            with suppress(OSError):
                self._process.kill()
        self.end_input()

    def wait(self, timeout_s: float) -> bool:
        """Block until it is gone, at most so long; whether it is."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code is not None

    def join(self) -> None:
        """Wait a moment for the threads of a process that is gone."""
        self.end_input()
        stop_s = time.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(max(0.0, stop_s - time.monotonic()))

    def _kill_session(self) -> None:
        if sys.platform == "win32":
            if self._job is not None:
                self._job.terminate()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in _session_members(self.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _started(command: WorkerCommand) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
    else:
        flags = 0
    try:
        return subprocess.Popen(  # noqa: S603
            command.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(command.environment),
            start_new_session=True,
            creationflags=flags,
        )
    except OSError as error:
        what = _("the worker's Python cannot be started: {reason}.").format(reason=error.strerror or error)
        remedy = _("Name another Python in Advanced, or in the environment variable {variable}.")
        raise ResourceError(what, where=command.arguments[0], remedy=remedy.format(variable=PYTHON_VARIABLE)) from error


if sys.platform == "win32":

    def _joined_job(process: subprocess.Popen[bytes], incoming: SimpleQueue[tuple[Stream, bytes]]) -> Job | None:
        """None, and a line in the log, where the system does not let the process into a job.

        It works without one all the same: it ends by itself when its input does, but what it has started may stay.
        """
        try:
            return Job(int(process._handle))  # type: ignore[attr-defined]
        except OSError as error:
            line = _("The worker runs outside a job of Windows: {reason}.").format(reason=error.strerror or error)
            incoming.put((Stream.LOG, f"{line}\n".encode()))
            return None


def _session_members(session: int) -> list[int]:
    """Processes of a session that have left its process group; known on Linux only."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(entry.name)) == session:
                members.append(int(entry.name))
    return members


def _read(pipe: RawIOBase, stream: Stream, incoming: SimpleQueue[tuple[Stream, bytes]]) -> None:
    with suppress(OSError), pipe:
        while data := pipe.read(_CHUNK_BYTES):
            incoming.put((stream, data))
    incoming.put((stream, b""))


def _write(pipe: RawIOBase, outgoing: SimpleQueue[bytes | None], incoming: SimpleQueue[tuple[Stream, bytes]]) -> None:
    if hasattr(signal, "pthread_sigmask"):
        # An application that embeds Python may leave SIGPIPE deadly.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
    with suppress(OSError), pipe:
        while (line := outgoing.get()) is not None:
            rest = memoryview(line)
            while rest:
                rest = rest[pipe.write(rest) or 0 :]
    incoming.put((Stream.INPUT, b""))
