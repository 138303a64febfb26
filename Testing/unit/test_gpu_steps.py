"""What only a GPU would run, with stand-ins for the processes and the profiler."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")

from torch.autograd import DeviceType

from benchmarks.cases import CASES
from benchmarks.gpu import ladder
from benchmarks.gpu.ladder import CAPS_GB, GB, measure_ladder
from benchmarks.gpu.profile_run import _overlap
from benchmarks.measure import CommandFailedError
from benchmarks.record import WarmRun
from benchmarks.setting import Made, Setting
from benchmarks.sides import Assignment, Turn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark measures on Linux")


class Process:
    """Ours comes through with rungs; the reference needs 10 GB. Ours finds one voxel less below 4 GB."""

    def __init__(self, told: Assignment) -> None:
        self.told = told

    def run(self, turn: Turn) -> WarmRun:
        capped, is_ours = self.told.memory_cap_bytes, self.told.side == "ours"
        if not is_ours and capped < 10 * GB:
            raise CommandFailedError("a warm process ended with 1:\nTraceback\nCUDA out of memory. Tried to allocate")
        labels = np.array([[[0, 1, 1, 2]]])
        labels[0, 0, 1] = 1 if capped >= 4 * GB else 0
        assert turn.labels is not None
        np.save(turn.labels, labels)
        notices = ("memory-ladder",) if capped < 6 * GB else ()
        return WarmRun(0, 0, 1.0, 0, 0, 0, 0, 0, device_peak_bytes=capped // 2, notices=notices)


def test_a_ladder_goes_down_to_two_gigabytes_and_asks_nobody_twice_who_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    @contextmanager
    def process(told: Assignment, *_: Any, **__: Any) -> Iterator[Process]:
        yield Process(told)

    monkeypatch.setattr(ladder, "worker", process)
    setting = Setting(CASES[0], tmp_path, Made(tmp_path), {})
    runs = list(measure_ladder(setting, 140 * GB, {}, "cuda"))
    ours = {run.cap_bytes // GB: run for run in runs if run.side == "ours"}
    theirs = {run.cap_bytes // GB: run for run in runs if run.side == "reference"}
    assert list(ours) == [140, *CAPS_GB]
    assert min(ours) == 2
    assert list(theirs) == [140, 24, 16, 12, 8]
    assert theirs[8].failure == "CUDA out of memory. Tried to allocate"
    assert ours[6].notices == ()
    assert ours[4].notices == ("memory-ladder",)
    assert ours[4].differing_share == 0.0
    assert ours[3].differing_share == pytest.approx(1 / 3)


def event(name: str, start_us: float, end_us: float, *, on_gpu: bool = True, annotation: bool = False) -> Any:
    span = SimpleNamespace(start=start_us, end=end_us)
    kind = DeviceType.CUDA if on_gpu else DeviceType.CPU
    return SimpleNamespace(name=name, device_type=kind, time_range=span, is_user_annotation=annotation)


def test_of_a_profile_what_ran_on_the_device_counts() -> None:
    events = [
        event("aten::conv3d", 0, 9e6, on_gpu=False),
        event("infer", 0, 8e6, annotation=True),
        event("implicit_convolve_sgemm", 1e6, 3e6),
        event("Memcpy HtoD (Pinned -> Device)", 2e6, 4e6),
        event("Memset (Device)", 5e6, 6e6),
    ]
    found = _overlap(SimpleNamespace(events=lambda: events))
    assert found.busy_s == pytest.approx(4.0)
    assert found.copies_s == pytest.approx(2.0)
    assert found.hidden_copies_s == pytest.approx(1.0)
