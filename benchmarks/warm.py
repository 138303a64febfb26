"""Runs in two processes that have run before, by turns."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
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
from .sides import SIDES, Assignment, Ready, Turn

_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class WarmMeasurement:
    """All pairs of one case, after a first run of each side that is not counted."""

    pairs: tuple[WarmPair, ...]
    baselines: Baselines
    agreement: Agreement


def measure_warm(setting: Setting, pairs: int, environment: Mapping[str, str]) -> WarmMeasurement:
    """On the CPU; both processes have then run once."""
    with both_sides(setting, environment) as sides:
        measured = sides.measure(pairs)
    # The last one's: the plain network may have begun before that was chosen.
    way = measured.pairs[-1].ours.backend.rpartition(", ")[2]
    window_bytes = _bytes_of_window(setting, way, environment)
    return replace(measured, baselines=replace(measured.baselines, ours=window_bytes, window_in=way))


def _bytes_of_window(setting: Setting, way: str, environment: Mapping[str, str]) -> int:
    """The peak of a process of ours that runs a single window in a way, and nothing before it."""
    folder = setting.folder / "window"
    folder.mkdir()
    with worker(replace(assignment(setting, "ours", folder), window_in=way), folder, environment) as one:
        return one.ready.baseline_bytes


class Sides:
    """Two processes that stay; while one runs the other waits for its turn."""

    def __init__(self, setting: Setting, folder: Path, ours: Worker, reference: Worker) -> None:
        self._collapse, self._folder = setting.case.model.collapse, folder
        self._workers = dict(zip(SIDES, (ours, reference), strict=True))
        rates = (ours.ready.sgemm_flop_per_s, reference.ready.sgemm_flop_per_s)
        self.baselines = Baselines(ours.ready.baseline_bytes, reference.ready.baseline_bytes, max(rates))

    def measure(self, pairs: int, precision: str = "auto") -> WarmMeasurement:
        """So many turns of each, and the labels of the last ones compared."""
        files = {side: self.labels_file(side, precision) for side in SIDES}
        turns = [*([False] * (pairs - 1)), True]
        measured = tuple(
            WarmPair(*(self._workers[side].run(Turn(precision, files[side] if last else None)) for side in SIDES))
            for last in turns
        )
        ours, reference = (np.load(file, mmap_mode="r") for file in files.values())
        rates = [run.sgemm_flop_per_s for pair in measured for run in (pair.ours, pair.reference)]
        rate = max(self.baselines.sgemm_flop_per_s, *rates)
        baselines = replace(self.baselines, sgemm_flop_per_s=rate)
        return WarmMeasurement(measured, baselines, compare_labels(ours, reference, self._collapse))

    def run_uncounted(self, precision: str) -> None:
        """A turn of each whose figures nobody wants."""
        for one in self._workers.values():
            one.run(Turn(precision))

    def labels_file(self, side: str, precision: str) -> Path:
        """Where a measurement leaves a side's labels."""
        return self._folder / f"{side}-{precision}.npy"


@contextmanager
def both_sides(setting: Setting, environment: Mapping[str, str], device: str = "cpu") -> Iterator[Sides]:
    """Processes of both sides, started one after the other."""
    folder = setting.folder / "warm"
    folder.mkdir()
    with ExitStack() as stack:
        told = [assignment(setting, side, folder, device) for side in SIDES]
        yield Sides(setting, folder, *(stack.enter_context(worker(one, folder, environment)) for one in told))


class Worker:
    """A process that runs the case whenever it is told to."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log
        self.ready = from_json(Ready, self._answer())

    def run(self, turn: Turn) -> WarmRun:
        """Raises CommandFailedError if the process ends over it."""
        before_s = busy_cpu_s()
        stdin = _opened(self._process.stdin)
        stdin.write(json.dumps(to_json(turn)) + "\n")
        stdin.flush()
        run = from_json(WarmRun, self._answer())
        lasted_s = run.read_s + run.whole_s + run.write_s
        others_cores = max(0.0, (busy_cpu_s() - before_s - run.cpu_s) / lasted_s)
        return replace(run, others_cores=others_cores, sgemm_flop_per_s=float(str(self._answer())))

    def _answer(self) -> object:
        line = _opened(self._process.stdout).readline()
        if not line:
            last_lines = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise CommandFailedError(f"a warm process ended with {self._process.wait()}:\n{last_lines}")
        return json.loads(line)


@contextmanager
def worker(
    assigned: Assignment, folder: Path, environment: Mapping[str, str], limit_s: float | None = None
) -> Iterator[Worker]:
    """A process of one side that has run once; it is ended where it lives longer than the limit.

    Raises:
        CommandFailedError: if it ends over that.
    """
    log = folder / f"{assigned.side}.txt"
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(to_json(assigned))]
    with (
        log.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            command,
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=dict(environment) | variables_of(assigned),
            text=True,
        ) as process,
    ):
        # The process ends when its input does, which leaving the block closes.
        watch = threading.Timer(limit_s or 0.0, process.kill)
        if limit_s is not None:
            watch.start()
        try:
            yield Worker(process, log)
        except CommandFailedError:
            if limit_s is not None and watch.finished.is_set():
                raise CommandFailedError(f"it took longer than {limit_s:.0f} s") from None
            raise
        finally:
            watch.cancel()


def assignment(setting: Setting, side: str, folder: Path, device: str = "cpu") -> Assignment:
    """What a process of one side is told; it works in the folder."""
    return Assignment(
        side=side,
        reference=setting.case.model.reference,
        model=setting.model.root,
        options=dict(setting.model.options),
        images=tuple(setting.images),
        output=folder / side,
        device=device,
        own_precision=setting.model.precision_on(device),
    )


def variables_of(assigned: Assignment) -> dict[str, str]:
    """What the reference's processes need in their environment; ours need nothing."""
    return {} if assigned.side == "ours" else dict(getattr(reference(assigned.reference), "VARIABLES", {}))


def _opened(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("the process was started without pipes")
    return stream
