"""The use case in one call, for Python users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.progress import Progress
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .job import SegmentationJob
from .segment import check_device, load_model, open_model, run
from .study import read_case


def segment_images(
    path: Path | str | None,
    job: SegmentationJob,
    *,
    series_uid: str = "",
    channels: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> tuple[Segmentation, JobResult]:
    """Read the images of a folder or file and segment them.

    ::

        segmentation, result = segment_images("scan", SegmentationJob(model="hippocampus"))
        for segment in result.segments:
            print(segment.name, segment.volume_ml)

    Args:
        path: a folder or file; None where ``channels`` names every image.
        job: the model and how to run it.
        series_uid: of the DICOM series to take; without it the one that fits the model.
        channels: a file, a folder or the UID of a series in ``path``, by channel name.
        progress: is told how far the run is, and may cancel it.

    Returns:
        Labels on the grid of the first channel's image, and the record of the run.

    Raises:
        MedAISegError: UsageError, InputError, ModelError, ResourceError or Cancelled.
    """
    progress = progress or Progress()
    source = open_model(job.model)
    check_device(job, source.spec)
    case = read_case(
        source.spec,
        None if path is None else Path(path),
        series_uid=series_uid,
        channels=channels,
        accept=job.accept,
        progress=progress,
    )
    return run(job, case, progress, model=load_model(source, progress))
