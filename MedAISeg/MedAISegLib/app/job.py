"""What to run on what, and what came of it; JSON, so that every front end says the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..core.notice import Notice
from ..core.region import OrientedBox
from ..core.terminology import Terminology


@dataclass(frozen=True)
class SegmentationJob:
    """A run to be made.

    Attributes:
        model: id of an installed model, or the path of a model's folder or file.
        device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``.
        labels: names of the segments that are wanted; empty for all.
        region: limits the run: images are cropped to its voxel bounds, labels masked to the box.
        test_time_flips: average over flips along every subset of axes; None leaves it to the model.
        keep_largest_component: of each label.
        accept: go on under the assumption that would otherwise be asked about.
    """

    model: str
    device: str = "auto"
    labels: tuple[str, ...] = ()
    region: OrientedBox | None = None
    test_time_flips: bool | None = None
    keep_largest_component: bool = False
    accept: bool = False


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
