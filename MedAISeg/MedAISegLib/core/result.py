"""What came of a run, without its voxels; JSON, so that every front end says the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .notice import Notice
from .terminology import Terminology


@dataclass(frozen=True)
class SegmentResult:
    """One segment of a result: volume in mL, intensity statistics of the first channel inside it (None if empty)."""

    name: str
    label_value: int
    terminology: Terminology
    color_rgb: tuple[int, int, int]
    voxel_count: int
    volume_ml: float
    mean: float | None
    standard_deviation: float | None
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True)
class Provenance:
    """What made the result: model, versions, device and parameters; never a patient's data or a file's path."""

    model_id: str
    model_name: str
    model_version: str
    model_sha256: str
    software_version: str
    library_versions: Mapping[str, str]
    device: str
    parameters: Mapping[str, str]
    created_utc: str


@dataclass(frozen=True)
class JobResult:
    """What a run gave, without the voxels.

    Attributes:
        timings_s: seconds by stage.
        peak_memory_bytes: the largest resident memory of the process.
        files: what was written, by format.
    """

    segments: tuple[SegmentResult, ...]
    provenance: Provenance
    timings_s: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    notices: tuple[Notice, ...] = ()
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
