"""The network of a bundle, built from MONAI's own classes, with its weights."""

from __future__ import annotations

import inspect
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch

from ...core.errors import ModelError
from ..checkpoint import fit_weights, load_state
from ..monai_networks import nets
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
    path = weights_file(root, plan.weights)
    network: torch.nn.Module = build_architecture(root, plan.architecture)
    fit_weights(network, load_state(path, plan.item), path)
    return (network if slice_axis is None else SliceNetwork(network, slice_axis)).eval()


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
    kind = getattr(nets, architecture.name)
    unknown = set(arguments) - set(inspect.signature(kind).parameters)
    if unknown:
        raise ModelError(
            f"the installed MONAI's {architecture.name} has no argument {', '.join(sorted(unknown))}.",
            where=architecture.place,
        )
    try:
        # Some of MONAI's classes print, and standard output may be what another program reads.
        with redirect_stdout(sys.stderr):
            return kind(**arguments)
    # What MONAI's classes raise when their arguments do not fit each other.
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(f"{architecture.name} cannot be built: {error}", where=architecture.place) from error
    except MemoryError as error:
        raise ModelError(f"{architecture.name} is too large for the memory.", where=architecture.place) from error
    except ImportError as error:
        raise ModelError(f"{architecture.name} needs a package: {error}", where=architecture.place) from error


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
