"""What made a result, and what it took."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from .. import __version__
from ..core.result import Provenance
from ..models.spec import ModelSpec, Windows
from .job import SegmentationJob

_LIBRARIES = ("torch", "monai", "numpy", "SimpleITK", "pydicom", "highdicom", "openvino")


def provenance_of(
    spec: ModelSpec, job: SegmentationJob, device: str, backend: str, windows_computed: str = ""
) -> Provenance:
    """The record of a run, made now; it holds no patient's data and no file's path.

    Args:
        backend: how the network was run on the device, and in what precision.
        windows_computed: of how many windows the network was asked; empty where it slides none.
    """
    ran = {"backend": backend} | ({"windows_computed": windows_computed} if windows_computed else {})
    return Provenance(
        model_id=spec.id,
        model_name=spec.name,
        model_version=spec.version,
        model_sha256=spec.sha256,
        software_version=__version__,
        library_versions=_library_versions(),
        device=device,
        parameters=_parameters(spec, job) | ran,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def peak_memory_bytes() -> int:
    """The largest resident memory that this process has had."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    # Linux counts what the process that started this one held as getrusage's as well: Slicer with all its images.
    lines = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines()
    (peak_kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak_kib) * 1024


def _library_versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _parameters(spec: ModelSpec, job: SegmentationJob) -> dict[str, str]:
    parameters = {
        "labels": ", ".join(job.labels) or "all",
        "model_format": spec.format,
        "run_by": "the model's own code" if spec.own_code else "its compiled description",
        **({} if spec.own_code else _windows(spec.stages[-1].windows)),
        "keep_largest_component": str(job.keep_largest_component).lower(),
        "accept": str(job.accept).lower(),
    }
    if job.region is not None:
        box = job.region
        parameters["region_center_lps"] = _numbers(box.center_lps)
        parameters["region_size_mm"] = _numbers(box.size_mm)
        parameters["region_axes_lps"] = "; ".join(_numbers(axis) for axis in box.axes_lps)
    return parameters


def _windows(windows: Windows) -> dict[str, str]:
    return {
        "test_time_flips": str(len(windows.test_time_flips)),
        "window": "x".join(map(str, windows.size)) if windows.size else "whole image",
        "overlap": ", ".join(f"{share:g}" for share in windows.overlap),
    }


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4g}" for value in values)
