"""Whole commands, from start to end, by turns."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from .agreement import compare_files
from .measure import measure_command
from .record import ColdPair
from .references import reference
from .setting import Setting, our_command, their_command


def measure_pair(setting: Setting, environment: Mapping[str, str], device: str = "cpu") -> ColdPair:
    """Our command, then the reference's, each with its reading and writing; then their labels compared."""
    folder = setting.folder / "cold"
    folder.mkdir()
    ours, theirs = folder / "ours", folder / "reference"
    our_cost = measure_command(our_command(setting, ours, device), environment=environment, log=folder / "ours.txt")
    command = their_command(setting, theirs, device)
    needed = getattr(reference(setting.case.model.reference), "VARIABLES", {})
    their_cost = measure_command(command, environment={**environment, **needed}, log=folder / "reference.txt")
    agreement = compare_files(ours / "segmentation.nii.gz", _saved(theirs), setting.case.model.collapse)
    shutil.rmtree(folder)
    return ColdPair(our_cost, their_cost, agreement)


def _saved(output: Path) -> Path:
    (path,) = output.rglob("*.nii.gz")
    return path
