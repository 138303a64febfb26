"""The networks of a trusted bundle, with their weights; those are never more than plain tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ...core.errors import ModelError
from ..checkpoint import fit_weights, load_content, load_state
from ..monai_bundle.config import BundleFiles
from ..monai_bundle.weights_path import weights_file
from .parsing import NETWORK, Description

Networks = dict[str, torch.nn.Module]
"""By the entry of the config that they stand for."""

_HANDLERS = ("handlers", "val_handlers")


def build_networks(files: BundleFiles, description: Description) -> Networks:
    """All networks that the bundle loads weights into, in evaluation mode.

    Raises:
        NotTrustedError: if a file of weights holds code.
        ModelError: if weights are missing, damaged or of another network.
    """
    networks: Networks = {}
    for loader in _loaders(description):
        targets = {name: _referred(value, loader) for name, value in _load_dict(description, loader).items()}
        networks |= {target: _network(description, target) for target in targets.values()}
        path = str(description.option(f"{loader}#load_path", ""))
        strict = str(description.option(f"{loader}#strict", True)).lower() != "false"
        _load(files, path, {name: networks[target] for name, target in targets.items()}, strict=strict)
    if not networks:
        networks["network"] = _network(description, *NETWORK)
        # TorchScript holds its weights itself.
        if not isinstance(networks["network"], torch.jit.ScriptModule):
            _load(files, "", {"model": networks["network"]})
    if "network" in networks and description.written("network_def") is not None:
        networks["network_def"] = networks["network"]
    for network in networks.values():
        network.eval()
    return networks


def _loaders(description: Description) -> Iterator[str]:
    """Identifiers of the checkpoint loaders of the config, the handlers' among them."""
    places = ["checkpointloader"]
    for handlers in _HANDLERS:
        written = description.written(handlers)
        places += [f"{handlers}#{n}" for n in range(len(written) if isinstance(written, list) else 0)]
    for place in places:
        entry = description.written(place)
        if isinstance(entry, dict) and str(entry.get("_target_")).rpartition(".")[2] == "CheckpointLoader":
            yield place


def _load_dict(description: Description, loader: str) -> Mapping[str, Any]:
    written = description.written(f"{loader}#load_dict")
    if not isinstance(written, dict) or not written:
        raise ModelError("it does not say what is loaded.", where=f"{loader}#load_dict")
    return written


def _referred(value: Any, loader: str) -> str:
    """``network`` of ``@network``."""
    if isinstance(value, str) and value.startswith("@"):
        return value[1:].replace("::", "#")
    raise ModelError(f"{value!r} names no network.", where=f"{loader}#load_dict")


def _network(description: Description, *identifiers: str) -> torch.nn.Module:
    network = description.first(*identifiers)
    if not isinstance(network, torch.nn.Module):
        raise ModelError(f"it is no network, but {type(network).__name__}.", where=identifiers[0])
    return network


def _load(files: BundleFiles, stated: str, networks: Networks, *, strict: bool = True) -> None:
    path = weights_file(files.root, stated)
    content = load_content(path) if len(networks) > 1 else {}
    for name, network in networks.items():
        state = content[name] if len(networks) > 1 else load_state(path)
        if not strict:
            own = network.state_dict()
            state = own | {k: value for k, value in state.items() if k in own and value.shape == own[k].shape}
        fit_weights(network, state, path)
