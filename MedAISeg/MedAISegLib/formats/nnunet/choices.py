"""Which of a folder's trained models are run: one configuration, a cascade, or several that are averaged.

A folder of several is named as such, or with one of its configurations, ``liver/2d``, or with several of them,
``liver/2d+3d_fullres``, or ``liver/ensemble`` for all. As such it runs what ``nnUNetv2_find_best_configuration`` found
to be best, where its ``inference_information.json`` is there. Configurations of the same name are told apart by their
plans, then by their trainer: ``liver/2d__nnUNetResEncUNetMPlans``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from ...models.operations import LabelOperation
from ...models.store import has_configurations
from .folders import TrainedModel, checkpoints_of, is_nnunet, read_mapping, trained_models
from .postprocessing import read_postprocessing

ALL = "ensemble"
_INFORMATION = "inference_information.json"
_USUAL = ("3d_fullres", "3d_cascade_fullres", "3d_lowres", "2d")
"""In this order, where nothing says which configuration is best."""
_PLAIN_PLANS, _PLAIN_TRAINER = "nnUNetPlans", "nnUNetTrainer"


@dataclass(frozen=True)
class Choice:
    """What is run.

    Attributes:
        root: the folder of all.
        id: the folder's name, and what was chosen in it.
        members: one, or several whose probabilities are averaged; names: theirs, each another.
        variants: what may be chosen; empty where there is one configuration.
        files: beside the models', of which the result depends.
    """

    root: Path
    id: str
    members: tuple[TrainedModel, ...]
    names: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    postprocessing: tuple[LabelOperation, ...] = ()
    notices: tuple[Notice, ...] = ()
    files: tuple[Path, ...] = ()


def is_choice(path: Path) -> bool:
    """Whether the path is a folder with trained models, or the name of a configuration below one."""
    return is_nnunet(path) if path.exists() else has_configurations(path.parent)


def choose(path: Path) -> Choice:
    """The models that a path names.

    Raises:
        ModelError: if there are none of that name, they do not belong together or are damaged.
        NotTrustedError: if a checkpoint holds code.
    """
    root, name = (path, "") if path.exists() else (path.parent, path.name)
    named = _named(trained_models(root))
    whole = {label: model for label, model in named.items() if _previous(model, named.values()) is not None}
    variants = (*named, *((ALL,) if len(whole) > 1 else ())) if len(named) > 1 else ()
    choice = Choice(root, root.resolve().name + (f"/{name}" if name else ""), (), variants=variants)
    if name:
        return _with_members(choice, list(whole) if name == ALL else name.split("+"), named)
    return _best(choice, named) or _usual(choice, named)


def only_folds(model: TrainedModel, folds: Sequence[str]) -> TrainedModel:
    """The model with some of its folds; with all where none is named.

    Raises:
        ModelError: if one is missing, or they have no checkpoint of the same name.
    """
    names = [f"fold_{fold}" for fold in folds]
    return replace(model, checkpoints=checkpoints_of(model.root, names)) if names else model


def _named(models: Sequence[TrainedModel]) -> dict[str, TrainedModel]:
    """By configuration, with plans and trainer as far as others have it too; by folder where that does not suffice.

    A label that is the name of a folder would stand for that folder alone, without a cascade's first step.
    """
    counts = Counter(label for model in models for label in _labels(model))
    return {next((label for label in _labels(model) if counts[label] == 1), model.root.name): model for model in models}


def _labels(model: TrainedModel) -> list[str]:
    """From the short to the long."""
    parts = [model.name, *filter(None, reversed(_origin(model)))]
    return ["__".join(parts[: n + 1]) for n in range(len(parts))]


def _origin(model: TrainedModel) -> tuple[str, str]:
    """Trainer and plans by the folder's name; empty where nnU-Net did not name it."""
    trainer, *plans, _ = model.root.name.split("__") if model.root.name.count("__") == 2 else ("", "", "")
    return trainer, plans[0]


def _with_members(choice: Choice, wanted: Sequence[str], named: Mapping[str, TrainedModel]) -> Choice:
    by_folder = {model.root.name: label for label, model in named.items()}
    names = tuple(dict.fromkeys(by_folder.get(label, label) for label in wanted))
    return replace(choice, names=names, members=tuple(_completed(name, named, choice.root) for name in names))


def _completed(label: str, named: Mapping[str, TrainedModel], root: Path) -> TrainedModel:
    """The model with the one whose labels it needs."""
    if label not in named:
        raise ModelError(f"it has no configuration {label!r}.", where=str(root), remedy=f"It has {', '.join(named)}.")
    model = named[label]
    previous = _previous(model, named.values())
    if previous is None:
        raise ModelError(
            f"it is the second step of a cascade and needs the labels of {model.configuration.previous_stage}.",
            where=str(root),
            remedy="Give the folder that holds both trained models.",
        )
    return model if previous is model else replace(model, previous=previous)


