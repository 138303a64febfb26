"""The network of a bundle, built from MONAI's own classes, with its weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import monai_networks
from ..checkpoint import with_weights
from ..named_networks import PART, TENSOR
from ..recipe import Recipe, named
from ..slice_network import SliceNetwork
from .architecture import Architecture, NetworkPlan
from .files import item_of
from .values import Device, FileContent
from .weights_path import weights_file


def build_network(root: Path, plan: NetworkPlan, slice_axis: int | None) -> torch.nn.Module:
    """The network with its weights, on the CPU, in evaluation mode.

    Args:
        slice_axis: of the prepared array, across which a 2-D network sees slices.

    Raises:
        NotTrustedError: if the weights' file holds code.
        ModelError: if the weights are missing, damaged or of another network.
    """
    if plan.architecture is None:
        raise ValueError("a network in TorchScript is not built")
    build = partial(build_architecture, root, plan.architecture)
    network = with_weights(build, weights_file(root, plan.weights), plan.item)
    return network if slice_axis is None else SliceNetwork(network, slice_axis).eval()


def open_exported(path: Path, classes: int, slice_axis: int | None) -> torch.nn.Module:
    """A network in TorchScript, whose output is held against what the bundle says of it.

    Raises:
        NotTrustedError: if the file does more than compute.
        ModelError: if it is damaged.
    """
    from ..medaiseg_bundle.networks import CheckedNetwork
    from ..medaiseg_bundle.torchscript import open_torchscript

    network = open_torchscript(path)
    return CheckedNetwork(
        network if slice_axis is None else SliceNetwork(network, slice_axis), classes, str(path)
    ).eval()


def build_architecture(root: Path, architecture: Architecture) -> Any:
    """A network, or a part of one, without weights.

    Raises:
        ModelError: if the installed MONAI cannot build it.
    """
    arguments = {name: _value(root, value) for name, value in architecture.arguments.items()}
    return monai_networks.build_architecture(architecture.name, arguments, architecture.place)


def recipe_of(root: Path, plan: NetworkPlan, slice_axis: int | None) -> Recipe:
    """How :func:`build_network` makes a network, for whoever has its weights and not the bundle.

    Raises:
        NotTrustedError: if a file of the bundle that says how it is made holds code.
        ModelError: if that file is missing or damaged.
    """
    if plan.architecture is None:
        raise ValueError("a network in TorchScript is not built")
    return named(plan.architecture.name, _plain_arguments(root, plan.architecture), slice_axis)


def _plain_arguments(root: Path, architecture: Architecture) -> dict[str, Any]:
    return {name: _plain(root, value) for name, value in architecture.arguments.items()}


def _plain(root: Path, value: Any) -> Any:
    """An argument as JSON holds it (see :func:`..named_networks.build`); what JSON cannot hold as it is."""
    if isinstance(value, Architecture):
        return {PART: value.name, "arguments": _plain_arguments(root, value)}
    if isinstance(value, Device):
        return "cpu"
    if isinstance(value, FileContent):
        value = item_of(root, value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, torch.Tensor):
        return {TENSOR: value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
    return [_plain(root, item) for item in value] if isinstance(value, list) else value


def _value(root: Path, value: Any) -> Any:
    if isinstance(value, Device):
        return torch.device("cpu")
    if isinstance(value, FileContent):
        return item_of(root, value)
    if isinstance(value, Architecture):
        return build_architecture(root, value)
    if isinstance(value, list):
        return [_value(root, item) for item in value]
    return value
