"""The path from images to what a classification model says of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..core.case import Case
from ..core.classification import ClassificationResult, ClassProbability, ImageClasses
from ..core.errors import ModelError
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..engine.backends import PLAIN
from ..engine.classify import class_probabilities
from ..engine.device import choose_device
from ..engine.slicewise import slices_of_case
from ..formats import monai_classifier
from ..formats.classifier import ClassifierSource
from ..models.receipts import record_use
from ..models.store import find_model
from .job import SegmentationJob
from .provenance import provenance_of
from .study import read_case


def open_classifier(model: str) -> ClassifierSource:
    """Find a classification model by its id or path, and read what it is; its weights stay on disk.

    Raises:
        ModelError: if there is none of that name, or it does not classify.
    """
    return monai_classifier.read(find_model(model))


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
    compute = choose_device(device)
    with progress.stage(RunStage.LOAD_MODEL):
        network = source.build_network().to(compute)
    found: list[ImageClasses] = []
    notices: list[Notice] = list(source.spec.notices)
    for number, path in enumerate(paths):
        with progress.part(number, len(paths)):
            case = read_case(source.spec, path, accept=accept, progress=progress)
            notices += [notice for volume in case.channels.values() for notice in volume.notices]
            notices += case.notices
            for name, image in _images(case, path, flat=source.dimensions == 2):
                with progress.stage(RunStage.INFER):
                    values = class_probabilities(
                        image,
                        source.spec.stages[0],
                        network,
                        in_channels=source.in_channels,
                        flat=source.dimensions == 2,
                        progress=progress,
                    )
                found.append(ImageClasses(name, _named(source, values)))
    record_use(model)
    job = SegmentationJob(model=model, device=device, accept=accept)
    provenance = provenance_of(source.spec, job, str(compute), str(PLAIN))
    return ClassificationResult(tuple(found), provenance, tuple(dict.fromkeys(notices)))


def _images(case: Case, path: Path, *, flat: bool) -> Iterator[tuple[str, Case]]:
    count = case.geometry.shape_kji[0]
    if not flat:
        yield path.name, case
        return
    for number, (_, piece) in enumerate(slices_of_case(case), start=1):
        yield (path.name if count == 1 else f"{path.name}, slice {number}"), piece


def _named(source: ClassifierSource, values: tuple[float, ...]) -> tuple[ClassProbability, ...]:
    if len(values) != len(source.classes):
        raise ModelError(f"the network gives {len(values)} scores for {len(source.classes)} classes.")
    return tuple(ClassProbability(name, value) for name, value in zip(source.classes, values, strict=True))
