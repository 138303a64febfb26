"""What is measured on a GPU, in which order: what matters most first, since it may be had for an hour only."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from MedAISegLib.core.records import from_json, to_json

from .. import service
from ..cases import BenchmarkCase
from ..growth import SLICES, measure_growth
from ..measure import CommandFailedError
from ..setting import Setting, make_setting
from ..warm import assignment
from .ladder import measure_ladder
from .measure import NO_CUDA, describe_case, measure_commands, measure_precisions
from .record import CPU, GpuRecord, LeftOut, Profile

FIRST = ("spleen-large", "wholebody1.5mm-large", "wholebody3mm-medium", "hippocampus-small")
"""Cases that are measured before all others, of those that were packed."""

_SOURCES = Path(__file__).resolve().parents[2]
_APPLIES = 5


@dataclass(frozen=True)
class Bench:
    """What all steps are given.

    Attributes:
        device: ``cuda``, or ``cpu`` to try the script out.
        data: the package's images and model descriptions.
        quick: once each, and small: whether the script works, not how fast anything is.
    """

    device: str
    data: Path
    memory_bytes: int
    environment: dict[str, str]
    threads: int
    quick: bool

    @property
    def pairs(self) -> int:
        return 1 if self.quick else 3


@dataclass(frozen=True)
class Step:
    """A part of the measurement, and what it makes of the record so far."""

    name: str
    carry_out: Callable[[GpuRecord], GpuRecord]


def steps(cases: Sequence[BenchmarkCase], bench: Bench) -> list[Step]:
    """All that there is to do."""
    ordered = sorted(cases, key=lambda case: FIRST.index(case.name) if case.name in FIRST else len(FIRST))
    first, others = ordered[:2], ordered[2:]
    found = [step for case in first for step in _thoroughly(case, bench)]
    found += [Step("growth", lambda record: _growth(record, bench)), Step("service", lambda r: _service(r, bench))]
    found += [_of_case("warm", case, bench, _warm) for case in others]
    return found + [_of_case("cold", case, bench, _cold) for case in others]


def _thoroughly(case: BenchmarkCase, bench: Bench) -> list[Step]:
    kinds = {"warm": _warm, "profile": _profile, "ladder": _ladder, "cold": _cold}
    return [_of_case(name, case, bench, measure) for name, measure in kinds.items()]


def _of_case(
    name: str, case: BenchmarkCase, bench: Bench, measure: Callable[[GpuRecord, Setting, Bench], GpuRecord]
) -> Step:
    def carry_out(record: GpuRecord) -> GpuRecord:
        with tempfile.TemporaryDirectory(prefix="medaiseg-gpu-") as folder:
            setting = make_setting(case, bench.data, Path(folder))
            if record.case(case.name) is None:
                record = record.with_case(describe_case(setting, bench.device))
            return measure(record, setting, bench)

    return Step(f"{name} {case.name}", carry_out)


def _warm(record: GpuRecord, setting: Setting, bench: Bench) -> GpuRecord:
    case = record.case(setting.case.name) or describe_case(setting, bench.device)
    measured, left_out = measure_precisions(case, setting, bench.pairs, bench.environment, bench.device)
    return record.with_case(measured).leaving_out(left_out)


def _cold(record: GpuRecord, setting: Setting, bench: Bench) -> GpuRecord:
    case = record.case(setting.case.name) or describe_case(setting, bench.device)
    pairs = measure_commands(setting, bench.pairs, bench.environment, bench.device)
    return record.with_case(replace(case, cold=pairs))


def _ladder(record: GpuRecord, setting: Setting, bench: Bench) -> GpuRecord:
    if bench.device == CPU:
        return record.leaving_out([LeftOut(f"memory ladder, {setting.case.name}", NO_CUDA)])
    runs = tuple(measure_ladder(setting, bench.memory_bytes, bench.environment, bench.device))
    kept = tuple(run for run in record.ladder if run.case != setting.case.name)
    return replace(record, ladder=kept + runs)


def _profile(record: GpuRecord, setting: Setting, bench: Bench) -> GpuRecord:
    precision = setting.model.precision_on(bench.device)
    told = json.dumps(to_json(assignment(setting, "ours", setting.folder, bench.device)))
    command = [sys.executable, "-m", "benchmarks.gpu.profile_run", told, precision, setting.case.name]
    done = subprocess.run(command, cwd=_SOURCES, env=bench.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailedError(done.stderr[-2000:])
    found = from_json(Profile, json.loads(done.stdout))
    kept = tuple(profile for profile in record.profiles if profile.case != found.case)
    record = replace(record, profiles=(*kept, found))
    if found.overlap is not None:
        return record
    return record.leaving_out([LeftOut(f"overlap of host and device, {found.case}", NO_CUDA)])


def _growth(record: GpuRecord, bench: Bench) -> GpuRecord:
    largest, repeats = (min(SLICES), 1) if bench.quick else (max(SLICES), bench.pairs)
    return replace(record, growth=measure_growth(largest, repeats, bench.threads, bench.device))


def _service(record: GpuRecord, bench: Bench) -> GpuRecord:
    images = sorted((bench.data / "hippocampus" / "images").glob("*.nii.gz"))[: 2 if bench.quick else _APPLIES]
    with tempfile.TemporaryDirectory(prefix="medaiseg-gpu-") as folder:
        return replace(record, service=service.measure(images, Path(folder), bench.device))


def without_those_done(todo: Sequence[Step], record: GpuRecord) -> Iterator[Step]:
    """A run that was stopped goes on where it was."""
    return (step for step in todo if step.name not in record.done)
