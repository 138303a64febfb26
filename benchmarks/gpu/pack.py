"""Collect all that the benchmark needs on a bare GPU machine into one folder: ``python -m benchmarks.gpu pack FOLDER``.

Weights do not travel: they are drawn there from the seed, or are small and belong to the program.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from Testing.reference.zoo import ZooBundle

from ..cases import BenchmarkCase
from ..environment import revision
from .images import carried_by, carry
from .machine import PACKAGES, SOURCES, WHEELS, Package

LARGEST_BYTES = 60_000_000
CASES_FILE = "cases.txt"
"""In the package's data: a line for each case that it was made for, its name and the reference that it needs."""

_COPIED = (
    "MedAISeg/MedAISegLib", "MedAISeg/Resources/Models", "benchmarks",
    "Testing/reference", "Testing/nnunets.py", "Testing/conftest.py", "LICENSE.txt", "pyproject.toml",
)  # fmt: skip
_NOT_COPIED = ("__pycache__", "*.pyc", "results*.json", "RESULTS.md", "*.png")
_SERVICE_IMAGES = 5
_HERE = Path(__file__).parent


class PackageError(RuntimeError):
    """The package cannot be made as it has to be."""


def pack(folder: Path, cases: Sequence[BenchmarkCase], data: Path, *, wheels: bool) -> int:
    """Make the package.

    Args:
        folder: to be made; it must not be there.
        cases: those that shall be measured, on the images that travel.
        data: the test data.
        wheels: fetch the small packages that a machine without a package index would lack.

    Returns:
        Its bytes.

    Raises:
        PackageError: if it is too large, or a file of it names a place of this machine.
        FileExistsError: if the folder is there.
    """
    folder.mkdir(parents=True)
    _copy_sources(folder / "sources")
    _copy_data(cases, data, folder / "data")
    if wheels:
        _fetch_wheels([package for package in PACKAGES if package.travels], folder / WHEELS.name)
    for name in ("run.sh", "README.md"):
        shutil.copy(_HERE / name, folder / name)
    return check(folder, [SOURCES, data, Path.home(), Path(sys.prefix)])


def check(folder: Path, places: Iterable[Path]) -> int:
    """Bytes of a package.

    Raises:
        PackageError: if it is too large, or a file of ours holds the path of one of the places.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > LARGEST_BYTES:
        largest = max(files, key=lambda path: path.stat().st_size).relative_to(folder)
        raise PackageError(f"it has {size:,} bytes, more than {LARGEST_BYTES:,}; the largest file is {largest}")
    own = [path for path in files if path.suffix != ".whl"]
    named = re.compile(rb"(?<![\w.])(?:" + b"|".join(re.escape(bytes(place)) for place in places) + rb")(?![\w-])")
    for path in own:
        if named.search(path.read_bytes()):
            raise PackageError(f"{path.relative_to(folder)} names a place of this machine")
    return size


def _copy_sources(target: Path) -> None:
    for name in _COPIED:
        source = SOURCES / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    (target / "REVISION").write_text(f"{revision()}\n", encoding="utf-8")


def _copy_data(cases: Sequence[BenchmarkCase], data: Path, target: Path) -> None:
    for name in carried_by(cases):
        carry(name, data, target)
    for folder in sorted({folder for case in cases if (folder := _described_in(case))}):
        shutil.copytree(data / folder, target / folder)
    (target / CASES_FILE).write_text(
        "".join(f"{case.name} {case.model.reference}\n" for case in cases), encoding="utf-8"
    )
    (target / "hippocampus" / "images").mkdir(parents=True)
    for path in sorted((data / "hippocampus" / "images").glob("*.nii.gz"))[:_SERVICE_IMAGES]:
        shutil.copy(path, target / "hippocampus" / "images")


def _described_in(case: BenchmarkCase) -> str:
    """Where in the test data a published model is described; the others are made from what stands in the recipe."""
    recipe = case.model.recipe
    if isinstance(recipe, ZooBundle):
        return f"monai_zoo/{recipe.name}/configs"
    return f"models/meshnet/{recipe}" if isinstance(recipe, str) else ""


def _fetch_wheels(packages: Sequence[Package], target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--only-binary", ":all:", "--dest", str(target)]
    subprocess.run([*pip, *(_as_installed(package.requirement) for package in packages)], check=True)


def _as_installed(requirement: str) -> str:
    """In the version that the benchmark was tried with; what is not installed here only other Pythons need."""
    name = requirement.partition(">=")[0]
    try:
        return f"{name}=={version(name)}"
    except PackageNotFoundError:
        return requirement
