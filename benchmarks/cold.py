"""Whole commands, from start to end, by turns."""

from __future__ import annotations

import compileall
import os
import shutil
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import MedAISegLib

from .agreement import compare_files
from .measure import measure_command
from .record import ColdPair
from .references import reference
from .setting import Setting, our_command, their_command


def compile_byte_code(setting: Setting, environment: Mapping[str, str]) -> None:
    """Of all packages that either side imports: where they have not been imported before, or may not keep it, the first
    command would spend up to 12 s on that. What cannot be written stays as it is.
    """
    paths = [variables.get("PYTHONPATH", "") for variables in (environment, _needed(setting))]
    folders = {Path(name) for path in paths for name in path.split(os.pathsep) if name}
    installed = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    for folder in folders | installed | {Path(MedAISegLib.__file__).parent}:
        compileall.compile_dir(folder, quiet=2)


def measure_pair(setting: Setting, environment: Mapping[str, str], device: str = "cpu") -> ColdPair:
    """Our command, then the reference's, each with its reading and writing; then their labels compared."""
    folder = setting.folder / "cold"
    folder.mkdir()
    ours, theirs = folder / "ours", folder / "reference"
    our_cost = measure_command(our_command(setting, ours, device), environment=environment, log=folder / "ours.txt")
    command = their_command(setting, theirs, device)
    variables = {**environment, **_needed(setting)}
    their_cost = measure_command(command, environment=variables, log=folder / "reference.txt")
    agreement = compare_files(ours / "segmentation.nii.gz", _saved(theirs), setting.case.model.collapse)
    shutil.rmtree(folder)
    return ColdPair(our_cost, their_cost, agreement)


def _needed(setting: Setting) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(reference(setting.case.model.reference), "VARIABLES", {})
    return found


def _saved(output: Path) -> Path:
    (path,) = output.rglob("*.nii.gz")
    return path
