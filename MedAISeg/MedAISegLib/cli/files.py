"""The files of a run: which formats there are, what they are called, which of them are possible, and writing them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from ..core.errors import InputError, MedAISegError, ResourceError, UsageError
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from ..core.volume import SeriesReference
from ..exporters import EXPORTERS, ExportFormat
from ..exporters.written import Written
from ..slicer_io.mesh_names import mesh_file_names

FORMATS = ("seg.nrrd", "dicom-seg", "nifti", "stl", "obj")
"""What ``--format`` takes."""

TABLES = "tables"
"""The format of segments.csv, which every run writes."""

USUAL = ("seg.nrrd", "dicom-seg", "nifti")
"""What is written where the user names no format, as far as it is possible."""

_BY_SLICER_CORE = ("stl", "obj")


@dataclass(frozen=True)
class FilePlan:
    """The formats of a run.

    Attributes:
        all_needed: whether a format that turns out to be impossible is an error, else it is left out with a notice.
        notices: why some that are usual are left out.
    """

    formats: tuple[str, ...]
    all_needed: bool
    notices: tuple[Notice, ...] = ()


def parse_formats(text: str) -> tuple[str, ...]:
    """Format names from a comma-separated list, empty for an empty text.

    Raises:
        UsageError: if one is not known.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise UsageError(f"{', '.join(unknown)} is no output format.", remedy=f"Choose among {', '.join(FORMATS)}.")
    return names


def plan_files(wanted: Sequence[str], series: SeriesReference | None, *, all_needed: bool) -> FilePlan:
    """Which formats can be written, said before the run.

    Args:
        wanted: formats.
        series: the DICOM series of the model's first channel.
        all_needed: whether a format that is not possible is an error, else it is left out with a notice.

    Raises:
        InputError: if a DICOM SEG is needed and cannot refer to the images.
        ResourceError: if a format is needed whose software is not installed.
    """
    formats, notices = [], []
    for name in wanted:
        problem = _obstacle(name, series)
        if problem is None:
            formats.append(name)
        elif all_needed:
            raise problem
        elif series is not None or name != "dicom-seg":
            notices.append(_not_written(name, problem))
    return FilePlan((*formats, TABLES), all_needed, tuple(notices))


def file_names(formats: Sequence[str], segment_names: Sequence[str]) -> list[str]:
    """The names of the files that these formats can leave in the output folder."""
    names = []
    for name in formats:
        if name in _BY_SLICER_CORE:
            names += mesh_file_names(name, segment_names)
        else:
            names.append(_exporter(name).file_name)
        if name == "nifti":
            names.append("segmentation.json")
    return names


def left_over_notice(folder: Path, segment_names: Sequence[str], written: Sequence[str]) -> tuple[Notice, ...]:
    """What an earlier run left in the output folder and this one does not write: it may show another result.

    Args:
        segment_names: of all segments of the model.
        written: names of the files of this run.
    """
    names = dict.fromkeys(file_names(FORMATS, segment_names))
    left = [name for name in names if name not in written and (folder / name).exists()]
    if not left:
        return ()
    return (Notice("earlier-files", f"Not of this run, but left as they are in the output folder: {', '.join(left)}."),)


def write_files(
    segmentation: Segmentation, result: JobResult, plan: FilePlan, folder: Path, progress: Progress
) -> JobResult:
    """Write what is planned into a folder, side by side except for surfaces, which MRML writes on this thread.

    Signals have to be deferred: an exception that strikes the import of a C++ package, or one while other threads
    import, leaves locks and memory behind that nobody clears. The writers poll.

    Returns:
        The result with the files in it and what the writers had to say.

    Raises:
        InputError: if a format that is needed cannot hold this result.
        ResourceError: if the disk is full or the folder cannot be written.
        Cancelled: if the user stopped the run.
    """
    files, notices = dict(result.files), list(result.notices)
    poll = progress.cancel.raise_if_cancelled
    with progress.stage(RunStage.WRITE), ThreadPoolExecutor() as pool:
        others = [name for name in plan.formats if name not in _BY_SLICER_CORE]
        begun = {name: pool.submit(EXPORTERS[name].write, segmentation, result, folder, poll=poll) for name in others}
        for n, name in enumerate(plan.formats):
            poll()
            progress.report(RunStage.WRITE, n / len(plan.formats))
            try:
                if name in begun:
                    written = begun[name].result()
                else:
                    written = _exporter(name).write(segmentation, result, folder, poll=poll)
            except InputError as error:
                if plan.all_needed or name == TABLES:
                    raise
                written = Written((), (_not_written(name, error),))
            notices += written.notices
            if written.files:
                files[name] = written.files
    return replace(result, files=files, notices=tuple(dict.fromkeys(notices)))


def moved(result: JobResult, folder: Path) -> JobResult:
    """The result after its files have been moved into a folder."""
    files = {name: tuple(folder / path.name for path in paths) for name, paths in result.files.items()}
    return replace(result, files=files)


def _not_written(name: str, problem: MedAISegError) -> Notice:
    return Notice(f"no-{name}", f"Not written as {name}: {problem}")


def _exporter(name: str) -> ExportFormat:
    if name in _BY_SLICER_CORE:
        from ..slicer_io.files import MRML_EXPORTERS

        return MRML_EXPORTERS[name]
    return EXPORTERS[name]


def _obstacle(name: str, series: SeriesReference | None) -> MedAISegError | None:
    if name in _BY_SLICER_CORE and find_spec("slicer_core") is None:
        return ResourceError(
            f"{name} is written by Slicer's own code, and the package slicer-core is not installed.",
            remedy="Install it with: pip install 'MedAISeg[slicer]'",
        )
    if name == "dicom-seg":
        from ..exporters.dicom_sources import read_sources

        try:
            read_sources(series)
        except InputError as error:
            return error
    return None
