"""The worker: reads requests from its stdin until that ends, and answers on its stdout (app.protocol).

The main thread only reads, so that a cancel is always heard. Whatever uses the networks runs on one thread, one after
the other. What is quick runs on another meanwhile, and so does what measures and writes results, and what takes models
in or out.
"""

from __future__ import annotations

import faulthandler
import os
import platform
import sys
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, BinaryIO

from .. import __version__
from ..core.errors import Cancelled, ResourceError
from ..core.progress import CancelToken, Progress
from ..core.unfinished import ending, remove_unfinished
from .messages import WorkerMessage, hello_line, read_client_line, record_of, worker_line
from .protocol import PROTOCOL_VERSION, Hello, Reply, Request
from .sender import Sender, throttled
from .tasks import Lane, Task, carry_out, lane_of
from .warm_models import WarmModels

_PATIENCE_S = 0.5
_NICENESS = 5
_QUIET_S = 5.0
"""Without a request, before spare time begins: results are being shown, measured and written after a run."""

_STEP_S = 0.02


def main() -> None:
    """Serve until stdin ends, then leave at once, whatever is going on."""
    incoming, outgoing = private_pipes()
    be_modest()
    faulthandler.enable()
    # Libraries quote what they warn about, and that may be a patient's name.
    warnings.simplefilter("ignore")
    sender = Sender(outgoing)
    sender.put(hello_line(Hello(os.getpid(), PROTOCOL_VERSION, platform.python_version(), __version__)))
    worker = Worker(sender)
    with incoming, suppress(OSError):
        for line in incoming:
            worker.take(line)
    worker.stop()
    with ending(_PATIENCE_S) as may_end:
        if may_end:
            remove_unfinished()
        sender.flush(_PATIENCE_S)
        sys.stderr.flush()
        os._exit(0)


class Worker:
    """The open requests, and the threads that work on them, one a lane."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._models = WarmModels()
        self._paces: dict[tuple[str, str], float] = {}
        self._lanes = {lane: ThreadPoolExecutor(1, lane.value) for lane in Lane}
        self._open: dict[int, tuple[Task, Future[Reply]]] = {}
        self._spare_time: Future[None] | None = None
        self._ends = False

    def take(self, line: bytes) -> None:
        """Begin a request, or cancel one."""
        try:
            message = read_client_line(line)
        except ValueError as error:
            self._sender.put(worker_line(WorkerMessage(record_of(error))))
            return
        if message.request is None:
            self._cancel(message.request_id)
        else:
            self._begin(message.request_id, message.request)

    def stop(self) -> None:
        """Ask everything to stop, and wait a moment for it."""
        self._ends = True
        for task, future in list(self._open.values()):
            task.progress.cancel.cancel()
            future.cancel()
        waited: list[Future[Any]] = [future for _, future in list(self._open.values())]
        if self._spare_time is not None:
            waited.append(self._spare_time)
        wait(waited, _PATIENCE_S)

    def _begin(self, number: int, request: Request) -> None:
        tell = throttled(self._sender, number)
        task = Task(request, Progress(tell, CancelToken()), tell, self._models, self._paces)
        future = self._lanes[lane_of(request)].submit(carry_out, task)
        self._open[number] = task, future
        future.add_done_callback(lambda done: self._answer(number, done))

    def _cancel(self, number: int) -> None:
        """What has not begun ends here; only one with a folder of the client's is waited for."""
        if number not in self._open:
            return
        task, future = self._open[number]
        task.progress.cancel.cancel()
        if not future.cancel() and not lane_of(task.request).has_folders:
            self._say(number, Cancelled())

    def _answer(self, number: int, done: Future[Reply]) -> None:
        if done.cancelled():
            self._say(number, Cancelled())
            return
        answer = done.exception() or done.result()
        used_networks = number in self._open and lane_of(self._open[number][0].request) is Lane.LONG
        self._say(number, answer)
        if used_networks and not self._ends:
            self._spare_time = self._lanes[Lane.LONG].submit(self._use_spare_time)

    def _use_spare_time(self) -> None:
        """On the thread of the runs, until the next one comes; what was disturbed begins anew once it is quiet."""
        from .idle import use_spare_time
        from .run_requests import PREPARED

        with suppress(Cancelled, ResourceError):
            while True:
                self._wait_for_quiet()
                with suppress(Cancelled):
                    use_spare_time(self._models, PREPARED, self._yield_to_runs, self._yield_to_all)
                    return

    def _wait_for_quiet(self) -> None:
        quiet_since_s = time.monotonic()
        while time.monotonic() - quiet_since_s < _QUIET_S:
            self._yield_to_runs()
            if self._open:
                quiet_since_s = time.monotonic()
            time.sleep(_STEP_S)

    def _yield_to_runs(self) -> None:
        runs = [task for task, _ in list(self._open.values()) if lane_of(task.request) is Lane.LONG]
        if runs or self._ends:
            raise Cancelled

    def _yield_to_all(self) -> None:
        if self._open or self._ends:
            raise Cancelled

    def _say(self, number: int, answer: Reply | BaseException) -> None:
        """The one answer to a request; any further one is dropped."""
        if self._open.pop(number, None) is not None:
            content = record_of(answer) if isinstance(answer, BaseException) else answer
            self._sender.put(worker_line(WorkerMessage(content, number)))


def private_pipes() -> tuple[BinaryIO, int]:
    """The client's pipe to read from, and the file descriptor to write to it, taken away from everybody else.

    From here on what a library prints goes to stderr, and what it reads is empty.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), outgoing


def be_modest() -> None:
    """Leave one core to the application and let it go first (on Windows the client sees to the latter)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores - 1))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"):
        os.environ.setdefault(name, threads)
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(_NICENESS)
