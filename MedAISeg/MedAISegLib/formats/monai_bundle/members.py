"""The networks that a bundle runs, where each one's weights lie, and under which key each one's output goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import ModelError
from .architecture import NetworkPlan, plan_network
from .description import image_format, prediction_format
from .references import Inference
from .values import Component, Unresolved, component, plain, refuse_unresolved

_LOADER = "CheckpointLoader"
_LOADER_NAMES = ("checkpoint", "ckpt", "loader")
_ENSEMBLE = "EnsembleEvaluator"


@dataclass(frozen=True)
class Members:
    """The networks of a bundle.

    Attributes:
        networks: one, or several whose outputs are averaged.
        keys: the name of each one's output in the postprocessing.
    """

    networks: tuple[NetworkPlan, ...]
    keys: tuple[str, ...]

    @property
    def dimensions(self) -> int:
        return self.networks[0].dimensions

    @property
    def in_channels(self) -> int:
        return self.networks[0].in_channels

    @property
    def out_channels(self) -> int:
        return self.networks[0].out_channels


def plan_members(inference: Inference) -> Members:
    """The networks of MONAI's EnsembleEvaluator where the bundle has one, else its one network.

    Raises:
        NotTrustedError: if one is a class of the bundle's own, or an argument is code.
        ModelError: if one of their arguments is damaged, or they do not fit each other.
    """
    if _evaluator_name(inference) != _ENSEMBLE:
        entry = component(inference.value("network_def" if inference.has("network_def") else "network"), "network_def")
        return Members((_loaded(plan_network(entry), _only_weights(inference)),), ("pred",))
    entries = _ensemble_entries(inference)
    networks = tuple(_loaded(plan_network(entry), _weights_of(entry, inference)) for entry in entries)
    for name, counts in (
        ("input channels", {network.in_channels for network in networks}),
        ("dimensions", {network.dimensions for network in networks}),
        ("classes", {network.out_channels for network in networks}),
    ):
        if len(counts) > 1:
            raise ModelError(
                f"its networks have different numbers of {name}: {sorted(counts)}.", where="evaluator#networks"
            )
    return Members(networks, _prediction_keys(inference, len(networks)))


def exported_member(metadata: Mapping[str, Any], planned: NetworkPlan | None = None) -> Members:
    """The network in TorchScript, by what the bundle says of it, else by what the metadata says.

    Raises:
        ModelError: if the metadata does not say how many channels and classes it has.
    """
    if planned is not None:
        return Members((replace(planned, architecture=None, notices=()),), ("pred",))
    image, prediction = image_format(metadata), prediction_format(metadata)
    inputs, classes = image.get("num_channels"), prediction.get("num_channels")
    if not isinstance(inputs, int) or not isinstance(classes, int) or min(inputs, classes) < 1:
        raise ModelError("it does not say how many channels and classes its network has.", where="network_data_format")
    shape = image.get("spatial_shape")
    dimensions = 2 if isinstance(shape, list) and len(shape) == 2 else 3
    return Members((NetworkPlan(None, dimensions, inputs, classes, ()),), ("pred",))


def _loaded(network: NetworkPlan, weights: tuple[str, str]) -> NetworkPlan:
    return replace(network, weights=weights[0], item=weights[1])


def _evaluator_name(inference: Inference) -> str:
    target = inference.value("evaluator#_target_")
    return target.rpartition(".")[2] if isinstance(target, str) else ""


def _ensemble_entries(inference: Inference) -> list[Component]:
    value = inference.value("evaluator#networks")
    if isinstance(value, Unresolved):
        raise refuse_unresolved(value)
    if not isinstance(value, list) or not value:
        raise ModelError("a list of networks is expected.", where="evaluator#networks")
    return [component(item, f"evaluator#networks#{n}") for n, item in enumerate(value)]


def _prediction_keys(inference: Inference, count: int) -> tuple[str, ...]:
    """What the evaluator calls the outputs; ``pred_0``, ``pred_1``, … where it does not say."""
    stated = inference.value("evaluator#pred_keys")
    absent = isinstance(stated, Unresolved) and stated.text == "@evaluator#pred_keys"
    keys = None if absent else plain(stated, "evaluator#pred_keys")
    if keys is None:
        return tuple(f"pred_{number}" for number in range(count))
    keys = [keys] if isinstance(keys, str) else keys
    if not isinstance(keys, list) or len(set(map(str, keys))) != count or len(keys) != count:
        raise ModelError(f"{count} networks need as many different keys.", where="evaluator#pred_keys")
    return tuple(map(str, keys))


def _weights_of(network: Component, inference: Inference) -> tuple[str, str]:
    """The file, and its item, of the loader of this network among several; of several such loaders the last counts."""
    found = ("", "")
    for loader in _loaders(inference):
        for item, target in _targets(loader).items():
            if isinstance(target, Component) and target.place == network.place:
                found = (_path(loader), str(item))
    if not found[0]:
        raise ModelError("no CheckpointLoader says where the weights of this network are.", where=network.place)
    return found


def _only_weights(inference: Inference) -> tuple[str, str]:
    for loader in _loaders(inference):
        if path := _path(loader):
            return path, str(next(iter(_targets(loader)), ""))
    return "", ""


def _targets(loader: Component) -> dict[Any, Any]:
    """What the loader fills, by the name of the file's item."""
    targets = loader.arguments.get("load_dict")
    return targets if isinstance(targets, dict) else {}


def _path(loader: Component) -> str:
    path = loader.arguments.get("load_path")
    if isinstance(path, Unresolved):
        raise refuse_unresolved(path)
    return path if isinstance(path, str) else ""


def _loaders(inference: Inference) -> list[Component]:
    """The bundle's checkpoint loaders: entries of their own or in lists, or among the handlers."""
    likely = [name for name in inference.names() if any(word in name.lower() for word in _LOADER_NAMES)]
    found: list[Any] = [inference.value(name) for name in likely]
    found += [inference.value(name) for name in ("handlers", "val_handlers", "evaluator#val_handlers")]
    opened = [item for value in found for item in (value if isinstance(value, list) else [value])]
    return [item for item in opened if isinstance(item, Component) and item.name == _LOADER]
