"""The machine and the software, and what either side is given of them."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from .record import Environment

_LIBRARIES = ("torch", "monai", "numpy", "SimpleITK", "nibabel")
_REPOSITORY = Path(__file__).resolve().parents[1]
REVISION_FILE = _REPOSITORY / "REVISION"
"""What a copy of the sources has in place of a repository."""

_MEASURED = (":!benchmarks/*.json", ":!benchmarks/*.png", ":!benchmarks/RESULTS.md")

PACKAGES = _REPOSITORY / "site"
"""What such a copy has been given on a machine whose own Python lacks some packages."""


def available_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def variables(threads: int, device: str = "cpu") -> dict[str, str]:
    """Environment variables that both sides get: so many threads, no GPU that is not to be used, byte code kept as an
    installation has it.
    """
    count = str(threads)
    given = {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": count,
        **({"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}),
    }
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | given


def describe(threads: int) -> Environment:
    """What a reader must know to judge the numbers."""
    return Environment(
        processor=processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        threads=threads,
        python=platform.python_version(),
        versions={name: found for name in _LIBRARIES if (found := _version(name))},
        revision=revision(),
    )


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def processor() -> str:
    """Its name."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def revision() -> str:
    """The commit, with a mark where files differ from it; what measuring itself writes does not count."""
    if REVISION_FILE.exists():
        return REVISION_FILE.read_text(encoding="utf-8").strip()
    commit = _git("describe", "--always", "--abbrev=8")
    return commit + ("+changes" if _git("status", "--porcelain", "--", ".", *_MEASURED) else "")


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=_REPOSITORY, text=True).strip()
