"""The one path from a job and its images to a segmentation, for panel, console, command line and cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.case import Case
from ..core.errors import ModelError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..core.result import JobResult
from ..core.segmentation import Layers, Segmentation
from ..core.volume import Volume
from ..engine.backends import PLAIN, Wanted, ways_on
from ..engine.device import choose_device
from ..engine.labels import clean
from ..engine.memory import foreseen, shortage_explained
from ..engine.probabilities import ProbabilitySink, Shifted
from ..engine.run import segment
from ..formats import ModelSource, read_model
from ..models.receipts import record_use
from ..models.spec import ModelSpec
from ..models.store import find_model
from .job import SegmentationJob
from .limits import crop_case, exceeds_training_crop, grid_within, paste_labels
from .match import match
from .options import apply_options, select_segments, wanted_segments
from .probabilities import clear_outside, probability_file
from .provenance import peak_memory_bytes, provenance_of
from .room import free_room, shortage_in
from .statistics import segment_results

if TYPE_CHECKING:
    import torch

    from ..exporters.probabilities import ProbabilityFile
    from ..formats.own_run import OwnRun


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run, kept by who runs it more than once; ``widths`` are those of its source."""

    spec: ModelSpec
    networks: tuple[tuple[torch.nn.Module, ...], ...]
    run: OwnRun | None = None
    widths: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class _Found:
    """Labels on the source grid; the specification says which layer holds which."""

    layers: Layers
    device: str
    notices: tuple[Notice, ...]
    spec: ModelSpec
    backend: str = str(PLAIN)
    windows_computed: str = ""


def open_model(model: str) -> ModelSource:
    """Find a model that segments by its id or path, and read what it is; its weights stay on disk.

    Raises:
        ModelError: if there is none of that name, or it is damaged or not supported.
    """
    source = read_model(find_model(model))
    if source.spec.classes:
        raise ModelError(
            "it is a classification model, not a segmentation model.",
            where=source.spec.name,
            remedy="Classify with it: medaiseg classify, or in Slicer's console logic.classify.",
        )
    return source


def check_device(job: SegmentationJob, spec: ModelSpec) -> None:
    """What is to be known before images are read and weights are loaded.

    Raises:
        UsageError: if the device has no such way to run a network.
        ResourceError: if the device is absent, or cannot compute.
    """
    device = choose_device(job.device)
    if not spec.own_code:
        ways_on(device, Wanted.of(job.backend, job.precision))


def load_model(source: ModelSource, progress: Progress | None = None) -> LoadedModel:
    """Build the model's networks.

    Raises:
        ModelError: if the weights are missing, damaged or do not fit the description.
    """
    with (progress or Progress()).stage(RunStage.LOAD_MODEL):
        return LoadedModel(source.spec, source.build_networks(), source.run, source.widths)


def run(
    job: SegmentationJob,
    images: Case | Sequence[Volume],
    progress: Progress | None = None,
    *,
    model: LoadedModel | None = None,
    chosen: Mapping[str, Volume] | None = None,
    probabilities: Path | None = None,
    kept_bytes: int = 0,
) -> tuple[Segmentation, JobResult]:
    """Segment a case.

    Args:
        job: what is wanted.
        images: a case, or the volumes from which the model's channels are chosen.
        progress: is told how far the run is, and may cancel it.
        model: what ``job.model`` names, where it is already in memory.
        chosen: volumes that the user has bound to channels by name.
        probabilities: a ``.nii`` file for the probabilities of all classes; it is replaced where it is there.
        kept_bytes: that this process keeps in memory for other runs.

    Returns:
        Labels on the grid of the first channel's volume, and the record of the run (no files but the probabilities).

    Raises:
        UsageError: if a label is not the model's, the region does not meet the image, or there are no probabilities.
        InputError: if the images do not serve the model; ConfirmationRequired where ``job.accept`` would do.
        ModelError: if the model cannot be used.
        ResourceError: if memory or the device does not suffice.
        Cancelled: if the user stopped the run.
    """
    progress = progress or Progress()
    poll = progress.cancel.raise_if_cancelled
    source: LoadedModel | ModelSource = model or open_model(job.model)
    spec = apply_options(source.spec, job)
    check_device(job, spec)
    wanted = wanted_segments(spec, job.labels)
    case = (
        images if isinstance(images, Case) else match(spec, images, chosen=chosen or {}, accept=job.accept, poll=poll)
    )
    loaded = replace(source if isinstance(source, LoadedModel) else load_model(source, progress), spec=spec)
    maps = None if probabilities is None else probability_file(probabilities, spec, case.geometry, poll)
    room = free_room(choose_device(job.device), loaded.networks, kept_bytes)
    with shortage_explained(), foreseen(shortage_in(room, loaded, grid_within(case.geometry, job.region))):
        found = _labels_on_source_grid(job, case, loaded, progress, maps)
    spec = found.spec
    with progress.stage(RunStage.POSTPROCESS):
        layers, segments = select_segments(spec, wanted, found.layers, poll)
        segmentation = Segmentation(layers, case.geometry, segments, case.first.series)
        progress.report(RunStage.POSTPROCESS, 0.5)
        statistics = segment_results(segmentation, case.first, poll)
    record_use(job.model)
    result = JobResult(
        segments=statistics,
        provenance=provenance_of(spec, job, found.device, found.backend, found.windows_computed),
        timings_s={stage.value: seconds for stage, seconds in progress.timings_s.items()},
        peak_memory_bytes=peak_memory_bytes(),
        notices=_unique((*notices_before_run(spec, job, case), *found.notices)),
        files={} if maps is None else {"probabilities": maps.finish()},
    )
    return segmentation, result


