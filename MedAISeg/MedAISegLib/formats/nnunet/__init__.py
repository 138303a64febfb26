"""nnU-Net v2: a trained model's folder with ``dataset.json``, ``plans.json`` and ``fold_*/checkpoint_final.pth``.

The plans are compiled; preparation, windows, test-time mirroring and the way back are those of ``nnUNetv2_predict``
(``DefaultPreprocessor``, ``nnUNetPredictor`` and ``export_prediction`` of nnunetv2; Isensee et al., Nature Methods 18,
2021).
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.fingerprint import folder_sha256
from ...models.spec import Activation, Blending, InferenceStage, ModelSpec, Restore, WindowRule, Windows
from .. import ModelSource
from ..own_description import FILE_NAME, OwnDescription, own_description
from .folders import DATASET, PLANS, TrainedModel, find_trained_model, is_nnunet
from .labels import Labels, read_labels
from .plans import Configuration
from .preparation import channels, preprocessing

if TYPE_CHECKING:
    import torch

_OVERLAP = 0.5
_USUAL_TRAINER = "nnUNetTrainer"


def recognises(path: Path) -> bool:
    """Whether the path is a trained model's folder, or holds one."""
    return is_nnunet(path)


def read(path: Path) -> ModelSource:
    """Compile a trained model; its weights are not loaded.

    Raises:
        NotTrustedError: if a checkpoint holds code.
        ModelError: if it is damaged or not supported.
    """
    model = find_trained_model(path)
    labels, own = read_labels(model.dataset, str(model.root / DATASET)), own_description(path)
    stages = tuple(_stage(step, labels, number) for number, step in enumerate(model.stages))
    try:
        spec = _spec(path, model, labels, own, stages)
    except ValueError as error:
        raise ModelError(f"{error}.", where=str(path)) from error
    return ModelSource(spec, partial(_build_networks, model, len(spec.channels), labels.heads, len(labels.segments)))


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
    path: Path, model: TrainedModel, labels: Labels, own: OwnDescription, stages: tuple[InferenceStage, ...]
) -> ModelSpec:
    identifier = path.resolve().name
    files = [path / FILE_NAME]
    for step in model.stages:
        files += [step.root / DATASET, step.root / PLANS, *step.checkpoints]
    return ModelSpec(
        id=identifier,
        name=own.name or _text(model, "name") or f"{model.configuration.dataset_name} {model.configuration.name}",
        format="nnunet",
        channels=own.channels or channels(model.dataset, model.configuration),
        stages=stages,
        segments=labels.segments,
        version=own.version or _text(model, "release"),
        description=own.description or _text(model, "description"),
        anatomy=own.anatomy,
        license=own.license or _text(model, "licence") or _text(model, "license"),
        commercial_use=own.commercial_use,
        citation=own.citation or _text(model, "reference"),
        intended_use=own.intended_use,
        sha256=folder_sha256(path, [file.relative_to(path).as_posix() for file in files]),
        wants_region=own.wants_region,
        notices=_notices(model),
    )


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


def _build_networks(
    model: TrainedModel, inputs: int, heads: int, labels: int
) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch takes seconds, and a list of models does not need it.
    from .network import build_networks

    # A cascade's second network sees each label of the first as a further channel.
    further = [0 if step.previous is None else labels for step in model.stages]
    return tuple(build_networks(step, inputs + more, heads) for step, more in zip(model.stages, further, strict=True))
