"""SegResNet models of MONAI's Auto3DSeg: ``model.pt`` with its configuration inside, ``labels.csv`` beside it.

As published for Slicer, or as AutoRunner leaves them: a folder of one fold, or of several (``segresnet_0``, …), whose
probabilities are averaged; folders of other algorithms are left out and named. The configuration is compiled; nothing
in it is evaluated. What it means is defined by the ``segresnet`` algorithm template (Project-MONAI/
research-contributions, ``auto3dseg/algorithm_templates``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.fingerprint import folder_sha256
from ...models.spec import (
    PLAIN_MEAN,
    Activation,
    Argmax,
    Averaging,
    Decision,
    InferenceStage,
    ModelSpec,
    Regions,
    Restore,
    SegmentSpec,
    Threshold,
)
from .. import ModelSource
from ..own_description import FILE_NAME, OwnDescription, own_description
from ..recipe import Recipe
from .checkpoints import Checkpoint, find_checkpoints, is_auto3dseg
from .config import Configuration
from .labels import LABELS, read_segments
from .other_algorithms import left_out, other_algorithms
from .preparation import activation, channels, preprocessing, windows

if TYPE_CHECKING:
    import torch


def recognises(path: Path) -> bool:
    """Whether the path is such a checkpoint, or a folder that holds one."""
    return is_auto3dseg(path)


def read(path: Path) -> ModelSource:
    """Compile a model; its weights are not loaded.

    Raises:
        NotTrustedError: if the checkpoint holds code, or the configuration asks for transforms of its own.
        ModelError: if it is damaged or not supported.
    """
    found = find_checkpoints(path)
    config, root = found[0].config, path if path.is_dir() else path.parent
    own = own_description(found[0].labels_folder)
    segments = read_segments(found[0].labels_folder / LABELS, config)
    active = activation(config)
    # Of several folds the probabilities are averaged (MONAI's AlgoEnsemble), those of one as they come.
    averaging, later = (Averaging(active), Activation.NONE) if len(found) > 1 else (PLAIN_MEAN, active)
    stage = InferenceStage(
        preprocessing=preprocessing(config),
        windows=windows(config),
        decision=_decision(config, own, segments),
        restore=Restore(later),
        averaging=averaging,
        channels_apart=bool(config.extra_modalities),
    )
    try:
        spec = _spec(root, path, found, own, stage, segments)
    except ValueError as error:
        raise ModelError(f"{error}.", where=str(path)) from error
    return ModelSource(
        spec, partial(_build_networks, tuple(found)), members=(len(found),), recipes=partial(_recipes, tuple(found))
    )


def _decision(config: Configuration, own: OwnDescription, segments: tuple[SegmentSpec, ...]) -> Decision:
    if not config.sigmoid:
        return Argmax()
    if own.paint:
        if len(own.paint) != config.output_classes:
            raise ModelError(
                f"it paints {len(own.paint)} labels, and the network has {config.output_classes} classes.",
                where=FILE_NAME,
            )
        return Regions(own.paint)
    named = {segment.label_value for segment in segments}
    return Threshold(tuple(value if value in named else 0 for value in range(1, config.output_classes + 1)))


def _spec(
    root: Path,
    path: Path,
    found: tuple[Checkpoint, ...],
    own: OwnDescription,
    stage: InferenceStage,
    segments: tuple[SegmentSpec, ...],
) -> ModelSpec:
    identifier = path.resolve().stem if path.is_file() else path.resolve().name
    files = [checkpoint.path for checkpoint in found]
    files += [checkpoint.labels_folder / name for checkpoint in found[:1] for name in (LABELS, FILE_NAME)]
    return ModelSpec(
        id=identifier,
        name=own.name or identifier,
        format="auto3dseg",
        channels=channels(found[0].config, own),
        stages=(stage,),
        segments=segments,
        version=own.version,
        description=own.description,
        anatomy=own.anatomy,
        license=own.license,
        commercial_use=own.commercial_use,
        citation=own.citation,
        intended_use=own.intended_use,
        sha256=folder_sha256(root, [file.relative_to(root).as_posix() for file in files]),
        wants_region=own.wants_region,
        notices=_folds_notice(found) + (left_out(other_algorithms(path)) if path.is_dir() else ()),
    )


def _folds_notice(found: tuple[Checkpoint, ...]) -> tuple[Notice, ...]:
    if len(found) == 1:
        return ()
    return (Notice("folds", f"The probabilities of {len(found)} folds are averaged."),)


def _build_networks(found: tuple[Checkpoint, ...]) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch and MONAI takes seconds, and a list of models needs neither.
    from .network import build_network

    return (tuple(build_network(checkpoint) for checkpoint in found),)


def _recipes(found: tuple[Checkpoint, ...]) -> tuple[tuple[Recipe, ...], ...]:
    from .network import recipe_of

    return (tuple(recipe_of(checkpoint) for checkpoint in found),)
