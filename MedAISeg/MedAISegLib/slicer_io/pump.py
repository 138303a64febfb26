"""Work in small pieces on the main thread, so that the application stays usable meanwhile.

A piece of work is a generator. It yields ``None`` when it could go on at once, and :data:`WAITING` when there is
nothing to do before something arrives from outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, Generic, TypeVar

from ..core.errors import Cancelled, MedAISegError, UsageError
from ..core.language import tr as _
from .event_loop import EventLoop

T = TypeVar("T")


class Waiting(Enum):
    """What a generator yields that has nothing to do in this tick."""

    WAITING = "waiting"


WAITING = Waiting.WAITING

Pieces = Generator[Waiting | None, None, T]

_INTERVAL_BUSY_MS = 5
_INTERVAL_WAITING_MS = 40
_DRAINING_S = 0.008
_WORKING_S = 0.012
_PIECE_OF_WAIT_S = 0.03
_GIVE_WAY_S = 0.002


class Job(Generic[T]):
    """A generator on its way. ``error`` is set once it failed or was cancelled, ``result`` once it is done."""

    def __init__(
        self, pieces: Pieces[T], on_done: Callable[[T], None], on_error: Callable[[MedAISegError], None]
    ) -> None:
        self._pieces = pieces
        self._on_done, self._on_error = on_done, on_error
        self._cancel_wanted = False
        self.is_running = False
        self.is_finished = False
        self.error: MedAISegError | None = None
        self._result: list[T] = []

    @property
    def result(self) -> T:
        """What the generator returned.

        Raises:
            MedAISegError: what it failed with.
            ValueError: if it is not finished.
        """
        if self.error is not None:
            raise self.error
        if not self._result:
            raise ValueError("the job is not finished")
        return self._result[0]

    def cancel(self) -> None:
        """Have :class:`Cancelled` raised in the generator at its next piece; it may still need time to clean up."""
        self._cancel_wanted = True

    def step(self) -> Waiting | None:
        """Run one piece; callbacks are called after the generator has come to its end.

        What is no error of ours is a fault of the program: the job fails, and the fault goes on to whoever drives.
        """
        self.is_running = True
        try:
            if self._cancel_wanted:
                self._cancel_wanted = False
                return self._pieces.throw(Cancelled())
            return next(self._pieces)
        except StopIteration as end:
            self._finish(result=end.value)
        except MedAISegError as error:
            self._finish(error=error)
        except BaseException:
            self._finish(error=_fault())
            raise
        finally:
            self.is_running = False
        return None

    def abandon(self) -> None:
        """Close the generator now and tell nobody; what it holds is given back."""
        self.is_finished, self.error = True, Cancelled()
        self._pieces.close()

    def _finish(self, *, result: Any = None, error: MedAISegError | None = None) -> None:
        self.is_finished, self.error = True, error
        if error is not None:
            self._on_error(error)
            return
        self._result.append(result)
        self._on_done(result)


class Pump:
    """Advances jobs by a timer of the application, some milliseconds at a time, each in the order it was added."""

    def __init__(self, loop: EventLoop, drain: Callable[[float], object] = lambda _seconds: None) -> None:
        """``drain`` takes what has arrived from outside, for at most the given seconds."""
        self._loop = loop
        self._drain = drain
        self._jobs: list[Job[Any]] = []
        self._last: Job[Any] | None = None
        self._timer = loop.timer(self.tick)
        self._interval_ms = 0
        self._is_closed = False

    def add(
        self,
        pieces: Pieces[T],
        *,
        on_done: Callable[[T], None] = lambda _result: None,
        on_error: Callable[[MedAISegError], None] = lambda _error: None,
    ) -> Job[T]:
        """Advance a generator from now on. The callbacks come on the main thread, never before this returns.

        Raises:
            UsageError: if the pump is closed.
        """
        if self._is_closed:
            raise UsageError(_("the session is closed."), remedy=_("Reload the module."))
        job = Job(pieces, on_done, on_error)
        self._jobs.append(job)
        self._set_interval(_INTERVAL_BUSY_MS)
        return job

    def tick(self) -> None:
        """Take what has arrived, then advance the jobs for about 20 ms.

        A tick within a tick, as from a dialog that a job's callback opens, leaves the job that is running alone.
        """
        self._drain(_DRAINING_S)
        busy = self._advance(time.perf_counter() + _WORKING_S)
        if not self._jobs:
            self._set_interval(0)
            return
        self._set_interval(_INTERVAL_BUSY_MS if busy else _INTERVAL_WAITING_MS)
        # Between two ticks Slicer keeps the interpreter lock; this lets the reader threads have it.
        self._loop.sleep(_GIVE_WAY_S)

    def wait(self, job: Job[T]) -> T:
        """Go on until a job is finished, the application's events being processed meanwhile; gives its result.

        Raises:
            MedAISegError: what the job failed with.
            UsageError: if called from within that very job, which could never end.
        """
        while not job.is_finished:
            if job.is_running or self._is_closed:
                raise UsageError(
                    _("a run cannot be waited for from its own callback."), remedy=_("Submit another run instead.")
                )
            self._drain(_DRAINING_S)
            busy = self._advance(time.perf_counter() + _WORKING_S)
            self._loop.process_events()
            if not job.is_finished:
                self._loop.sleep(_GIVE_WAY_S if busy else _PIECE_OF_WAIT_S)
        if not self._jobs:
            self._set_interval(0)
        return job.result

    def close(self) -> None:
        """Stop the timer and close every generator; nobody is told."""
        self._is_closed = True
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            if not job.is_running:
                job.abandon()
        self._timer.close()

    def step(self, job: Job[Any]) -> Waiting | None:
        """Run one piece of a job that is not running, now and out of turn."""
        try:
            return job.step()
        finally:
            if self._is_closed and not job.is_finished:
                # Closed by what this very piece has called, when the generator could not be closed.
                job.abandon()
            if job.is_finished and job in self._jobs:
                self._jobs.remove(job)

    def _advance(self, deadline_s: float) -> bool:
        """Step the jobs in turn until the deadline; False where all of them wait.

        The turn goes on where the last one ended: a job of long pieces does not keep the others from theirs.
        """
        open_jobs = [job for job in self._in_turn() if not job.is_running]
        while open_jobs and not self._is_closed:
            for job in list(open_jobs):
                self._last = job
                if job.is_finished or job.is_running or self.step(job) is WAITING:
                    open_jobs.remove(job)
                if time.perf_counter() >= deadline_s:
                    return bool(open_jobs)
        return False

    def _in_turn(self) -> list[Job[Any]]:
        after = self._jobs.index(self._last) + 1 if self._last in self._jobs else 0
        return self._jobs[after:] + self._jobs[:after]

    def _set_interval(self, interval_ms: int) -> None:
        if interval_ms == self._interval_ms or self._is_closed:
            return
        self._interval_ms = interval_ms
        if interval_ms:
            self._timer.start(interval_ms)
        else:
            self._timer.stop()


def _fault() -> MedAISegError:
    return MedAISegError(
        _("the program made a mistake; nothing was changed."),
        remedy=_("Please report it with what Slicer's Python console shows."),
    )
