"""Stop watches for the stages of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


class ForwardClock:
    """Seconds spent in a network, by its own hooks, so that either side's way of calling it is measured."""

    def __init__(self, network: Any) -> None:
        self._total_s = self._started_s = 0.0
        network.register_forward_pre_hook(self._start)
        network.register_forward_hook(self._stop)

    def take(self) -> float:
        """Seconds since the last ``take``."""
        total_s, self._total_s = self._total_s, 0.0
        return total_s

    def _start(self, *_: Any) -> None:
        self._started_s = time.perf_counter()

    def _stop(self, *_: Any) -> None:
        self._total_s += time.perf_counter() - self._started_s


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the seconds that it took."""
    started_s = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started_s
