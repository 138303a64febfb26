"""The network of a checkpoint with its weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from ...core.errors import NotTrustedError
from ..checkpoint import with_weights
from ..monai_networks import build_architecture
from ..recipe import Recipe, named
from .checkpoints import Checkpoint

_NETWORKS = frozenset({"SegResNet", "SegResNetDS", "SegResNetDS2"})
_PLACE = "monai.networks.nets."


def build_network(checkpoint: Checkpoint) -> torch.nn.Module:
    """The network in evaluation mode, on the CPU.

    Raises:
        NotTrustedError: if the network is not one of MONAI's, or the checkpoint holds code.
        ModelError: if the weights do not fit it.
    """
    return with_weights(partial(build_architecture, *_named(checkpoint), str(checkpoint.path)), checkpoint.path)


def recipe_of(checkpoint: Checkpoint) -> Recipe:
    """How :func:`build_network` makes a network, for whoever has its weights and not the checkpoint.

    Raises:
        NotTrustedError: if the network is not one of MONAI's.
    """
    return named(*_named(checkpoint))


def _named(checkpoint: Checkpoint) -> tuple[str, dict[str, Any]]:
    """Name and arguments of the network's class."""
    arguments = dict(checkpoint.config.network)
    target = str(arguments.pop("_target_", ""))
    name = target.rpartition(".")[2]
    if name not in _NETWORKS or target not in (name, f"{_PLACE}{name}", f"{_PLACE}{name.lower()}.{name}"):
        raise NotTrustedError(f"its network {target!r} is none of MONAI's SegResNets.", where=str(checkpoint.path))
    arguments.setdefault("in_channels", checkpoint.config.input_channels)
    arguments.setdefault("out_channels", checkpoint.config.output_classes)
    if "norm" in arguments:
        arguments["norm"] = _normalisation(arguments["norm"])
    if checkpoint.config.anisotropic_scales and name != "SegResNet":
        arguments["resolution"] = checkpoint.config.resample_resolution
    return name, arguments


def _normalisation(norm: Any) -> Any:
    """The fused norm of NVIDIA's Apex computes what the plain one does, and has the same weights."""
    name, *arguments = norm if isinstance(norm, list) else [norm]
    name = "INSTANCE" if str(name).upper() == "INSTANCE_NVFUSER" else name
    return [name, *arguments] if arguments else name
