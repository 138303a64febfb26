"""The network of a checkpoint with its weights."""

from __future__ import annotations

import inspect
import sys
from contextlib import redirect_stdout
from typing import Any

import torch

from ...core.errors import ModelError, NotTrustedError
from ..checkpoint import fit_weights, load_state
from ..monai_networks import nets
from .checkpoints import Checkpoint

_NETWORKS = frozenset({"SegResNet", "SegResNetDS", "SegResNetDS2"})
_PLACE = "monai.networks.nets."


def build_network(checkpoint: Checkpoint) -> torch.nn.Module:
    """The network in evaluation mode, on the CPU.

    Raises:
        NotTrustedError: if the network is not one of MONAI's, or the checkpoint holds code.
        ModelError: if the weights do not fit it.
    """
    arguments = dict(checkpoint.config.network)
    target = str(arguments.pop("_target_", ""))
    name = target.rpartition(".")[2]
    if name not in _NETWORKS or target not in (name, f"{_PLACE}{name}", f"{_PLACE}{name.lower()}.{name}"):
        raise NotTrustedError(f"its network {target!r} is none of MONAI's SegResNets.", where=str(checkpoint.path))
    arguments.setdefault("in_channels", checkpoint.config.input_channels)
    arguments.setdefault("out_channels", checkpoint.config.output_classes)
    if "norm" in arguments:
        arguments["norm"] = _normalisation(arguments["norm"])
    network = _build(name, arguments, str(checkpoint.path))
    fit_weights(network, load_state(checkpoint.path), checkpoint.path)
    return network.eval()


def _build(name: str, arguments: dict[str, Any], where: str) -> torch.nn.Module:
    kind = getattr(nets, name)
    unknown = set(arguments) - set(inspect.signature(kind).parameters)
    if unknown:
        raise ModelError(f"MONAI's {name} has no argument {', '.join(sorted(unknown))}.", where=where)
    try:
        # Standard output may be what another program reads.
        with redirect_stdout(sys.stderr):
            network: torch.nn.Module = kind(**arguments)
    # What MONAI's classes raise when their arguments do not fit each other.
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(f"its network cannot be built: {error}", where=where) from error
    return network


def _normalisation(norm: Any) -> Any:
    """The fused norm of NVIDIA's Apex computes what the plain one does, and has the same weights."""
    name, *arguments = norm if isinstance(norm, list) else [norm]
    name = "INSTANCE" if str(name).upper() == "INSTANCE_NVFUSER" else name
    return [name, *arguments] if arguments else name
