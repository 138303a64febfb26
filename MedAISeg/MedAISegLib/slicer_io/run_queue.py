"""The runs of a session, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import MedAISegError, UsageError
from ..core.language import tr as _
from ..core.notice import Notice
from .listeners import Listeners
from .pump import WAITING, Job, Pieces, Pump
from .run_life import Means, live
from .runs import Listener, Run, RunRequest
from .snapshot import SegmentationWatch

_FINISHED_KEPT = 5
"""Each keeps the labelmaps that it replaced, for the way back."""


class RunQueue:
    """Queues runs and drives them by the pump."""

    def __init__(self, pump: Pump, means: Means) -> None:
        self._pump = pump
        self._means = means
        self._jobs: dict[Run, Job[None]] = {}
        self._listeners: Listeners[Run] = Listeners()

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(self._jobs)

    def submit(self, request: RunRequest, nodes: Mapping[str, Any], output: Any) -> Run:
        """Queue a run of these volume nodes, and into this segmentation node (None for a new one)."""
        watch = None if output is None else SegmentationWatch(output)
        run = Run(request)

        def finish(error: MedAISegError | None) -> None:
            if watch is not None:
                self._means.watches.remove(watch)
            run.finish(error)

        job = self._pump.add(self._in_turn(run, nodes, watch), on_done=finish, on_error=finish)
        if watch is not None:
            self._means.watches.append(watch)
        run.on_cancel = job.cancel
        run.add_listener(self._listeners.tell)
        self._forget_finished(_FINISHED_KEPT)
        self._jobs[run] = job
        self._listeners.tell(run)
        return run

    def wait(self, run: Run) -> None:
        """Go on until a run is finished.

        Raises:
            MedAISegError: what it failed with.
            UsageError: if a run is waited for from a run's callback, which could never end.
        """
        if run in self._jobs and not run.is_finished:
            if any(job.is_running for job in self._jobs.values()):
                raise UsageError(
                    _("a run cannot be waited for from a run's callback."), remedy=_("Submit another run instead.")
                )
            self._pump.wait(self._jobs[run])
        if run.error is not None:
            raise run.error

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        return self._listeners.add(listener)

    def leave_scene(self, notice: Notice) -> None:
        """Forget what is finished, and cancel the rest, each giving up what it has in the scene before this returns."""
        self._forget_finished(0)
        for run, job in reversed(list(self._jobs.items())):
            run.cancel(notice)
            if not (job.is_running or job.is_finished):
                self._pump.step(job)

    def _in_turn(self, run: Run, nodes: Mapping[str, Any], watch: SegmentationWatch | None) -> Pieces[None]:
        while self._is_before(run):
            yield WAITING
        yield from live(run, nodes, watch, self._means)

    def _is_before(self, run: Run) -> bool:
        """Whether an older run is not finished."""
        older = self.runs[: self.runs.index(run)]
        return any(not other.is_finished for other in older)

    def _forget_finished(self, kept: int) -> None:
        """All but the last ones."""
        finished = [run for run in self._jobs if run.is_finished]
        for run in finished[: max(len(finished) - kept, 0)]:
            del self._jobs[run]
