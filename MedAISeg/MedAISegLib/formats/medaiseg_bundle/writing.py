"""Any model as a folder of our own layout: its weights as safetensors, or its networks as TorchScript."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save

from ...core.errors import ModelError, ResourceError, UsageError
from ...core.notice import Notice
from ...core.progress import Poll, never
from ...core.unfinished import done_wholly
from ...engine.windows import before_each_layer
from ...models.installing import copy_file, told_of
from ...models.spec import Argmax, InferenceStage, ModelSpec
from ...models.staging import staged_in
from ...models.store_progress import StoreCallback, StoreProgress, StoreStage, nobody
from .. import ModelSource, read_model
from ..checkpoint import distinct_weights
from ..recipe import Recipe
from . import NAME
from .classifying import CheckedClassifier, images_taken
from .description import Description, NetworkFile, description_of, read_description, write_description
from .networks import CheckedNetwork, first_output, open_file, open_network
from .onnx_file import external_files
from .scripting import as_torchscript, same_scores, windows_taken

_AS_IT_IS = "Share it as it is: medaiseg models pack M, or in Slicer More, Pack it for another computer."
_ELSEWHERE = "Choose a place where you may write, on a disk with room for the model."
_AS_A_FILE = "Put the file itself in the place of the link."
_TEXTS = ("LICENSE*", "README*", "docs/LICENSE*", "docs/README*")


@dataclass(frozen=True)
class Exported:
    """A folder that was written, and what there is to say of it."""

    folder: Path
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class _Act:
    """A model that is being written, and who is told and may stop it."""

    spec: ModelSpec
    folder: Path
    tell: StoreCallback
    poll: Poll


def export_model(
    source: ModelSource, path: Path, folder: Path, *, tell: StoreCallback = nobody, poll: Poll = never
) -> Exported:
    """Write a model into a new folder, and try what was written.

    A network that is known by its name becomes its weights alone, which hold no code; TorchScript and ONNX stay as they
    are; what else there is becomes TorchScript.

    Args:
        path: where the model lies, for the licence and the card beside it.
        tell: hears which of the networks is being written.

    Raises:
        UsageError: if the folder exists and is not empty.
        ModelError: if it runs by code of its own, its networks cannot be written, or would not compute the same, or
            its licence or card is a link out of its folder.
        ResourceError: if the folder cannot be written.
        Cancelled: if ``poll`` raises it; nothing is left of the folder then.
    """
    if source.spec.own_code:
        raise ModelError(
            "it runs by code of its own, which no description can stand for.", where=source.spec.id, remedy=_AS_IT_IS
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError("it exists and is not empty.", where=str(folder), remedy="Choose another place or name.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with done_wholly() as begin_last_part, staged_in(folder.parent) as scratch:
            made = scratch / folder.name
            made.mkdir(parents=True)
            notices = _write(source, path, _Act(source.spec, made, tell, poll))
            tell(StoreProgress(StoreStage.CHECK))
            with told_of(folder, instead_of=made):
                read_model(made).build_networks()
            poll()
            begin_last_part()
            if folder.exists():
                folder.rmdir()
            made.replace(folder)
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"it cannot be written: {reason}.", where=str(folder), remedy=_ELSEWHERE) from error
    return Exported(folder, notices)


def _write(source: ModelSource, path: Path, act: _Act) -> tuple[Notice, ...]:
    act.tell(StoreProgress(StoreStage.EXPORT))
    _copy_texts(path if path.exists() else path.parent, act)
    if act.spec.format == NAME:
        return _copy(path, act)
    built = source.build_networks()
    recipes = source.recipes() if source.recipes else tuple((Recipe(),) * len(members) for members in built)
    count = sum(len(members) for members in built)
    named = {segment.label_value for segment in act.spec.segments}
    files, stages, notices = [], [], list[Notice]()
    for number, (stage, members, known) in enumerate(zip(act.spec.stages, built, recipes, strict=True), start=1):
        written = []
        for member, (network, recipe) in enumerate(zip(members, known, strict=True), start=1):
            act.tell(StoreProgress(StoreStage.EXPORT, part=len(notices) + 1, parts=count))
            act.poll()
            written.append(_write_network(network, recipe, f"network_{number}_{member}", stage, act))
            notices.append(_notice(recipe, type(network).__name__))
        files.append(tuple(file for file, _ in written))
        stages.append(stage if act.spec.classes else _with_labels(stage, written[0][1], named))
    write_description(description_of(replace(act.spec, stages=tuple(stages)), tuple(files)), act.folder)
    return tuple(dict.fromkeys(notices))


def _copy_texts(origin: Path, act: _Act) -> None:
    """Licence and card; what lies beside a model that is one file need not be its."""
    for text in (text for pattern in _TEXTS for text in sorted(origin.glob(pattern)) if text.is_file()):
        if not text.resolve().is_relative_to(origin.resolve()):
            raise ModelError("a link leads out of the model's folder.", where=str(text), remedy=_AS_A_FILE)
        target = act.folder / text.relative_to(origin)
        target.parent.mkdir(exist_ok=True)
        copy_file(text, target, act.poll)


def _write_network(
    network: torch.nn.Module, recipe: Recipe, stem: str, stage: InferenceStage, act: _Act
) -> tuple[NetworkFile, int]:
    """One network's file, and how many classes it tells apart."""
    # What becomes TorchScript here takes slices out of volumes by itself.
    axis = recipe.slice_axis if recipe.script or recipe.architecture else None
    flat = axis is not None or (bool(act.spec.classes) and stage.slicewise)
    name = f"{stem}.{'safetensors' if recipe.architecture else 'ts'}"
    file = NetworkFile(name, 2 if flat else 3, recipe.architecture, recipe.arguments, axis or 0)
    samples, classes = _samples(network, stage, act)
    if recipe.script:
        copy_file(recipe.script, act.folder / name, act.poll)
    elif recipe.architecture:
        weights = distinct_weights(_bare(network, axis is not None))
        # A file that safetensors makes by itself nobody else may read.
        (act.folder / name).write_bytes(save(weights, metadata={"format": "pt"}))
    else:
        content = io.BytesIO()
        # Where the disk has no room for a file, torch ends the process.
        torch.jit.save(as_torchscript(network, samples, act.spec.id), content)
        (act.folder / name).write_bytes(content.getbuffer())
    act.poll()
    again = (open_file if act.spec.classes else open_network)(act.folder, file).eval()
    with torch.no_grad(), before_each_layer([network, again], lambda _: act.poll()):
        if not all(same_scores(network, again, sample) for sample in samples):
            where = f"{act.spec.id}/{name}"
            raise ModelError("what was written does not compute the same.", where=where, remedy=_AS_IT_IS)
    return file, classes


