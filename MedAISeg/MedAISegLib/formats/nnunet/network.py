"""The networks of a trained model with their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...core.errors import ModelError, NotTrustedError, ResourceError
from ..checkpoint import fit_weights, load_state
from ..slice_network import SliceNetwork
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
    networks = []
    for checkpoint in model.checkpoints:
        network = _build(model, inputs, heads)
        fit_weights(network, load_state(checkpoint), checkpoint)
        network.eval()
        networks.append(SliceNetwork(network) if model.configuration.is_2d else network)
    return tuple(networks)


def _build(model: TrainedModel, inputs: int, heads: int) -> torch.nn.Module:
    where, architecture = str(model.root), model.configuration.architecture
    name = str(architecture.get("network_class_name", "")).rpartition(".")[2]
    if name not in _NETWORKS:
        raise NotTrustedError(
            f"its network {architecture.get('network_class_name')!r} is none of nnU-Net's own.", where=where
        )
    try:
        # Only this module of the package: others need timm and torchvision.
        from dynamic_network_architectures.architectures import unet
    except ImportError as error:
        raise ResourceError(
            "the package with nnU-Net's networks is missing.",
            where=where,
            remedy="Install it: pip install --no-deps dynamic-network-architectures",
        ) from error
    arguments = {key: _operator(key, value, where) for key, value in dict(architecture.get("arch_kwargs", {})).items()}
    arguments["deep_supervision"] = False
    try:
        network: torch.nn.Module = getattr(unet, name)(input_channels=inputs, num_classes=heads, **arguments)
    # What the package's classes raise when their arguments do not fit each other.
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(f"its network cannot be built: {error}", where=where) from error
    return network


def _operator(key: str, value: Any, where: str) -> Any:
    """The class that an argument names, among those that nnU-Net uses."""
    if key not in _OPERATOR_ARGUMENTS or value is None:
        return value
    kind = _OPERATORS.get(str(value).rpartition(".")[2])
    if kind is None or not str(value).startswith("torch.nn."):
        raise NotTrustedError(f"its network asks for {value!r}, which nnU-Net does not use.", where=where)
    return kind
