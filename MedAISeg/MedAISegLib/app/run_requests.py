"""Requests that run a model."""

from __future__ import annotations

from ..core.case import Case
from ..core.checksums import label_checksums
from ..core.errors import UsageError
from ..core.progress import RunStage
from ..engine.device import choose_device, release_unused_memory
from ..engine.prepared_again import KeptPreparations, reusing
from ..formats import read_model
from ..models.spec import ModelSpec
from ..models.store import find_model
from .classify import classify_case, open_classifier
from .exchange import record_segmentation, volume_of
from .limits import grid_within
from .match import match
from .need import work_of
from .options import apply_options
from .protocol import ClassifyReply, ClassifyRequest, Done, ModelRunRequest, SegmentReply, SegmentRequest, WarmUpRequest
from .segment import check_device, open_model, run
from .tasks import Task

PREPARED = KeptPreparations()
"""Of the worker's process: a user runs several models, or one with other options, on the same image."""

LABELS = "labels"
"""Name of the file of a result's layers."""


def kept_beside(task: Task, sha256: str) -> int:
    """Bytes of the computer's memory that this process keeps beside a model."""
    return task.models.bytes_beside(sha256) + PREPARED.size_bytes


def warm_up(task: Task) -> Done:
    """Load a model, move it to its device, and let that device compute for the first time."""
    request: WarmUpRequest = task.request
    model = task.models.get(read_model(find_model(request.model)), task.progress)
    device = choose_device(request.device)
    for networks in model.networks:
        for network in networks:
            task.progress.cancel.raise_if_cancelled()
            network.to(device)
    return Done()


def segment(task: Task) -> SegmentReply:
    """Run a model on the volumes of the request's folder, and leave the labels there."""
    request: SegmentRequest = task.request
    progress, poll = task.progress, task.progress.cancel.raise_if_cancelled
    progress.report(RunStage.LOAD_MODEL, 0.0)
    source = open_model(request.job.model)
    check_device(request.job, source.spec)
    model = task.models.get(source, progress)
    case = _case(task, model.spec)
    try:
        with reusing(PREPARED, model.spec.sha256):
            kept_bytes = kept_beside(task, model.spec.sha256)
            segmentation, result = run(request.job, case, progress, model=model, kept_bytes=kept_bytes)
    finally:
        release_unused_memory()
    work = work_of(apply_options(model.spec, request.job), grid_within(case.geometry, request.job.region))
    task.paces[model.spec.sha256, result.provenance.device] = sum(result.timings_s.values()) / work
    with progress.stage(RunStage.WRITE):
        record = record_segmentation(request.folder, LABELS, segmentation, poll)
        progress.report(RunStage.WRITE, 0.5)
        checksums = label_checksums(segmentation.layers, segmentation.segments, poll)
    return SegmentReply(record, result, checksums)


def classify(task: Task) -> ClassifyReply:
    """Run a classification model on the volumes of the request's folder."""
    request: ClassifyRequest = task.request
    if request.job.region is not None:
        raise UsageError("it looks at whole images; a region cannot limit it.", where=f"model {request.job.model}")
    task.progress.report(RunStage.LOAD_MODEL, 0.0)
    model = task.models.get(open_classifier(request.job.model), task.progress)
    case = _case(task, model.spec)
    try:
        return ClassifyReply(classify_case(request.job, case, model, "", task.progress))
    finally:
        release_unused_memory()


def _case(task: Task, spec: ModelSpec) -> Case:
    request: ModelRunRequest = task.request
    volumes = {name: volume_of(request.folder, record) for name, record in request.channels.items()}
    poll = task.progress.cancel.raise_if_cancelled
    return match(spec, tuple(volumes.values()), chosen=volumes, accept=request.job.accept, poll=poll)
