"""Requests about segments as they are now, after a user's edits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..core.checksums import label_checksums
from ..core.disk import os_errors_explained
from ..core.errors import UsageError
from ..core.notice import Notice
from ..core.progress import RunStage
from ..core.segmentation import AlgorithmType, Segmentation
from ..core.unfinished import unfinished
from ..exporters import EXPORTERS, SEG_NRRD
from .exchange import segmentation_of, volume_of
from .protocol import ExportReply, ExportRequest, MeasureReply, MeasureRequest
from .statistics import segment_results
from .tasks import Task


def measure(task: Task) -> MeasureReply:
    """Volume, statistics and checksum of each segment."""
    request: MeasureRequest = task.request
    poll = task.progress.cancel.raise_if_cancelled
    segmentation = segmentation_of(request.folder, request.segmentation)
    volume = None if request.volume is None else volume_of(request.folder, request.volume)
    results = segment_results(segmentation, volume, poll)
    return MeasureReply(results, label_checksums(segmentation.layers, segmentation.segments, poll))


def export(task: Task) -> ExportReply:
    """Write all formats, or none where one of them fails."""
    request: ExportRequest = task.request
    unknown = [name for name in request.formats if name not in EXPORTERS]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no format.", remedy=f"There are {', '.join(EXPORTERS)}.")
    segmentation = _marked(segmentation_of(request.folder, request.segmentation), request.edited)
    whole = segmentation if request.whole is None else segmentation_of(request.folder, request.whole)
    files: dict[str, tuple[Path, ...]] = {}
    notices: list[Notice] = []
    with task.progress.stage(RunStage.WRITE), _filled(request) as folder:
        for count, name in enumerate(request.formats):
            task.progress.report(RunStage.WRITE, count / len(request.formats))
            poll = task.progress.cancel.raise_if_cancelled
            chosen = whole if name == SEG_NRRD else segmentation
            written = EXPORTERS[name].write(chosen, request.result, folder, poll=poll)
            notices += written.notices
            if written.files:
                files[name] = tuple(request.output / file.name for file in written.files)
    return ExportReply(files, tuple(dict.fromkeys(notices)))


def _marked(segmentation: Segmentation, edited: Sequence[str]) -> Segmentation:
    """What a model made and a person changed is semiautomatic."""
    segments = tuple(
        replace(s, algorithm_type=AlgorithmType.SEMIAUTOMATIC)
        if s.name in edited and s.algorithm_type is AlgorithmType.AUTOMATIC
        else s
        for s in segmentation.segments
    )
    return replace(segmentation, segments=segments)


@contextmanager
def _filled(request: ExportRequest) -> Iterator[Path]:
    """A folder on the output's disk whose files move there when the block ends well, and are gone otherwise.

    It is named after the request: where a worker was killed for another one, the next worker finds what that one left.

    Raises:
        UsageError: if one of the files is there already and may not be overwritten.
        ResourceError: if the disk is full or the folder cannot be written.
    """
    output = request.output
    staging = output / f".medaiseg-{request.folder.name}"
    with os_errors_explained(output / "files"):
        made = not output.exists()
        output.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished(staging):
                shutil.rmtree(staging, ignore_errors=True)
                staging.mkdir(mode=0o700)
                yield staging
                names = sorted(file.name for file in staging.iterdir())
                there = [name for name in names if (output / name).exists()]
                if there and not request.overwrite:
                    raise UsageError(
                        f"{', '.join(there)} is there already.",
                        where=str(output),
                        remedy="Choose another folder or allow overwriting.",
                    )
                for name in names:
                    (staging / name).replace(output / name)
        finally:
            if made:
                with suppress(OSError):
                    output.rmdir()
