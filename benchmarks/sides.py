"""What the two sides of a warm measurement have in common.

A side is one module with a function, and one line in ``SIDES``::

    def load(assignment: Assignment) -> WarmSide: ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from .record import WarmRun

SIDES = {"ours": "benchmarks.warm_ours", "reference": "benchmarks.warm_reference"}


@dataclass(frozen=True)
class Assignment:
    """What a process is to run.

    Attributes:
        labels: file for the labels of its last run.
        output: folder for what a run writes.
    """

    side: str
    bundle: Path
    config: Path
    weights: Path
    image: Path
    labels: Path
    output: Path


@dataclass(frozen=True)
class Ready:
    """The process has run before. ``baseline_bytes`` is its peak after a single window."""

    baseline_bytes: int


class WarmSide(Protocol):
    """A loaded model and how its side runs it."""

    def run_window(self) -> None:
        """One window of the network and nothing else."""

    def run(self) -> tuple[WarmRun, NDArray[Any]]:
        """The whole case; memory and processor time are filled in later. Labels are (k, j, i)."""
