"""What the two sides of a warm measurement have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from .record import WarmRun

if TYPE_CHECKING:
    from .clock import ForwardClock

SIDES = ("ours", "reference")


@dataclass(frozen=True)
class Assignment:
    """What a process is to run.

    Attributes:
        side: one of ``SIDES``.
        reference: name of the reference that the case is compared with.
        options: what that reference keeps of the model.
        output: folder for what a run writes.
        device: ``cpu`` or ``cuda``.
        own_precision: of the reference's network where a turn leaves it open.
        memory_cap_bytes: of the GPU's memory that the process may take; 0 for all of it.
        window_in: a way to run our network; the process then runs one window in it and nothing else.
    """

    side: str
    reference: str
    model: Path
    options: Mapping[str, str]
    images: tuple[Path, ...]
    output: Path
    device: str = "cpu"
    own_precision: str = "fp32"
    memory_cap_bytes: int = 0
    window_in: str = ""


@dataclass(frozen=True)
class Turn:
    """One run of a process that stays.

    Attributes:
        precision: of the network, as a job names it; ``auto`` leaves it to either side.
        labels: file for what was found; None where nobody will ask.
    """

    precision: str = "auto"
    labels: Path | None = None


@dataclass(frozen=True)
class Ready:
    """The process has run before.

    Attributes:
        baseline_bytes: its peak after a single window.
        sgemm_flop_per_s: what the machine gives it.
    """

    baseline_bytes: int
    sgemm_flop_per_s: float


class WarmSide(Protocol):
    """A loaded model and how its side runs it."""

    @property
    def forward(self) -> ForwardClock:
        """The clock of its networks."""

    def run_window(self) -> None:
        """One window of the network and nothing else."""

    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        """The whole case; memory and processor time are filled in later. Labels are (k, j, i) or (layer, k, j, i)."""
