"""The stages of trained models: alone, and as parts that paint one result, with the rough models that look first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from ...core.errors import ModelError
from ...models.operations import Operation, Orient, Zoom
from ...models.spec import (
    Activation,
    Argmax,
    Blending,
    CropToLabels,
    InferenceStage,
    Restore,
    WindowRule,
    Windows,
)
from .folders import DATASET, TrainedModel
from .labels import Labels, read_labels
from .parts import CropDescription, PartDescription, PartsDescription, Pipeline, part_of
from .plans import Configuration
from .preparation import preprocessing

_OVERLAP = 0.5


@dataclass(frozen=True)
class Reading:
    """A trained model and its labels."""

    model: TrainedModel
    labels: Labels


def plain_stage(model: TrainedModel, labels: Labels, labels_of: int | None = None) -> InferenceStage:
    """As ``nnUNetv2_predict`` runs it."""
    probability = Activation.SOFTMAX if isinstance(labels.decision, Argmax) else Activation.SIGMOID
    return InferenceStage(
        preprocessing=preprocessing(model.configuration),
        windows=_windows(model.configuration, model.mirror_axes),
        decision=labels.decision,
        restore=Restore(Activation.NONE, probability=probability),
        labels_of=labels_of,
    )


def part_stages(path: Path, described: PartsDescription) -> tuple[tuple[Reading, ...], tuple[InferenceStage, ...], int]:
    """The stages of a set of parts: the rough models, each looking where the one before found something, then parts.

    Returns:
        The trained model of each stage, the stages, and the index of the first part.

    Raises:
        ModelError: if a part is missing or paints another number of values than it has labels.
        NotTrustedError: if a checkpoint holds code.
    """
    rough = _rough(described.crop)
    readings, stages = [], []
    crop: CropToLabels | None = None
    for number, looking in enumerate(rough):
        reading, stage = _read(path, looking, looking.pipeline, described.orientation)
        readings.append(reading)
        stages.append(replace(stage, crop=crop))
        crop = CropToLabels(number, looking.labels, looking.margin_mm, looking.whole_numbers)
    for part in described.parts:
        reading, stage = _read(path, part, described.pipeline, described.orientation)
        readings.append(reading)
        stages.append(replace(stage, crop=crop, paints=_paints(part, reading.labels)))
    return tuple(readings), tuple(stages), len(rough)


def _read(
    path: Path, description: PartDescription | CropDescription, pipeline: Pipeline, orientation: str
) -> tuple[Reading, InferenceStage]:
    model = part_of(path, description)
    reading = Reading(model, read_labels(model.dataset, str(model.root / DATASET)))
    return reading, _in_pipeline(reading, pipeline, orientation)


def _rough(crop: CropDescription | None) -> tuple[CropDescription, ...]:
    """The one that looks at the whole image first."""
    return () if crop is None else (*_rough(crop.crop), crop)


def _in_pipeline(reading: Reading, pipeline: Pipeline, orientation: str) -> InferenceStage:
    stage = plain_stage(reading.model, reading.labels)
    before: list[Operation] = [Orient(orientation)] if orientation else []
    if pipeline.spacing_mm is not None:
        before.append(Zoom(pipeline.spacing_mm))
    windows = replace(stage.windows, overlap=_overlap(reading.model.configuration, pipeline.step))
    if not pipeline.mirroring:
        windows = replace(windows, test_time_flips=())
    restore = replace(stage.restore, cleaning=pipeline.postprocessing)
    return replace(stage, preprocessing=(*before, *stage.preprocessing), windows=windows, restore=restore)


def _paints(part: PartDescription, labels: Labels) -> tuple[int, ...]:
    if len(part.paints) != len(labels.segments) + 1 or part.paints[0] != 0:
        raise ModelError(
            f"it paints {len(part.paints)} values; the part has a background, which stays 0, and "
            f"{len(labels.segments)} labels.",
            where=part.folder,
        )
    return part.paints


def _windows(config: Configuration, mirror_axes: tuple[int, ...]) -> Windows:
    flips = tuple(axes for n in range(1, len(mirror_axes) + 1) for axes in combinations(mirror_axes, n))
    if config.is_2d:
        height, width = config.patch_size
        flips = tuple(tuple(axis + 1 for axis in axes) for axes in flips)
        size = (1, height, width)
    else:
        depth, height, width = config.patch_size
        size = (depth, height, width)
    overlap = _overlap(config, 1.0 - _OVERLAP)
    return Windows(size, overlap, Blending.GAUSSIAN, test_time_flips=flips, rule=WindowRule.NNUNET)


def _overlap(config: Configuration, step: float) -> tuple[float, float, float]:
    share = 1.0 - step
    return (0.0 if config.is_2d else share, share, share)
