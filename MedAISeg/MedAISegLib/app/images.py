"""The use case in one call, for Python users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.progress import Progress
from ..core.region import OrientedBox
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .job import SegmentationJob
from .segment import load_model, open_model, run
from .study import read_case


def segment_images(
    path: Path | str | None,
    model: str,
    *,
    series_uid: str = "",
    channels: Mapping[str, str] | None = None,
    labels: tuple[str, ...] = (),
    region: OrientedBox | None = None,
    device: str = "auto",
    backend: str = "auto",
    precision: str = "auto",
    test_time_flips: bool | None = None,
    keep_largest_component: bool = False,
    accept: bool = False,
    progress: Progress | None = None,
) -> tuple[Segmentation, JobResult]:
    """Read the images of a folder or file and segment them.

    ::

        segmentation, result = segment_images("scan", "hippocampus")
        for segment in result.segments:
            print(segment.name, segment.volume_ml)

    Args:
        path: a folder or file; None where ``channels`` names every image.
        model: id of an installed model, or a path.
        series_uid: of the DICOM series to take; without it the one that fits the model.
        channels: a file, a folder or the UID of a series in ``path``, by channel name.
        labels: names of the wanted segments, all where empty.
        region: limits the run to a box.
        device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``.
        backend: ``auto``, ``eager`` or ``onednn``.
        precision: ``auto``, ``fp32``, ``tf32``, ``fp16`` or ``bf16``.
        test_time_flips: average over flips; None leaves it to the model.
        keep_largest_component: of each segment.
        accept: go on under an assumption that would otherwise be asked about.
        progress: is told how far the run is, and may cancel it.

    Returns:
        Labels on the grid of the first channel's image, and the record of the run.

    Raises:
        MedAISegError: UsageError, InputError, ModelError, ResourceError or Cancelled.
    """
    progress = progress or Progress()
    job = SegmentationJob(
        model=model,
        device=device,
        backend=backend,
        precision=precision,
        labels=labels,
        region=region,
        test_time_flips=test_time_flips,
        keep_largest_component=keep_largest_component,
        accept=accept,
    )
    source = open_model(model)
    case = read_case(
        source.spec,
        None if path is None else Path(path),
        series_uid=series_uid,
        channels=channels,
        accept=accept,
        progress=progress,
    )
    return run(job, case, progress, model=load_model(source, progress))
