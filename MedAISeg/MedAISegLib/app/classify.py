"""The path from images to what a classification model says of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.case import Case
from ..core.classification import ClassificationResult, ClassProbability, ImageClasses, image_names
from ..core.errors import ModelError
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..engine.backends import PLAIN
from ..engine.classify import class_probabilities
from ..engine.device import choose_device
from ..engine.slicewise import slices_of_case
from ..formats import ModelSource, read_model
from ..models.receipts import record_use
from ..models.spec import ModelSpec
from ..models.store import find_model
from .job import SegmentationJob
from .provenance import provenance_of
from .segment import LoadedModel, load_model, notices_before_run
from .study import read_case


def open_classifier(model: str) -> ModelSource:
    """Find a classification model by its id or path, and read what it is; its weights stay on disk.

    Raises:
        ModelError: if there is none of that name, or it does not classify.
    """
    source = read_model(find_model(model))
    if not source.spec.classes:
        raise ModelError("it is a segmentation model.", where=source.spec.name, remedy="Run it with: medaiseg segment.")
    return source


def classify(
    model: str,
    paths: Sequence[Path],
    *,
    device: str = "auto",
    accept: bool = False,
    progress: Progress | None = None,
) -> ClassificationResult:
    """What a model says of images.

    Args:
        model: its id or path.
        paths: files or folders, each with the images of one case; of a volume each slice is an image of its own for a
            model of flat images.
        accept: go on under the assumptions that would otherwise be asked about.

    Raises:
        ModelError: if the model cannot be used, or does not classify.
        InputError: if an image cannot be used.
        ResourceError: if the device is absent.
        Cancelled: if the user stopped the run.
    """
    progress = progress or Progress()
    source = open_classifier(model)
    job = SegmentationJob(model=model, device=device, accept=accept)
    choose_device(device)
    loaded = load_model(source, progress)
    found: list[ImageClasses] = []
    notices: list[Notice] = []
    for number, path in enumerate(paths):
        with progress.part(number, len(paths)):
            case = read_case(source.spec, path, accept=accept, progress=progress)
            result = classify_case(job, case, loaded, path.name, progress)
        found += result.images
        notices += result.notices
    return ClassificationResult(tuple(found), result.provenance, tuple(dict.fromkeys(notices)))


def classify_case(
    job: SegmentationJob, case: Case, model: LoadedModel, name: str, progress: Progress
) -> ClassificationResult:
    """What a model says of a case.

    Args:
        name: what the image is called; its slices, for a model of flat images, get a number each.

    Raises:
        ModelError: if the network does not fit the image or its description.
        ResourceError: if the device is absent.
        Cancelled: if the user stopped the run.
    """
    spec, stage = model.spec, model.spec.stages[0]
    device = choose_device(job.device)
    network = model.networks[0][0].to(device)
    pieces = [piece for _, piece in slices_of_case(case)] if stage.slicewise else [case]
    found = []
    for number, (title, piece) in enumerate(zip(image_names(name, len(pieces)), pieces, strict=True)):
        with progress.part(number, len(pieces)), progress.stage(RunStage.INFER):
            values = class_probabilities(piece, stage, network, device, progress)
        found.append(ImageClasses(title, _named(spec, values)))
    record_use(job.model)
    provenance = provenance_of(spec, job, str(device), str(PLAIN))
    return ClassificationResult(tuple(found), provenance, notices_before_run(spec, job, case))


def _named(spec: ModelSpec, values: tuple[float, ...]) -> tuple[ClassProbability, ...]:
    if len(values) != len(spec.classes):
        raise ModelError(f"the network gives {len(values)} scores for {len(spec.classes)} classes.")
    return tuple(ClassProbability(name, value) for name, value in zip(spec.classes, values, strict=True))
