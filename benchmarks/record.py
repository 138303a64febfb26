"""What a benchmark leaves behind, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from MedAISegLib.core.records import from_json, to_json

if TYPE_CHECKING:
    from .clock import Forward


@dataclass(frozen=True)
class Environment:
    """Where and with what was measured.

    Attributes:
        threads: that either side was given.
        revision: of this software, with a mark where files differed from it.
    """

    processor: str
    cores: int
    memory_gb: int
    system: str
    threads: int
    python: str
    versions: dict[str, str]
    revision: str


@dataclass(frozen=True)
class Agreement:
    """How far two label images are the same.

    Attributes:
        foreground_voxels: that at least one of them labels.
        labels: different ones in the reference's image, background not counted.
    """

    differing_voxels: int
    foreground_voxels: int
    labels: int

    @property
    def differing_share(self) -> float:
        """Differing voxels as a share of the foreground."""
        return self.differing_voxels / self.foreground_voxels


@dataclass(frozen=True)
class Cost:
    """A whole command, from its start to its end.

    Attributes:
        cpu_s: over all its threads and processes.
        peak_bytes: resident in all its processes together.
        others_cores: processors that were busy with something else meanwhile, on average.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    others_cores: float


@dataclass(frozen=True)
class ColdPair:
    """Two commands, one after the other."""

    ours: Cost
    reference: Cost
    agreement: Agreement


@dataclass(frozen=True)
class WarmRun:
    """A run in a process that has run before.

    Attributes:
        read_s: file to voxels.
        prepare_s: voxels to the network's input.
        forward_s: in the network.
        windows_s: cutting windows and adding up scores; with us also the way back to the source grid.
        finish_s: what then follows up to the labels; with the reference the way back to the source grid.
        write_s: labels to file.
        peak_bytes: resident at most during the run.
        cpu_s: of the process from its reading to its writing.
        others_cores: as in :class:`Cost`.
        flop: what the network computed, 0 where that was not counted.
        device_peak_bytes: that tensors held at most on a GPU; 0 without one.
        notices: codes of what the run had to say, of ours.
        backend: the ways in which our network was run.
        sgemm_flop_per_s: as in :class:`Baselines`, after the run.
    """

    read_s: float
    prepare_s: float
    forward_s: float
    windows_s: float
    finish_s: float
    write_s: float
    peak_bytes: int
    cpu_s: float
    others_cores: float = 0.0
    flop: float = 0.0
    device_peak_bytes: int = 0
    notices: tuple[str, ...] = ()
    backend: str = ""
    sgemm_flop_per_s: float = 0.0

    @classmethod
    def of(
        cls, read_s: float, prepare_s: float, infer_s: float, finish_s: float, write_s: float, forward: Forward
    ) -> WarmRun:
        """A run whose memory and processor time are filled in later."""
        windows_s = infer_s - forward.seconds
        return cls(
            read_s, prepare_s, forward.seconds, windows_s, finish_s, write_s, peak_bytes=0, cpu_s=0.0, flop=forward.flop
        )

    @property
    def whole_s(self) -> float:
        """From voxels in memory to the label array; files are reported beside it."""
        return self.prepare_s + self.forward_s + self.windows_s + self.finish_s


@dataclass(frozen=True)
class WarmPair:
    """Two runs, one after the other."""

    ours: WarmRun
    reference: WarmRun


@dataclass(frozen=True)
class Baselines:
    """Peak bytes of processes that have imported their libraries, loaded the model and run one window.

    Attributes:
        sgemm_flop_per_s: what the machine gave at best to the product of two large matrices, before and after the runs;
            0 where that was not measured.
        window_in: the way of our window, which is that of the runs; empty where it was the plain network's whatever the
            runs took, so that nothing can be said of what lies above it.
    """

    ours: int
    reference: int
    sgemm_flop_per_s: float = 0.0
    window_in: str = ""


@dataclass(frozen=True)
class Occasion:
    """When and where something was measured."""

    date_utc: str
    environment: Environment


@dataclass(frozen=True)
class CaseRecord:
    """One case; its whole commands and its warm runs may have been measured on two occasions.

    Attributes:
        model: what it is, for a reader.
        reference: the implementation that it is compared with.
        changed: what the model has for both sides that the published one has not.
        commands: of ours and of the reference, with folders named by capital letters.
        cold_on, warm_on: the occasions; None where nothing was measured.
        predicted_bytes: what the program says beforehand that a run will hold; None in records older than that.
    """

    case: str
    model: str
    reference: str
    image: str
    changed: tuple[str, ...]
    commands: tuple[str, str]
    cold: tuple[ColdPair, ...] = ()
    cold_on: Occasion | None = None
    warm: tuple[WarmPair, ...] = ()
    warm_on: Occasion | None = None
    warm_baselines: Baselines | None = None
    warm_agreement: Agreement | None = None
    predicted_bytes: int | None = None


@dataclass(frozen=True)
class Record:
    """The newest measurement of each case."""

    cases: tuple[CaseRecord, ...] = ()

    def case(self, name: str) -> CaseRecord | None:
        """What is known of a case."""
        return next((case for case in self.cases if case.case == name), None)

    def with_case(self, new: CaseRecord) -> Record:
        """With one case measured anew, in its old place."""
        by_name = {case.case: case for case in self.cases} | {new.case: new}
        return Record(tuple(by_name.values()))


def read_record(path: Path) -> Record:
    """The record in the file, an empty one where there is no file."""
    return from_json(Record, json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Record()


def write_record(record: Record, path: Path) -> None:
    path.write_text(json.dumps(to_json(record), indent=1) + "\n", encoding="utf-8")
