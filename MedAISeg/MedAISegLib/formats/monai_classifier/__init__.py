"""MONAI bundles that classify: an image in, a probability for each class out; compiled like those that segment.

A network that is none of those that are understood can be had as TorchScript, ``models/model.ts``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError, NotTrustedError
from ...models.fingerprint import folder_sha256
from ...models.spec import Activation, Argmax, Channel, InferenceStage, ModelSpec, Restore, Windows
from .. import ModelSource
from ..monai_bundle import description
from ..monai_bundle.activation import activation_of
from ..monai_bundle.architecture import NetworkPlan
from ..monai_bundle.arguments import Arguments
from ..monai_bundle.config import BundleFiles, read_files
from ..monai_bundle.members import exported_member
from ..monai_bundle.preprocessing import compile_preprocessing
from ..monai_bundle.references import Inference
from ..monai_bundle.transforms import keys_of, transform_list, transform_name
from ..monai_bundle.values import UNTRUSTED, Component, component, needs_trust, plain
from ..monai_bundle.weights_path import has_weights, weights_file
from ..recipe import Recipe, named
from ..sanity import require_countable
from .architecture import plan_classifier
from .torchvision_networks import NAME as OF_TORCHVISION
from .torchvision_networks import build_torchvision

if TYPE_CHECKING:
    import torch

COLOURS = ("R", "G", "B")
_NO_EFFECT = ("EnsureType", "ToTensor", "ToDevice", "SaveClassification", "CastToType", "Identity")


def read(path: Path) -> ModelSource:
    """Compile a bundle that classifies; no weights are loaded and nothing of its own is run.

    Raises:
        ModelError: if it is damaged, or something that is needed could only be had by running the bundle's code.
    """
    try:
        return _compile(read_files(path))
    except NotTrustedError as error:
        # Trust would not help: only models that segment run by code of their own.
        what = f"it is a classification model that is not supported: {error.what.removeprefix(UNTRUSTED)}"
        raise ModelError(what, where=error.where) from error
    except RecursionError as error:
        raise ModelError("its description refers to itself too deeply.", where=str(path)) from error


def _compile(files: BundleFiles) -> ModelSource:
    inference = Inference(files.inference, files.root)
    network = _network(files, inference)
    operations = compile_preprocessing(inference.value("preprocessing"), network.dimensions, comes_back=False)
    flat = network.dimensions == 2
    windows = Windows((0, 0, 1)) if flat else Windows()
    stage = InferenceStage(operations, windows, Argmax(), Restore(_activation(inference)), slicewise=flat)
    channels = _channels(files.metadata, network.in_channels, flat=flat)
    try:
        spec = _spec(files, stage, channels, _class_names(files, network.out_channels))
    except ValueError as error:
        raise ModelError(f"{error}.", where="network_data_format") from error
    script = files.torchscript if network.architecture is None else None
    programs = () if script is None else (script,)
    return ModelSource(
        spec, partial(_build, files, network), recipes=partial(_recipes, files, network), programs=programs
    )


def _network(files: BundleFiles, inference: Inference) -> NetworkPlan:
    """The network that MONAI's classes build; the one in TorchScript where only that is there, or understood."""
    if files.torchscript is None:
        return _planned(inference)
    try:
        planned = _planned(inference)
    except NotTrustedError:
        return exported_member(files.metadata).networks[0]
    has_own = not files.is_file and has_weights(files.root, planned.weights)
    return planned if has_own else replace(planned, architecture=None)


def _planned(inference: Inference) -> NetworkPlan:
    entry = component(inference.value("network_def" if inference.has("network_def") else "network"), "network_def")
    return plan_classifier(entry, _weights(inference))


def _activation(inference: Inference) -> Activation:
    """What makes the scores probabilities: of a decision that follows, or stands alone, nothing is kept."""
    activation = Activation.NONE
    decided = False
    for entry in transform_list(inference.value("postprocessing"), "postprocessing"):
        name = transform_name(entry)
        if keys_of(entry) and "pred" not in keys_of(entry):
            continue
        if name == "Activations":
            activation = activation_of(Arguments(entry))
        elif name == "AsDiscrete":
            decided = True
        elif name not in _NO_EFFECT:
            raise needs_trust(f"the transform {name} of the classes is not understood", entry.place)
    # The highest score alone decides: as probabilities, softmax says how much it does.
    return Activation.SOFTMAX if activation is Activation.NONE and decided else activation


def _class_names(files: BundleFiles, count: int) -> tuple[str, ...]:
    require_countable("classes", count, "network_data_format")
    prediction = description.prediction_format(files.metadata)
    named = description.numbered(description.section(prediction, "channel_def"), "channel_def of the output")
    if named and set(named) != set(range(count)):
        raise ModelError(f"the network has {count} classes, and {len(named)} are named.", where="network_data_format")
    return tuple(named.get(number, f"class {number}") for number in range(count))


def _weights(inference: Inference) -> str:
    handlers = inference.value("handlers")
    loaders = [inference.value("checkpointloader"), *(handlers if isinstance(handlers, list) else [])]
    for loader in loaders:
        if isinstance(loader, Component) and loader.name == "CheckpointLoader":
            return str(plain(loader.arguments.get("load_path", ""), loader.place))
    return ""


def _channels(metadata: Mapping[str, Any], count: int, *, flat: bool) -> tuple[Channel, ...]:
    """Three channels of a flat image that have no name each are its colours; a grey one serves for all of them."""
    image = description.image_format(metadata)
    if not flat or count != len(COLOURS) or len(description.section(image, "channel_def")) == count:
        return description.channels(metadata, count)
    named = {**image, "num_channels": count, "channel_def": dict(enumerate(COLOURS))}
    return description.channels({"network_data_format": {"inputs": {"image": named}}}, count)


def _spec(
    files: BundleFiles, stage: InferenceStage, channels: tuple[Channel, ...], classes: tuple[str, ...]
) -> ModelSpec:
    return ModelSpec(
        **description.of_itself(files.name, files.root, files.metadata),
        format="monai_classifier",
        channels=channels,
        stages=(stage,),
        segments=(),
        sha256=folder_sha256(files.root, files.parts),
        classes=classes,
    )


def _build(files: BundleFiles, plan: NetworkPlan) -> tuple[tuple[torch.nn.Module, ...], ...]:
    from ..checkpoint import with_weights
    from ..monai_bundle.network import build_architecture

    if plan.architecture is None and files.torchscript is not None:
        from ..medaiseg_bundle.torchscript import open_torchscript

        return ((open_torchscript(files.torchscript),),)
    if plan.architecture is None:
        raise ValueError("a network in TorchScript is not built")
    build: Callable[[], torch.nn.Module]
    if plan.architecture.name == OF_TORCHVISION:
        build = partial(build_torchvision, plan.architecture.arguments, plan.architecture.place)
    else:
        build = partial(build_architecture, files.root, plan.architecture)
    return ((with_weights(build, weights_file(files.root, plan.weights)),),)


def _recipes(files: BundleFiles, plan: NetworkPlan) -> tuple[tuple[Recipe, ...], ...]:
    if plan.architecture is None:
        return ((Recipe(script=files.torchscript),),)
    return ((named(plan.architecture.name, plan.architecture.arguments),),)
