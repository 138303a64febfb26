"""Where the files of a trained model lie, and what its checkpoints say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ..checkpoint_facts import checkpoint_facts
from ..texts import text_of
from .plans import Configuration, read_configuration

DATASET = "dataset.json"
PLANS = "plans.json"
FINAL, BEST, ON_ALL = "checkpoint_final.pth", "checkpoint_best.pth", "fold_all"
"""Of a fold's checkpoints that of the end of its training, and the one that did best until then."""
_OLD_PLANS, _OLD_CHECKPOINT = "plans.pkl", "model_final_checkpoint.model"
_DEPTH = 4


@dataclass(frozen=True)
class TrainedModel:
    """One configuration with its folds.

    Attributes:
        root: the folder with plans and folds.
        dataset: the content of ``dataset.json``.
        checkpoints: one a fold, in the order of their names, all of the same name themselves.
        mirror_axes: axes of a window along which predictions may be mirrored.
        trainer: name of the class that trained it.
        previous: of a cascade, the model whose labels this one is given.
    """

    root: Path
    dataset: Mapping[str, Any]
    configuration: Configuration
    checkpoints: tuple[Path, ...]
    mirror_axes: tuple[int, ...]
    trainer: str
    previous: TrainedModel | None = None

    @property
    def name(self) -> str:
        """Of its configuration."""
        return self.configuration.name

    @property
    def stages(self) -> tuple[TrainedModel, ...]:
        """Itself, and before it the one whose labels it is given."""
        return (self,) if self.previous is None else (*self.previous.stages, self)


def is_nnunet(path: Path) -> bool:
    """Whether there is a trained model of nnU-Net, version 1 included, which is refused with its name."""
    return path.is_dir() and bool(_model_folders(path) or _version_1(path))


def trained_models(path: Path) -> tuple[TrainedModel, ...]:
    """The trained models in a folder, all of one dataset; none of them knows of the others.

    Raises:
        ModelError: if there is none, or they are of several datasets, or one is damaged; nnU-Net v1 is named.
        NotTrustedError: if a checkpoint holds code.
    """
    folders = _model_folders(path)
    if not folders:
        raise ModelError(
            "it is a model of nnU-Net v1, which is not supported.",
            where=str(path),
            remedy="Ask its author for an nnU-Net v2 model.",
        )
    datasets = sorted({folder.parent for folder in folders})
    if len(datasets) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in datasets)
        raise ModelError(
            f"it holds trained models of {len(datasets)} datasets.",
            where=str(path),
            remedy=f"Choose the folder of one: {names}.",
        )
    return tuple(_trained_model(folder) for folder in folders)


def _trained_model(root: Path) -> TrainedModel:
    plans, dataset = read_mapping(root / PLANS), read_mapping(root / DATASET)
    checkpoints = checkpoints_of(root)
    facts = checkpoint_facts(checkpoints[0])
    arguments = facts.get("init_args")
    name = arguments.get("configuration") if isinstance(arguments, dict) else None
    name = name if isinstance(name, str) else root.name.rpartition("__")[2]
    axes, trainer = facts.get("inference_allowed_mirroring_axes"), facts.get("trainer_name")
    configuration = read_configuration(plans, name, str(root / PLANS))
    mirror_axes = tuple(int(axis) for axis in axes[:4]) if isinstance(axes, (tuple, list)) else ()
    if len(set(mirror_axes)) != len(mirror_axes) or not set(mirror_axes) <= set(range(len(configuration.patch_size))):
        what = f"it mirrors along the axes {mirror_axes}, and its windows have {len(configuration.patch_size)}."
        raise ModelError(what, where=str(checkpoints[0]))
    return TrainedModel(
        root=root,
        dataset=dataset,
        configuration=configuration,
        checkpoints=checkpoints,
        mirror_axes=mirror_axes,
        trainer=trainer if isinstance(trainer, str) else "",
    )


def _model_folders(path: Path) -> list[Path]:
    """Folders with plans, a dataset and folds, at or below the path."""
    return _outermost(path, _is_model_folder)


def _outermost(path: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Folders that are wanted, at or below the path, none inside another."""
    found: list[Path] = []
    level = [path]
    for _ in range(_DEPTH):
        found += [folder for folder in level if wanted(folder)]
        level = sorted(inner for folder in level if folder not in found for inner in _subfolders(folder))
    return found


def _is_model_folder(folder: Path) -> bool:
    return (folder / PLANS).is_file() and (folder / DATASET).is_file() and any(folder.glob("fold_*"))


def _subfolders(folder: Path) -> list[Path]:
    return [inner for inner in folder.iterdir() if inner.is_dir() and not inner.is_symlink()]


def _version_1(path: Path) -> bool:
    return bool(_outermost(path, _is_old_model_folder))


def _is_old_model_folder(folder: Path) -> bool:
    """Folds lie beside the plans; a model trained on all images has its in ``all``."""
    return (folder / _OLD_PLANS).is_file() and any((inner / _OLD_CHECKPOINT).is_file() for inner in _subfolders(folder))


def checkpoints_of(root: Path, folds: Sequence[str] = ()) -> tuple[Path, ...]:
    """The final checkpoint of each fold, or the best of each, as ``nnUNetv2_predict -chk`` takes one name for all.

    Args:
        folds: names of their folders; where none is named, those of the cross-validation that have such a checkpoint,
            or the one trained on all images where there are no others.

    Raises:
        ModelError: if there is none, a fold is missing, or neither of the two is there for all folds that are named.
    """
    kinds = [
        {file.parent.name: file for file in sorted(root.glob(f"fold_*/{name}")) if file.is_file()}
        for name in (FINAL, BEST)
    ]
    found = next((kind for kind in kinds if kind and kind.keys() >= set(folds)), None)
    if found is None:
        raise ModelError(
            _lacking(folds, *kinds),
            where=str(root),
            remedy="Training may have been stopped before its end: finish it, or ask the model's author for the file.",
        )
    return tuple(found[fold] for fold in folds or [fold for fold in found if fold != ON_ALL] or found)


def _lacking(folds: Sequence[str], final: Mapping[str, Path], best: Mapping[str, Path]) -> str:
    """Why the folds cannot be run together."""
    if not folds:
        return f"its weights are missing: no fold has a {FINAL} or a {BEST}."
    missing = next((fold for fold in folds if fold not in final and fold not in best), "")
    if missing:
        return f"its {missing} is missing."
    unfinished, finished = (", ".join(f for f in folds if f not in kind) for kind in (final, best))
    return f"its folds have no checkpoint of the same name: {unfinished} no {FINAL}, {finished} no {BEST}."


def read_mapping(path: Path) -> Mapping[str, Any]:
    """A mapping in a JSON file.

    Raises:
        ModelError: if it is none, or too large.
    """
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be read: {error}.", where=str(path)) from error
    if not isinstance(content, dict):
        raise ModelError("a mapping is expected.", where=str(path))
    return content
