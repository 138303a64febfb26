"""The machine and the software, and what either side is given of them."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from .record import Environment

_LIBRARIES = ("torch", "monai", "numpy", "SimpleITK", "nibabel")
_REPOSITORY = Path(__file__).resolve().parents[1]


def available_threads() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def variables(threads: int) -> dict[str, str]:
    """Environment variables that both sides get: so many threads, no GPU, byte code kept as an installation has it."""
    count = str(threads)
    given = {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": count,
        "CUDA_VISIBLE_DEVICES": "",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | given


def describe(threads: int) -> Environment:
    """What a reader must know to judge the numbers."""
    return Environment(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 2**30),
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        threads=threads,
        python=platform.python_version(),
        versions={name: version(name) for name in _LIBRARIES},
        revision=_revision(),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty=+changes", "--abbrev=8"]
    return subprocess.check_output(command, cwd=_REPOSITORY, text=True).strip()
