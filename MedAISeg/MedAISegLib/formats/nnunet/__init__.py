"""nnU-Net v2: a trained model's folder with ``dataset.json``, ``plans.json`` and ``fold_*/checkpoint_final.pth``.

Where training did not end, ``checkpoint_best.pth`` of each fold is run, and that is said.

The plans are compiled; preparation, windows, test-time mirroring and the way back are those of ``nnUNetv2_predict``
(``DefaultPreprocessor``, ``nnUNetPredictor`` and ``export_prediction`` of nnunetv2; Isensee et al., Nature Methods 18,
2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.fingerprint import folder_sha256
from ...models.spec import Decision, Ensemble, InferenceStage, ModelSpec, Regions, SegmentSpec
from .. import ModelSource
from ..own_description import FILE_NAME, OwnDescription, own_description
from ..recipe import Recipe
from .choices import Choice, choose, is_choice
from .folders import BEST, DATASET, FINAL, ON_ALL, PLANS, TrainedModel
from .labels import named_segments, read_labels
from .parts import KEYS, PartsDescription, parts_description
from .preparation import channels
from .stages import part_stages, plain_stage

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NetworkPlan:
    """The networks of a stage: channels in, scores out."""

    model: TrainedModel
    inputs: int
    heads: int


_USUAL_TRAINER = "nnUNetTrainer"


def recognises(path: Path) -> bool:
    """Whether the path is a trained model's folder, holds one or several, or names one of several."""
    return is_choice(path) or (path.is_dir() and parts_description(path) is not None)


def read(path: Path) -> ModelSource:
    """Compile a trained model, or a set of them that are averaged or paint one result; no weights are loaded.

    Raises:
        NotTrustedError: if a checkpoint holds code.
        ModelError: if it is damaged or not supported.
    """
    root = path if path.exists() else path.parent
    described = parts_description(root)
    own = own_description(root, known=KEYS)
    try:
        if described is not None and path.exists():
            return _read_parts(path, described, own)
        return _read_choice(choose(path), own)
    except ValueError as error:
        raise ModelError(f"{error}.", where=str(path)) from error


def _read_choice(choice: Choice, own: OwnDescription) -> ModelSource:
    models = list({step.root: step for member in choice.members for step in member.stages}.values())
    places = {model.root: number for number, model in enumerate(models)}
    labels = [read_labels(model.dataset, str(model.root / DATASET)) for model in models]
    first = labels[0]
    if any(one != first for one in labels):
        raise ModelError("its configurations do not have the same labels.", where=str(choice.root))
    stages = tuple(
        plain_stage(model, known, labels_of=places[model.previous.root] if model.previous else None)
        for model, known in zip(models, labels, strict=True)
    )
    members = tuple(places[member.root] for member in choice.members)
    spec = replace(
        _spec(choice.root, choice.members[0], tuple(models), own, first.segments, stages, choice.files),
        id=choice.id,
        variants=choice.variants,
        postprocessing=choice.postprocessing,
        ensemble=Ensemble(members, _of_probabilities(first.decision)) if len(members) > 1 else None,
    )
    spec = replace(spec, name=spec.name.replace(choice.members[0].name, " and ".join(choice.names)))
    if len(members) > 1:
        averaged = Notice("ensemble", f"The probabilities of {' and '.join(choice.names)} are averaged.")
        spec = replace(spec, notices=(averaged, *spec.notices))
    spec = replace(spec, notices=(*choice.notices, *spec.notices))
    # A cascade's second network sees each label of the first as a further channel.
    plans = [
        NetworkPlan(model, len(spec.channels) + (len(first.segments) if model.previous else 0), first.heads)
        for model in models
    ]
    return _source(spec, plans)


def _read_parts(path: Path, described: PartsDescription, own: OwnDescription) -> ModelSource:
    readings, stages, first = part_stages(path, described)
    segments = named_segments(dict(own.labels or {}), {value for stage in stages for value in stage.paints if value})
    models = [reading.model for reading in readings]
    merged = tuple(range(first, len(models)))
    spec = replace(_spec(path, models[first], tuple(models), own, segments, stages), merged=merged)
    plans = [NetworkPlan(one.model, len(spec.channels), one.labels.heads) for one in readings]
    return _source(spec, plans)


def _source(spec: ModelSpec, plans: Sequence[NetworkPlan]) -> ModelSource:
    members = tuple(len(plan.model.checkpoints) for plan in plans)
    return ModelSource(
        spec, partial(_build_networks, tuple(plans)), members=members, recipes=partial(_recipes, tuple(plans))
    )


def _of_probabilities(decision: Decision) -> Decision:
    """The decision that scores are made for, of their probabilities."""
    return replace(decision, threshold=0.5) if isinstance(decision, Regions) else decision


def _spec(
    path: Path,
    model: TrainedModel,
    steps: tuple[TrainedModel, ...],
    own: OwnDescription,
    segments: tuple[SegmentSpec, ...],
    stages: tuple[InferenceStage, ...],
    further_files: tuple[Path, ...] = (),
) -> ModelSpec:
    files = [path / FILE_NAME, *further_files]
    for step in steps:
        files += [step.root / DATASET, step.root / PLANS, *step.checkpoints]
    return ModelSpec(
        id=path.resolve().name,
        name=own.name or _text(model, "name") or f"{model.configuration.dataset_name} {model.name}",
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
        notices=_notices(steps),
    )


def _below(path: Path, file: Path) -> str:
    return file.resolve().relative_to(path.resolve()).as_posix()


def _text(model: TrainedModel, key: str) -> str:
    value = model.dataset.get(key)
    return value.strip() if isinstance(value, str) else ""


def _notices(models: Sequence[TrainedModel]) -> tuple[Notice, ...]:
    """Of all trained models that are run, each once."""
    return tuple(dict.fromkeys(notice for model in models for notice in _notices_of(model)))


def _notices_of(model: TrainedModel) -> Iterator[Notice]:
    kind = model.checkpoints[0].name
    if kind == BEST:
        message = f"Not all folds of {model.name} have a {FINAL}, as where training did not end, so that of each "
        yield Notice("checkpoint-best", f"{message}{BEST} is run, the one that did best until then.")
    if len(model.checkpoints) > 1:
        yield Notice("folds", f"The scores of {len(model.checkpoints)} folds are averaged.")
    if model.checkpoints[0].parent.name != ON_ALL and (model.root / ON_ALL / kind).is_file():
        yield Notice("fold-all", "Its fold that was trained on all images is left aside, as nnU-Net does.")
    unfinished = [f.name for f in sorted(model.root.glob("fold_*")) if f.is_dir() and not (f / kind).is_file()]
    if unfinished:
        message = f"Without a {kind}, as where training did not end, {', '.join(unfinished)} is left aside."
        yield Notice("fold-unfinished", message)
    if not model.trainer.startswith(_USUAL_TRAINER):
        trainer = model.trainer or "an unnamed trainer"
        message = f"It was trained by {trainer}; if that changed more than the training, labels may differ."
        yield Notice("unknown-trainer", message)


def _build_networks(plans: tuple[NetworkPlan, ...]) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch takes seconds, and a list of models does not need it.
    from .network import build_networks

    return tuple(build_networks(plan.model, plan.inputs, plan.heads) for plan in plans)


def _recipes(plans: tuple[NetworkPlan, ...]) -> tuple[tuple[Recipe, ...], ...]:
    from .network import recipe_of

    return tuple((recipe_of(plan.model, plan.inputs, plan.heads),) * len(plan.model.checkpoints) for plan in plans)
