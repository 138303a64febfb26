"""The networks of a trained model with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from ...core.errors import ModelError, NotTrustedError, ResourceError
from ..bounded_building import bounded_building
from ..checkpoint import with_weights
from ..recipe import Recipe
from ..slice_network import SliceNetwork
from .decoder import LeanDecoder
from .folders import TrainedModel

_NETWORKS = ("PlainConvUNet", "ResidualEncoderUNet")
_OPERATORS: Mapping[str, type[torch.nn.Module]] = {
    kind.__name__: kind
    for kind in (
        torch.nn.Conv2d,
        torch.nn.Conv3d,
        torch.nn.InstanceNorm2d,
        torch.nn.InstanceNorm3d,
        torch.nn.BatchNorm2d,
        torch.nn.BatchNorm3d,
        torch.nn.Dropout2d,
        torch.nn.Dropout3d,
        torch.nn.LeakyReLU,
        torch.nn.ReLU,
        torch.nn.GELU,
        torch.nn.SiLU,
    )
}
_OPERATOR_ARGUMENTS = ("conv_op", "norm_op", "dropout_op", "nonlin")


def build_networks(model: TrainedModel, inputs: int, heads: int) -> tuple[torch.nn.Module, ...]:
    """One network a fold, on the CPU, in evaluation mode.

    Raises:
        NotTrustedError: if the network is of another class than nnU-Net's own, or a checkpoint holds code.
        ModelError: if the weights do not fit it.
        ResourceError: if the package with nnU-Net's networks is missing.
    """
    recipe, networks = recipe_of(model, inputs, heads), []
    build = partial(build_architecture, recipe.architecture, recipe.arguments, str(model.root))
    for checkpoint in model.checkpoints:
        network = with_weights(build, checkpoint)
        networks.append(network if recipe.slice_axis is None else SliceNetwork(network, recipe.slice_axis).eval())
    return tuple(networks)


def recipe_of(model: TrainedModel, inputs: int, heads: int) -> Recipe:
    """How the network of each fold is made.

    Raises:
        NotTrustedError: if it is of another class than nnU-Net's own.
    """
    architecture = model.configuration.architecture
    name = str(architecture.get("network_class_name", "")).rpartition(".")[2]
    if name not in _NETWORKS:
        raise NotTrustedError(
            f"its network {architecture.get('network_class_name')!r} is none of nnU-Net's own.", where=str(model.root)
        )
    own = {"input_channels": inputs, "num_classes": heads, "deep_supervision": False}
    arguments = {**dict(architecture.get("arch_kwargs", {})), **own}
    return Recipe(name, arguments, slice_axis=0 if model.configuration.is_2d else None)


def build_architecture(name: str, arguments: Mapping[str, Any], where: str) -> torch.nn.Module:
    """A network of nnU-Net without its weights.

    Args:
        name: of the class.
        arguments: of the class; those that are classes themselves are named as the plans name them.

    Raises:
        NotTrustedError: if an argument names a class that nnU-Net does not use.
        ModelError: if the arguments do not fit each other.
        ResourceError: if the package with nnU-Net's networks is missing.
    """
    try:
        # Only this module of the package: others need timm and torchvision.
        from dynamic_network_architectures.architectures import unet
    except ImportError as error:
        raise ResourceError(
            "the package with nnU-Net's networks is missing.",
            where=where,
            remedy="Install it: pip install --no-deps dynamic-network-architectures",
        ) from error
    made = {key: _operator(key, value, where) for key, value in arguments.items()}
    try:
        with bounded_building(where, arguments):
            network: torch.nn.Module = getattr(unet, name)(**made)
    # What the package's classes raise when their arguments do not fit each other.
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(f"its network cannot be built: {str(error)[:300]}", where=where) from error
    except MemoryError as error:
        raise ModelError("its network is too large for the memory.", where=where) from error
    if not made.get("deep_supervision"):
        network.decoder = LeanDecoder(network.get_submodule("decoder"))
    return network


def _operator(key: str, value: Any, where: str) -> Any:
    """The class that an argument names, among those that nnU-Net uses."""
    if key not in _OPERATOR_ARGUMENTS or value is None:
        return value
    kind = _OPERATORS.get(str(value).rpartition(".")[2])
    if kind is None or not str(value).startswith("torch.nn."):
        raise NotTrustedError(f"its network asks for {value!r}, which nnU-Net does not use.", where=where)
    return kind
