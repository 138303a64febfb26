"""Runs in two processes that have run before, by turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from MedAISegLib.core.records import from_json, to_json

from .agreement import compare_labels
from .measure import CommandFailedError, busy_cpu_s
from .record import Agreement, Baselines, WarmPair, WarmRun
from .references import reference
from .setting import Setting
from .sides import SIDES, Assignment, Ready

_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class WarmMeasurement:
    """All pairs of one case, after a first run of each side that is not counted."""

    pairs: tuple[WarmPair, ...]
    baselines: Baselines
    agreement: Agreement


def measure_warm(setting: Setting, pairs: int, environment: Mapping[str, str]) -> WarmMeasurement:
    """Both processes stay; while one runs the other waits for its turn."""
    folder = setting.folder / "warm"
    folder.mkdir()
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(_worker(_assignment(setting, side, folder), folder, environment)) for side in SIDES
        )
        rate = max(ours.ready.sgemm_flop_per_s, theirs.ready.sgemm_flop_per_s)
        baselines = Baselines(ours.ready.baseline_bytes, theirs.ready.baseline_bytes, rate)
        measured = tuple(WarmPair(ours.run(), theirs.run()) for _ in range(pairs))
    our_labels, their_labels = (np.load(folder / f"{side}.npy", mmap_mode="r") for side in SIDES)
    agreement = compare_labels(our_labels, their_labels, setting.case.model.collapse)
    return WarmMeasurement(measured, baselines, agreement)


class _Worker:
    """A process that runs the case whenever it is told to."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log
        self.ready = from_json(Ready, self._answer())

    def run(self) -> WarmRun:
        before_s = busy_cpu_s()
        stdin = _opened(self._process.stdin)
        stdin.write("run\n")
        stdin.flush()
        run = from_json(WarmRun, self._answer())
        lasted_s = run.read_s + run.whole_s + run.write_s
        return replace(run, others_cores=max(0.0, (busy_cpu_s() - before_s - run.cpu_s) / lasted_s))

    def _answer(self) -> object:
        line = _opened(self._process.stdout).readline()
        if not line:
            last_lines = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise CommandFailedError(f"a warm process ended with {self._process.wait()}:\n{last_lines}")
        return json.loads(line)


@contextmanager
def _worker(assignment: Assignment, folder: Path, environment: Mapping[str, str]) -> Iterator[_Worker]:
    log = folder / f"{assignment.side}.txt"
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(to_json(assignment))]
    with (
        log.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(environment) | variables_of(assignment),
            text=True,
        ) as process,
    ):
        # The process ends when its input does, which leaving the block closes; before it ends it saves its labels.
        yield _Worker(process, log)


def _assignment(setting: Setting, side: str, folder: Path) -> Assignment:
    return Assignment(
        side=side,
        reference=setting.case.model.reference,
        model=setting.model.root,
        options=dict(setting.model.options),
        images=tuple(setting.images),
        labels=folder / f"{side}.npy",
        output=folder / side,
    )


def variables_of(assignment: Assignment) -> dict[str, str]:
    """What the reference's processes need in their environment; ours need nothing."""
    return {} if assignment.side == "ours" else dict(getattr(reference(assignment.reference), "VARIABLES", {}))


def _opened(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("the process was started without pipes")
    return stream
