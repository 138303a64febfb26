"""MONAI bundles: a folder with ``configs/metadata.json``, ``configs/inference.json`` (or ``.yaml``) and ``models/``.

Or a TorchScript file with both inside, by itself or as ``models/model.ts``.

The description is compiled without evaluating anything of it: network, preprocessing, inferer and postprocessing become
a ModelSpec and a plan of the network; imports, devices, data lists, handlers and what the bundle would run are ignored.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError, NotTrustedError
from ...core.notice import Notice
from ...core.records import from_json
from ...models.fingerprint import folder_sha256
from ...models.operations import CropForeground, Orient, PadToMultiple, PadToSize, Resample, ResizeTo
from ...models.spec import Activation, Argmax, Decision, InferenceStage, ModelSpec, Threshold
from .. import ModelSource
from ..recipe import Recipe
from . import description
from .config import BundleFiles, is_bundle, read_files
from .inferer import compile_inferer, given_inferer
from .members import Members, exported_member, plan_members
from .postprocessing import Postprocessing, compile_postprocessing
from .preprocessing import compile_preprocessing
from .references import Inference
from .refusal import refuse_other_tasks
from .weights_path import has_weights
from .width import widths_of

if TYPE_CHECKING:
    import torch

_MOVING = (Orient, Resample, CropForeground, PadToMultiple, PadToSize, ResizeTo)


def recognises(path: Path) -> bool:
    """Whether the path is a bundle's folder."""
    return is_bundle(path)


def read(path: Path) -> ModelSource:
    """Compile a bundle; no weights are loaded and nothing of its own is run.

    Raises:
        NotTrustedError: if something that is needed could only be had by running the bundle's code.
        ModelError: if it is damaged or not supported.
    """
    try:
        return _compile(read_files(path))
    except NotTrustedError as error:
        if path.is_dir():
            raise
        # A file by itself has no code that could be trusted.
        raise ModelError(error.what, where=error.where, remedy="Install the whole bundle as a folder.") from error
    except RecursionError as error:
        raise ModelError("its description refers to itself too deeply.", where=str(path)) from error


def _compile(files: BundleFiles) -> ModelSource:
    inference = Inference(files.inference, files.root)
    name = description.text(files.metadata, "name") or files.name
    refuse_other_tasks(files.metadata, inference, name)
    members = _members(files, inference)
    passage = compile_inferer(given_inferer(inference), members.dimensions)
    preprocessing = compile_preprocessing(inference.value("preprocessing"), 2 if passage.slicewise else 3)
    moved = any(isinstance(operation, _MOVING) for operation in preprocessing)
    postprocessing = compile_postprocessing(inference.value("postprocessing"), members.keys, moved=moved)
    decision, names = _decision(files, inference, members, postprocessing)
    stage = InferenceStage(
        preprocessing,
        replace(passage.windows, test_time_flips=_test_time_flips(files)),
        decision,
        replace(postprocessing.restore, probability=_probability(members, postprocessing)),
        postprocessing.operations,
        averaging=postprocessing.averaging,
        slicewise=passage.slicewise,
    )
    noticed = tuple(dict.fromkeys(notice for network in members.networks for notice in network.notices))
    try:
        spec = _spec(files, members, stage, names, noticed + postprocessing.notices)
    except ValueError as error:
        raise ModelError(f"{error}.", where="network_data_format") from error
    build = partial(_build_networks, files, members, passage.slice_axis)
    recipes = partial(_recipes, files, members, passage.slice_axis)
    counted = (len(members.networks),)
    script = files.torchscript if members.networks[0].architecture is None else None
    programs = () if script is None else (script,)
    widths = widths_of(members.networks)
    return ModelSource(spec, build, widths=widths, members=counted, recipes=recipes, programs=programs)


def _members(files: BundleFiles, inference: Inference) -> Members:
    """The networks that MONAI's classes build; the one in TorchScript where only that is there, or understood."""
    if files.torchscript is None:
        return plan_members(inference)
    try:
        planned = plan_members(inference)
    except NotTrustedError:
        return exported_member(files.metadata)
    if len(planned.networks) == 1 and (files.is_file or not has_weights(files.root, planned.networks[0].weights)):
        return exported_member(files.metadata, planned.networks[0])
    return planned


def _decision(
    files: BundleFiles, inference: Inference, members: Members, postprocessing: Postprocessing
) -> tuple[Decision, dict[int, str]]:
    """The decision, and the structures' names by label value."""
    count, threshold = members.out_channels, postprocessing.threshold
    if threshold is None and count < 2:
        raise ModelError("the highest of a single score decides nothing.", where="postprocessing")
    labels = inference.value("labels") if inference.has("labels") else None
    names = description.class_names(files.metadata, labels, count, overlapping=threshold is not None)
    if threshold is None:
        return Argmax(), names
    values = tuple(number + 1 if number in names else 0 for number in range(count))
    return Threshold(values, threshold), {number + 1: name for number, name in names.items()}


def _probability(members: Members, postprocessing: Postprocessing) -> Activation:
    """What turns scores that the bundle decides as they are into probabilities.

    MONAI's networks end without an activation; what a network in TorchScript ends with is not known.
    """
    applied = (postprocessing.averaging.activation, postprocessing.restore.activation)
    if any(activation is not Activation.NONE for activation in applied) or members.networks[0].architecture is None:
        return Activation.NONE
    return Activation.SOFTMAX if postprocessing.threshold is None else Activation.SIGMOID


def _test_time_flips(files: BundleFiles) -> tuple[tuple[int, ...], ...]:
    flips = description.section(files.metadata, "medaiseg").get("test_time_flips", [])
    try:
        return from_json(tuple[tuple[int, ...], ...], flips)
    except ValueError as error:
        raise ModelError(f"{error}.", where="medaiseg.test_time_flips") from error


def _spec(
    files: BundleFiles,
    members: Members,
    stage: InferenceStage,
    names: dict[int, str],
    notices: tuple[Notice, ...],
) -> ModelSpec:
    metadata = files.metadata
    return ModelSpec(
        **description.of_itself(files.name, files.root, metadata),
        format="monai_bundle",
        channels=description.channels(metadata, members.in_channels),
        stages=(stage,),
        segments=description.segments(metadata, names),
        sha256=folder_sha256(files.root, files.parts),
        notices=notices,
    )


def _build_networks(
    files: BundleFiles, members: Members, slice_axis: int | None
) -> tuple[tuple[torch.nn.Module, ...], ...]:
    # Importing torch and MONAI takes seconds, and a list of models needs neither.
    from .network import build_network, open_exported

    if files.torchscript is not None and members.networks[0].architecture is None:
        return ((open_exported(files.torchscript, members.out_channels, slice_axis),),)
    return (tuple(build_network(files.root, network, slice_axis) for network in members.networks),)


def _recipes(files: BundleFiles, members: Members, slice_axis: int | None) -> tuple[tuple[Recipe, ...], ...]:
    from .network import recipe_of

    if members.networks[0].architecture is None:
        return ((Recipe(script=files.torchscript, slice_axis=slice_axis),),)
    return (tuple(recipe_of(files.root, network, slice_axis) for network in members.networks),)
