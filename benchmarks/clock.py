"""Stop watches for the stages of a run, and the count of what a network computes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.flop_counter import FlopCounterMode

_SGEMM_SIZE = 2048
_SGEMM_TURNS = 10
"""Of which the best counts: what others do on the machine lasts longer than one."""


@dataclass(frozen=True)
class Forward:
    """What the networks of a run have done.

    Attributes:
        flop: floating-point operations, a multiplication with its addition counted as two.
    """

    seconds: float
    flop: float


class ForwardClock:
    """Time and work of the networks of a process: of each call of a module that no other module makes.

    So it does not matter in what a side wraps its network, nor how it is run in there. Only what is handed to the clock
    counts: outside the network's stage, too, libraries call modules, to resample say. On a GPU the time is what its own
    events say, so that nothing has to wait for the clock.
    """

    def __init__(self) -> None:
        self._seconds = self._started_s = 0.0
        self._events: list[torch.cuda.Event] = []
        self._depth = self._voxels = 0
        self._on_gpu = self._counts = False
        self._flop_per_voxel = 0.0
        register_module_forward_pre_hook(self._start)
        register_module_forward_hook(self._stop, always_call=True)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Learn from the windows that are run in the block how much work a voxel is."""
        self.take()
        with FlopCounterMode(display=False) as counter, self._running():
            yield
        self._flop_per_voxel = counter.get_total_flops() / max(1, self._voxels)
        self.take()

    def timed(self, work: Callable[[], Any]) -> tuple[Any, float]:
        """As :func:`timed`, of a stage whose modules are networks."""
        with self._running():
            return timed(work)

    @contextmanager
    def _running(self) -> Iterator[None]:
        self._counts = True
        try:
            yield
        finally:
            self._counts = False

    def take(self) -> Forward:
        """What has been done since the last ``take``."""
        if self._events:
            torch.cuda.synchronize()
            begun, ended = self._events[::2], self._events[1::2]
            self._seconds += sum(a.elapsed_time(b) for a, b in zip(begun, ended, strict=True)) / 1e3
        done = Forward(self._seconds, self._voxels * self._flop_per_voxel)
        self._seconds, self._voxels, self._events = 0.0, 0, []
        return done

    def _start(self, _: Any, given: tuple[torch.Tensor, ...]) -> None:
        self._depth += 1
        if self._depth == 1 and self._counts:
            self._voxels += given[0].numel() // given[0].shape[1]
            self._on_gpu = given[0].is_cuda
            self._mark()
            self._started_s = time.perf_counter()

    def _stop(self, *_: Any) -> None:
        self._depth -= 1
        if self._depth == 0 and self._counts:
            self._mark()
            if not self._on_gpu:
                self._seconds += time.perf_counter() - self._started_s

    def _mark(self) -> None:
        if self._on_gpu:
            self._events.append(torch.cuda.Event(enable_timing=True))
            self._events[-1].record()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the seconds that it took, a GPU's share included."""
    started_s = time.perf_counter()
    result = work()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return result, time.perf_counter() - started_s


def sgemm_flop_per_s(device: str = "cpu") -> float:
    """What this process reaches in the product of two large matrices of 32 bits: the floor under every convolution."""
    a = torch.ones(_SGEMM_SIZE, _SGEMM_SIZE, device=device)
    best_s = min(timed(lambda: a @ a)[1] for _ in range(_SGEMM_TURNS))
    return 2 * _SGEMM_SIZE**3 / best_s