def _previous(model: TrainedModel, models: Any) -> TrainedModel | None:
    """Of a cascade's second step the first, of the same trainer and plans; else itself."""
    wanted = model.configuration.previous_stage
    if not wanted:
        return model
    return next((other for other in models if other.name == wanted and _origin(other) == _origin(model)), None)


def _best(choice: Choice, named: Mapping[str, TrainedModel]) -> Choice | None:
    """What nnU-Net found to be best; None where that is not known, or is not here."""
    dataset = next(iter(named.values())).root.parent
    file = dataset / _INFORMATION
    if not (file.is_file() and dataset.is_relative_to(choice.root)):
        return None
    content = read_mapping(file)
    best = content.get("best_model_or_ensemble")
    selected = best.get("selected_model_or_models") if isinstance(best, dict) else None
    labels = [_label_of(entry, named) for entry in selected] if isinstance(selected, list) else []
    found = [label for label in labels if label is not None]
    if not isinstance(best, dict) or not found or len(found) < len(labels):
        return None
    choice = _with_members(choice, found, named)
    members = tuple(_with_known_folds(member, content) for member in choice.members)
    operations, notices, files = read_postprocessing(dataset, str(best.get("postprocessing_file") or ""))
    text = f"Of its configurations {' and '.join(found)} are averaged" if len(found) > 1 else f"{found[0]} is run"
    told = Notice("configuration", f"{text}, which nnU-Net found to be best.")
    chosen = (told,) if len(named) > 1 else ()
    return replace(
        choice,
        members=members,
        postprocessing=operations,
        notices=(*chosen, *notices),
        files=(file, *files),
    )


def _label_of(entry: Any, named: Mapping[str, TrainedModel]) -> str | None:
    if not isinstance(entry, dict):
        return None
    folder = "__".join(str(entry.get(key)) for key in ("trainer", "plans_identifier", "configuration"))
    by_folder = [label for label, model in named.items() if model.root.name == folder]
    by_name = [label for label in named if label == entry.get("configuration")]
    return next(iter(by_folder or by_name), None)


def _with_known_folds(model: TrainedModel, content: Mapping[str, Any]) -> TrainedModel:
    """With the folds that were found to be best, where all of them are here."""
    folds = content.get("folds")
    names = [str(fold) for fold in folds] if isinstance(folds, list) else []
    if model.previous is not None:
        model = replace(model, previous=_with_known_folds(model.previous, content))
    present = {file.parent.name for file in model.checkpoints}
    return only_folds(model, names) if {f"fold_{name}" for name in names} <= present else model


def _usual(choice: Choice, named: Mapping[str, TrainedModel]) -> Choice:
    """The only model, a cascade with nothing beside it, or the configuration that most use."""
    if len(named) == 1:
        return _with_members(choice, list(named), named)
    cascades = [label for label, model in named.items() if model.configuration.previous_stage]
    if len(cascades) == 1 and len(named) == 2 and _previous(named[cascades[0]], named.values()):
        return _with_members(choice, cascades, named)
    usual = _most_usual(named)
    if usual is None:
        raise ModelError(
            f"it holds {len(named)} trained models.",
            where=str(choice.root),
            remedy=f"Choose one: {', '.join(f'{choice.id}/{label}' for label in named)}.",
        )
    others = ", ".join(f"{choice.id}/{label}" for label in choice.variants if label != usual)
    text = f"Of its configurations {usual} is run. To run another, choose it by name: {others}."
    told = Notice("configuration", text)
    return replace(_with_members(choice, [usual], named), notices=(told,))


def _most_usual(named: Mapping[str, TrainedModel]) -> str | None:
    """Of the usual configurations the first, as nnU-Net plans and trains it by default where several have it.

    None where there is none, or where the folders of several that have it do not tell them apart.
    """

    def rank(label: str) -> tuple[int, bool, bool]:
        trainer, plans = _origin(named[label])
        return _USUAL.index(named[label].name), plans != _PLAIN_PLANS, trainer != _PLAIN_TRAINER

    def kind(label: str) -> tuple[str, tuple[str, str]]:
        return named[label].name, _origin(named[label])

    known = [label for label in named if named[label].name in _USUAL and _previous(named[label], named.values())]
    if not known:
        return None
    first = min(known, key=rank)
    return first if [kind(label) for label in known].count(kind(first)) == 1 else None
