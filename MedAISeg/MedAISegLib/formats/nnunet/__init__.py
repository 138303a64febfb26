"""nnU-Net v2: a trained model's folder with ``dataset.json``, ``plans.json`` and ``fold_*/checkpoint_final.pth``.

The plans are compiled; preparation, windows, test-time mirroring and the way back are those of ``nnUNetv2_predict``
(``DefaultPreprocessor``, ``nnUNetPredictor`` and ``export_prediction`` of nnunetv2; Isensee et al., Nature Methods 18,
2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.fingerprint import folder_sha256
from ...models.operations import Orient
from ...models.spec import (
    Activation,
    Blending,
    CropToLabels,
    InferenceStage,
    ModelSpec,
    Restore,
    SegmentSpec,
    WindowRule,
    Windows,
)
from .. import ModelSource
from ..own_description import FILE_NAME, OwnDescription, own_description
from .folders import DATASET, PLANS, TrainedModel, find_trained_model, is_nnunet
from .labels import Labels, named_segments, read_labels
from .parts import KEYS, PartDescription, PartsDescription, part_of, parts_description
from .plans import Configuration
from .preparation import channels, preprocessing

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NetworkPlan:
    """The networks of a stage: channels in, scores out."""

    model: TrainedModel
    inputs: int
    heads: int


_OVERLAP = 0.5
_USUAL_TRAINER = "nnUNetTrainer"


def recognises(path: Path) -> bool:
    """Whether the path is a trained model's folder, or holds one or several."""
    return is_nnunet(path)


def read(path: Path) -> ModelSource:
    """Compile a trained model, or a set of them that paint one result; no weights are loaded.

    Raises:
        NotTrustedError: if a checkpoint holds code.
        ModelError: if it is damaged or not supported.
    """
    described = parts_description(path)
    own = own_description(path, known=KEYS)
    try:
        return _read_one(path, own) if described is None else _read_parts(path, described, own)
    except ValueError as error:
        raise ModelError(f"{error}.", where=str(path)) from error


def _read_one(path: Path, own: OwnDescription) -> ModelSource:
    model = find_trained_model(path)
    labels = read_labels(model.dataset, str(model.root / DATASET))
    stages = tuple(_stage(step, labels, number) for number, step in enumerate(model.stages))
    spec = _spec(path, model, model.stages, own, labels.segments, stages)
    # A cascade's second network sees each label of the first as a further channel.
    further = [0 if step.previous is None else len(labels.segments) for step in model.stages]
    plans = [
        NetworkPlan(step, len(spec.channels) + more, labels.heads)
        for step, more in zip(model.stages, further, strict=True)
    ]
    return ModelSource(spec, partial(_build_networks, tuple(plans)))


def _read_parts(path: Path, described: PartsDescription, own: OwnDescription) -> ModelSource:
    folders = [part.folder for part in described.parts]
    rough = described.crop
    models = [part_of(path, folder) for folder in ([rough.folder] if rough else []) + folders]
    labels = [read_labels(model.dataset, str(model.root / DATASET)) for model in models]
    crop = CropToLabels(0, rough.labels, rough.margin_mm) if rough else None
    stages = []
    for number, (model, known) in enumerate(zip(models, labels, strict=True)):
        stage = _stage(model, known, number)
        if described.orientation:
            stage = replace(stage, preprocessing=(Orient(described.orientation), *stage.preprocessing))
        part = number - len(models) + len(folders)
        if part >= 0:
            stage = replace(stage, crop=crop, paints=_paints(described.parts[part], known))
        stages.append(stage)
    segments = named_segments(dict(own.labels or {}), {value for stage in stages for value in stage.paints if value})
    first = len(models) - len(folders)
    merged = tuple(range(first, len(models)))
    spec = replace(_spec(path, models[first], tuple(models), own, segments, tuple(stages)), merged=merged)
    plans = [NetworkPlan(model, len(spec.channels), known.heads) for model, known in zip(models, labels, strict=True)]
    return ModelSource(spec, partial(_build_networks, tuple(plans)))


def _paints(part: PartDescription, labels: Labels) -> tuple[int, ...]:
    if len(part.paints) != len(labels.segments) + 1 or part.paints[0] != 0:
        raise ModelError(
            f"it paints {len(part.paints)} values; the part has a background, which stays 0, and "
            f"{len(labels.segments)} labels.",
            where=part.folder,
        )
    return part.paints


def _stage(model: TrainedModel, labels: Labels, number: int) -> InferenceStage:
    return InferenceStage(
        preprocessing=preprocessing(model.configuration),
        windows=_windows(model.configuration, model.mirror_axes),
        decision=labels.decision,
        restore=Restore(Activation.NONE),
        labels_of=number - 1 if model.previous else None,
    )


def _windows(config: Configuration, mirror_axes: tuple[int, ...]) -> Windows:
    flips = tuple(axes for n in range(1, len(mirror_axes) + 1) for axes in combinations(mirror_axes, n))
    if config.is_2d:
        height, width = config.patch_size
        flips = tuple(tuple(axis + 1 for axis in axes) for axes in flips)
        size, overlap = (1, height, width), (0.0, _OVERLAP, _OVERLAP)
    else:
        depth, height, width = config.patch_size
        size, overlap = (depth, height, width), (_OVERLAP, _OVERLAP, _OVERLAP)
    return Windows(size, overlap, Blending.GAUSSIAN, test_time_flips=flips, rule=WindowRule.NNUNET)


def _spec(
    path: Path,
    model: TrainedModel,
    steps: tuple[TrainedModel, ...],
    own: OwnDescription,
    segments: tuple[SegmentSpec, ...],
    stages: tuple[InferenceStage, ...],
) -> ModelSpec:
    identifier = path.resolve().name
    files = [path / FILE_NAME]
    for step in steps:
        files += [step.root / DATASET, step.root / PLANS, *step.checkpoints]
    return ModelSpec(
        id=identifier,
        name=own.name or _text(model, "name") or f"{model.configuration.dataset_name} {model.configuration.name}",
        format="nnunet",
        channels=own.channels or channels(model.dataset, model.configuration),
        stages=stages,
        segments=segments,
        version=own.version or _text(model, "release"),
        description=own.description or _text(model, "description"),
        anatomy=own.anatomy,
        license=own.license or _text(model, "licence") or _text(model, "license"),
        commercial_use=own.commercial_use,
        citation=own.citation or _text(model, "reference"),
        intended_use=own.intended_use,
        sha256=folder_sha256(path.resolve(), [_below(path, file) for file in files]),
        wants_region=own.wants_region,
        notices=_notices(model),
    )


def _below(path: Path, file: Path) -> str:
    return file.resolve().relative_to(path.resolve()).as_posix()


def _text(model: TrainedModel, key: str) -> str:
    value = model.dataset.get(key)
    return value.strip() if isinstance(value, str) else ""


def _notices(model: TrainedModel) -> tuple[Notice, ...]:
    notices = []
    if len(model.checkpoints) > 1:
        notices.append(Notice("folds", f"The scores of {len(model.checkpoints)} folds are averaged."))
    if not model.trainer.startswith(_USUAL_TRAINER):
        message = f"It was trained by {model.trainer}; if that changed more than the training, labels may differ."
        notices.append(Notice("unknown-trainer", message))
    return tuple(notices)


def _build_networks(plans: tuple[NetworkPlan, ...]) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch takes seconds, and a list of models does not need it.
    from .network import build_networks

    return tuple(build_networks(plan.model, plan.inputs, plan.heads) for plan in plans)
