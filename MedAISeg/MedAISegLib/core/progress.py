"""Progress of a run and the request to stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from .errors import Cancelled


class RunStage(Enum):
    """The stages of a run, in the order in which a user sees them."""

    READ = "read"
    LOAD_MODEL = "load model"
    PREPARE = "prepare"
    INFER = "infer"
    POSTPROCESS = "post-process"
    WRITE = "write"


@dataclass(frozen=True)
class ProgressEvent:
    """How far a run has come.

    Attributes:
        stage: what is being done.
        fraction: of the whole run, 0 to 1, never falling.
        remaining_s: an estimate in seconds, None while there is too little to go by.
    """

    stage: RunStage
    fraction: float
    remaining_s: float | None


ProgressCallback = Callable[[ProgressEvent], None]

Poll = Callable[[], None]
"""Called by long work after each piece, at least a few times a second; may raise Cancelled."""


def never() -> None:
    """The poll of work that nobody stops."""


_EXPECTED_SHARE: Mapping[RunStage, float] = {
    RunStage.READ: 0.04,
    RunStage.LOAD_MODEL: 0.04,
    RunStage.PREPARE: 0.06,
    RunStage.INFER: 0.76,
    RunStage.POSTPROCESS: 0.02,
    RunStage.WRITE: 0.08,
}


class CancelToken:
    """A request to stop, safe to set from another thread and polled by the run."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the run to stop at its next poll."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raises:
        Cancelled: if the user asked the run to stop.
        """
        if self._event.is_set():
            raise Cancelled


class Progress:
    """Collects stage fractions of one run into events, keeps stage timings, polls for cancellation."""

    def __init__(self, callback: ProgressCallback | None = None, cancel: CancelToken | None = None) -> None:
        self.cancel = cancel or CancelToken()
        self._callback = callback
        self._timings_s: dict[RunStage, float] = {}
        self._fraction = 0.0
        self._infer_started_s: float | None = None
        self._part = (0.0, 1.0)

    @property
    def timings_s(self) -> Mapping[RunStage, float]:
        """Seconds spent in each finished stage."""
        return dict(self._timings_s)

    @contextmanager
    def stage(self, stage: RunStage) -> Iterator[None]:
        """Time a stage and report its beginning and end."""
        started_s = time.perf_counter()
        self.report(stage, 0.0)
        yield
        elapsed_s = time.perf_counter() - started_s
        self._timings_s[stage] = self._timings_s.get(stage, 0.0) + elapsed_s
        self.report(stage, 1.0)

    @contextmanager
    def part(self, number: int, count: int) -> Iterator[None]:
        """Of a run that goes through its stages ``count`` times: what is reported within is of round ``number``."""
        outer = self._part
        begin, share = outer
        self._part = (begin + share * number / count, share / count)
        yield
        self._part = outer

    def report(self, stage: RunStage, fraction: float) -> None:
        """Report how much of a stage is done.

        Raises:
            Cancelled: if the user asked the run to stop.
        """
        self.cancel.raise_if_cancelled()
        fraction = min(max(fraction, 0.0), 1.0)
        begin, share = self._part
        overall = _share_before(stage) + _EXPECTED_SHARE[stage] * fraction
        # What is gone through several times is one stretch of the run, in which each round has its part.
        start, end = _share_before(RunStage.PREPARE), _share_before(RunStage.WRITE)
        if share < 1.0:
            overall = start + (end - start) * begin + share * (overall - start)
        self._fraction = max(self._fraction, min(1.0, overall))
        if self._callback is not None:
            remaining_s = self._remaining_s(stage, begin + share * fraction)
            self._callback(ProgressEvent(stage, self._fraction, remaining_s))

    def _remaining_s(self, stage: RunStage, fraction: float) -> float | None:
        if stage is not RunStage.INFER:
            return None
        now_s = time.perf_counter()
        if self._infer_started_s is None or fraction <= 0.0:
            self._infer_started_s = now_s
            return None
        return (now_s - self._infer_started_s) * (1.0 - fraction) / fraction


def _share_before(stage: RunStage) -> float:
    return sum(share for other, share in _EXPECTED_SHARE.items() if _position(other) < _position(stage))


def _position(stage: RunStage) -> int:
    return list(RunStage).index(stage)
