"""Any model as a folder of our own layout: its weights as safetensors, or its networks as TorchScript."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from ...core.errors import ModelError, ResourceError, UsageError
from ...core.notice import Notice
from ...core.unfinished import done_wholly, unfinished
from ...models.spec import Argmax, InferenceStage, Windows
from .. import ModelSource, read_model
from ..checkpoint import distinct_weights
from ..recipe import Recipe
from . import NAME
from .description import Description, NetworkFile, description_of, read_description, write_description
from .networks import CheckedNetwork, first_output, open_network, try_out
from .onnx_file import external_files
from .scripting import as_torchscript, same_scores, trial_windows

_TEXTS = ("LICENSE*", "README*", "docs/LICENSE*", "docs/README*")


@dataclass(frozen=True)
class Exported:
    """A folder that was written, and what there is to say of it."""

    folder: Path
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class _Passage:
    """What goes into a stage's networks, and what of them is tried."""

    inputs: int
    windows: Windows
    where: str


def export_model(source: ModelSource, path: Path, folder: Path) -> Exported:
    """Write a model into a new folder, and try what was written.

    A network that is known by its name becomes its weights alone, which hold no code; TorchScript and ONNX stay as they
    are; what else there is becomes TorchScript.

    Args:
        path: where the model lies, for the licence and the card beside it.

    Raises:
        UsageError: if the folder exists and is not empty.
        ModelError: if it classifies or runs by code of its own, its networks cannot be written, or would not compute
            the same.
        ResourceError: if the folder cannot be written.
    """
    if source.spec.own_code:
        raise ModelError("it runs by code of its own, which no description can stand for.", where=source.spec.id)
    if source.spec.classes:
        raise ModelError("it is a classification model, and our layout is for segmentation.", where=source.spec.id)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("it exists and is not empty.", where=str(folder))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with done_wholly() as begin_last_part, unfinished(folder.parent / f".part-{secrets.token_hex(6)}") as scratch:
            made = scratch / folder.name
            made.mkdir(parents=True)
            notices = _write(source, path, made)
            read_model(made).build_networks()
            begin_last_part()
            if folder.exists():
                folder.rmdir()
            made.replace(folder)
    except OSError as error:
        raise ResourceError(f"it cannot be written: {error.strerror or error}.", where=str(folder)) from error
    return Exported(folder, notices)


def _write(source: ModelSource, path: Path, folder: Path) -> tuple[Notice, ...]:
    _copy_texts(path if path.exists() else path.parent, folder)
    if source.spec.format == NAME:
        return _copy(path, folder)
    spec, built = source.spec, source.build_networks()
    recipes = source.recipes() if source.recipes else tuple((Recipe(),) * len(members) for members in built)
    named = {segment.label_value for segment in spec.segments}
    files, stages, notices = [], [], list[Notice]()
    for number, (stage, members, known) in enumerate(zip(spec.stages, built, recipes, strict=True), start=1):
        passage = _Passage(
            len(spec.channels) + (len(named) if stage.labels_of is not None else 0), stage.windows, spec.id
        )
        written = [
            _write_network(network, recipe, folder / f"network_{number}_{count}", passage)
            for count, (network, recipe) in enumerate(zip(members, known, strict=True), start=1)
        ]
        files.append(tuple(file for file, _ in written))
        stages.append(_with_labels(stage, written[0][1], named))
        notices += (_notice(recipe, type(network).__name__) for recipe, network in zip(known, members, strict=True))
    write_description(description_of(replace(spec, stages=tuple(stages)), tuple(files)), folder)
    return tuple(dict.fromkeys(notices))


def _copy_texts(origin: Path, folder: Path) -> None:
    """Licence and card; what lies beside a model that is one file need not be its."""
    for text in (text for pattern in _TEXTS for text in sorted(origin.glob(pattern)) if text.is_file()):
        target = folder / text.relative_to(origin)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(text, target)


def _write_network(network: torch.nn.Module, recipe: Recipe, stem: Path, passage: _Passage) -> tuple[NetworkFile, int]:
    """One network's file, and how many classes it tells apart."""
    checked = CheckedNetwork(network, None, passage.where).eval()
    if recipe.script is None and not recipe.architecture:
        script, classes = as_torchscript(network, passage.inputs, passage.windows, passage.where)
        script.save(str(stem.with_suffix(".ts")))
        return NetworkFile(stem.with_suffix(".ts").name), classes
    name = stem.with_suffix(".ts" if recipe.script else ".safetensors").name
    sliced = recipe.slice_axis is not None
    file = NetworkFile(name, 2 if sliced else 3, recipe.architecture, recipe.arguments, recipe.slice_axis or 0)
    if recipe.script:
        shutil.copyfile(recipe.script, stem.parent / name)
    else:
        save_file(distinct_weights(_bare(network, sliced)), stem.parent / name, metadata={"format": "pt"})
    again = open_network(stem.parent, file).eval()
    small = try_out(checked, passage.inputs, passage.windows)
    with torch.no_grad():
        samples = list(trial_windows(checked, passage.inputs, small, passage.windows))
        if not all(same_scores(network, again, sample) for sample in samples):
            raise ModelError("what was written does not compute the same.", where=f"{passage.where}/{name}")
        return file, int(first_output(checked(samples[0])).shape[1])


def _bare(network: torch.nn.Module, sliced: bool) -> torch.nn.Module:
    inner = network.network if sliced else network
    if not isinstance(inner, torch.nn.Module):
        raise TypeError("a network of slices holds one")
    return inner


def _notice(recipe: Recipe, kind: str) -> Notice:
    if recipe.script is not None:
        return Notice("script", "Its network is TorchScript and was taken as it is: no name stands for it.")
    if recipe.architecture:
        return Notice("weights", f"Its network is written as weights of {recipe.architecture}: there is no code in it.")
    return Notice("torchscript", f"No name stands for its network {kind}: it is written as TorchScript.")


def _copy(path: Path, folder: Path) -> tuple[Notice, ...]:
    description: Description = read_description(path / "medaiseg.json")
    members = [member for stage in description.networks for member in stage]
    for file in {member.file for member in members}:
        beside = external_files(path / file) if file.endswith(".onnx") else ()
        for name in (file, *((Path(file).parent / other).as_posix() for other in beside)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path / name, folder / name)
    write_description(description, folder)
    return tuple(dict.fromkeys(_kept(member) for member in members))


def _kept(member: NetworkFile) -> Notice:
    kinds = {".onnx": "ONNX", ".safetensors": f"weights of {member.architecture}"}
    kind = kinds.get(Path(member.file).suffix, "TorchScript")
    return Notice("kept", f"Its network is in our own layout already, as {kind}, and was taken as it is.")


def _with_labels(stage: InferenceStage, classes: int, named: set[int]) -> InferenceStage:
    """The label of each class, where the model takes class and label for the same; what has no name is background."""
    if not isinstance(stage.decision, Argmax) or stage.decision.labels:
        return stage
    labels = tuple(value if value in named or stage.paints else 0 for value in range(classes))
    return replace(stage, decision=Argmax(labels))