def notices_before_run(spec: ModelSpec, job: SegmentationJob, case: Case) -> tuple[Notice, ...]:
    """What is to be said about model and images before anything is computed."""
    notices = [*spec.notices, *case.notices]
    for volume in case.channels.values():
        notices += volume.notices
    if spec.wants_region and job.region is None and exceeds_training_crop(spec, case.geometry):
        notices.append(_region_wanted(spec, case.geometry))
    if spec.own_code and job.test_time_flips is not None:
        message = "The model runs by code of its own; whether it averages over flips is not for us to choose."
        notices.append(Notice("flips-not-chosen", message))
    if spec.own_code and (job.backend, job.precision) != ("auto", "auto"):
        message = "The model runs by code of its own; its backend and precision are not for us to choose."
        notices.append(Notice("backend-not-chosen", message))
    return _unique(notices)


def _region_wanted(spec: ModelSpec, geometry: VolumeGeometry) -> Notice:
    size_mm = " x ".join(f"{n * mm:.0f}" for n, mm in zip(geometry.shape_kji, geometry.spacing_mm, strict=True))
    return Notice(
        "wants-region",
        f"The model {spec.id} was trained on small boxes around its structure, and this image is {size_mm} mm large: "
        "without a region around the structure (--region on the command line) the labels will be wrong.",
    )


def _labels_on_source_grid(
    job: SegmentationJob, case: Case, model: LoadedModel, progress: Progress, maps: ProbabilityFile | None
) -> _Found:
    if job.region is None:
        return _labels(job, case, model, progress, maps)
    poll = progress.cancel.raise_if_cancelled
    cropped, start = crop_case(case, job.region)
    found = _labels(job, cropped, model, progress, maps and Shifted(maps, start))
    if maps is not None:
        clear_outside(maps, job.region, cropped.geometry, start, poll)
    layers = paste_labels(found.layers, cropped.geometry, start, case.geometry, job.region, poll)
    return replace(found, layers=layers)


def _labels(
    job: SegmentationJob, case: Case, model: LoadedModel, progress: Progress, probabilities: ProbabilitySink | None
) -> _Found:
    spec = model.spec
    if model.run is None:
        wanted = Wanted.of(job.backend, job.precision)
        result = segment(
            case,
            spec,
            model.networks,
            device=job.device,
            wanted=wanted,
            progress=progress,
            probabilities=probabilities,
        )
        windows = str(result.windows) if result.windows.all else ""
        return _Found(result.layers, result.device, result.notices, spec, result.backend, windows)
    own = model.run(case, model.networks, device=job.device, progress=progress)
    layers = clean(own.layers, spec.postprocessing, progress.cancel.raise_if_cancelled, case.geometry)
    decided = replace(spec, stages=(replace(spec.stages[0], decision=own.decision),))
    return _Found(layers, own.device, own.notices, decided)


def with_final_figures(result: JobResult, progress: Progress) -> JobResult:
    """The same result with the time and memory of all that was done up to now, its files included."""
    timings_s = {stage.value: seconds for stage, seconds in progress.timings_s.items()}
    return replace(result, timings_s=timings_s, peak_memory_bytes=peak_memory_bytes())


def _unique(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(dict.fromkeys(notices))