def _samples(network: torch.nn.Module, stage: InferenceStage, act: _Act) -> tuple[list[torch.Tensor], int]:
    """Random images of two sizes that a network takes, and how many classes it tells apart."""
    inputs = len(act.spec.channels)
    checked: CheckedClassifier | CheckedNetwork
    with before_each_layer([network], lambda _: act.poll()), torch.no_grad():
        if act.spec.classes:
            checked = CheckedClassifier(network, len(act.spec.classes), act.spec.id).eval()
            samples = list(islice(images_taken(checked, inputs, stage), 2))
        else:
            inputs += len(act.spec.segments) if stage.labels_of is not None else 0
            checked = CheckedNetwork(network, None, act.spec.id).eval()
            samples = list(windows_taken(checked, inputs, stage.windows))
        return samples, int(first_output(checked(samples[0])).shape[1])


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


def _copy(path: Path, act: _Act) -> tuple[Notice, ...]:
    description: Description = read_description(path / "medaiseg.json")
    members = [member for stage in description.networks for member in stage]
    files = {member.file for member in members}
    for file in [name for name in files if name.endswith(".onnx")]:
        files |= {(Path(file).parent / other).as_posix() for other in external_files(path / file)}
    for name in sorted(files):
        (act.folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy_file(path / name, act.folder / name, act.poll)
    write_description(description, act.folder)
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
