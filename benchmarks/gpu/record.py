"""What a run on a GPU leaves behind, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from MedAISegLib.core.records import from_json, to_json

from ..growth import Growth
from ..record import Agreement, Baselines, ColdPair, Environment, WarmPair
from ..service import Service

CPU = "cpu"

GPU_RESULTS_JSON = Path(__file__).resolve().parents[1] / "results-gpu.json"


@dataclass(frozen=True)
class Device:
    """What was computed on.

    Attributes:
        kind: ``cuda``, or ``cpu`` where the script itself was tried out.
        name: as its driver calls it.
        cuda: version that torch was built for, empty without.
    """

    kind: str
    name: str
    memory_bytes: int
    cuda: str = ""


@dataclass(frozen=True)
class PrecisionRow:
    """Warm runs in one precision.

    Attributes:
        precision: that both sides were asked for; ``auto`` leaves it to either.
        agreement: of our labels with the reference's.
        to_fp32: of our labels with ours in 32 bits; None where those were not found first.
    """

    precision: str
    pairs: tuple[WarmPair, ...]
    agreement: Agreement
    to_fp32: Agreement | None = None


@dataclass(frozen=True)
class GpuCase:
    """One case.

    Attributes:
        model, reference, image, changed: as in :class:`benchmarks.record.CaseRecord`.
        own_precision: what the reference takes where nobody asks, and both commands were run in.
        predicted_host_bytes, predicted_device_bytes: what the program says before the run.
    """

    case: str
    model: str
    reference: str
    image: str
    changed: tuple[str, ...]
    own_precision: str
    predicted_host_bytes: int
    predicted_device_bytes: int
    rows: tuple[PrecisionRow, ...] = ()
    baselines: Baselines | None = None
    cold: tuple[ColdPair, ...] = ()


@dataclass(frozen=True)
class CappedRun:
    """A run in a process that may take only so much of the GPU's memory.

    Attributes:
        side: one of ``benchmarks.sides.SIDES``.
        failure: the last words of a process that ended; empty where it came through.
        notices: codes of what the run had to say: which rungs it took.
        differing_share: of its labels from those without a cap; None where there are none to compare.
    """

    case: str
    side: str
    cap_bytes: int
    failure: str = ""
    whole_s: float = 0.0
    device_peak_bytes: int = 0
    notices: tuple[str, ...] = ()
    differing_share: float | None = None


@dataclass(frozen=True)
class Operator:
    """One line of a profile; seconds are its own, without those of what it calls."""

    name: str
    calls: int
    device_s: float
    host_s: float


@dataclass(frozen=True)
class Overlap:
    """How device and host worked beside one another in a run.

    Attributes:
        busy_s: the device computed or copied.
        copies_s: of it, copied between host and device.
        hidden_copies_s: of those, while it computed as well.
    """

    busy_s: float
    copies_s: float
    hidden_copies_s: float


@dataclass(frozen=True)
class Profile:
    """One run of ours under torch's profiler, which makes it somewhat slower; ``overlap`` is None without CUDA."""

    case: str
    precision: str
    whole_s: float
    operators: tuple[Operator, ...]
    overlap: Overlap | None


@dataclass(frozen=True)
class LeftOut:
    """A step that gave nothing."""

    step: str
    reason: str


@dataclass(frozen=True)
class GpuRecord:
    """All that was measured on one machine."""

    device: Device
    environment: Environment
    date_utc: str
    cases: tuple[GpuCase, ...] = ()
    ladder: tuple[CappedRun, ...] = ()
    profiles: tuple[Profile, ...] = ()
    growth: Growth | None = None
    service: Service | None = None
    done: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    def case(self, name: str) -> GpuCase | None:
        """What is known of a case."""
        return next((case for case in self.cases if case.case == name), None)

    def leaving_out(self, more: Iterable[LeftOut]) -> GpuRecord:
        """With further steps that gave nothing; of a step the newest reason stays."""
        known = {left.step: left for left in (*self.left_out, *more)}
        return replace(self, left_out=tuple(known.values()))

    def with_case(self, new: GpuCase) -> GpuRecord:
        """With one case measured anew, in its old place."""
        by_name = {case.case: case for case in self.cases} | {new.case: new}
        return replace(self, cases=tuple(by_name.values()))


def read_gpu_record(path: Path) -> GpuRecord | None:
    """The record in the file, None where there is no file."""
    return from_json(GpuRecord, json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def write_gpu_record(record: GpuRecord, path: Path) -> None:
    """In one go: a run that is stopped leaves the steps before it."""
    written = path.with_suffix(".new")
    written.write_text(json.dumps(to_json(record), indent=1) + "\n", encoding="utf-8")
    written.replace(path)
