"""Which networks a bundle that classifies may ask for, and with which arguments; nothing is built or imported here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...core.errors import ModelError
from ..monai_bundle.architecture import Architecture, NetworkPlan
from ..monai_bundle.values import Component, needs_trust, plain, quoted, refuse_class
from . import torchvision_networks

_PLACE = re.compile(r"(?:monai\.networks\.nets\.(?:\w+\.)?)?(\w+)")
_OUTPUTS, _CLASSES = "out_channels", "num_classes"
NETWORKS: Mapping[str, str] = {
    **dict.fromkeys(("DenseNet", "DenseNet121", "DenseNet169", "DenseNet201", "DenseNet264"), _OUTPUTS),
    **dict.fromkeys(
        ("EfficientNetBN", "ResNet", "SENet", "SENet154", "SEResNet50", "SEResNet101", "SEResNet152"), _CLASSES
    ),
    torchvision_networks.NAME: _CLASSES,
}
"""Networks of MONAI that give one score a class, and the argument that says how many classes."""

_CHANNELS = ("in_channels", "n_input_channels")
_WEIGHTS = ("pretrained", "weights")
_FETCHES_UNLESS_TOLD = "EfficientNetBN"


def plan_classifier(entry: Component, weights: str) -> NetworkPlan:
    """What the bundle says of its network; where its weights are is not looked for.

    Raises:
        NotTrustedError: if it is none of those that are understood, or an argument is code.
        ModelError: if one of its arguments is damaged.
    """
    architecture, count = _architecture(entry)
    in_channels = next((architecture.arguments[key] for key in _CHANNELS if key in architecture.arguments), 3)
    dimensions = architecture.arguments.get("spatial_dims", 2)
    if dimensions not in (2, 3) or not isinstance(in_channels, int):
        raise ModelError("its dimensions or channels are no numbers that fit.", where=entry.place)
    return NetworkPlan(architecture, dimensions, in_channels, count, (), weights)


def without_download(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a network whose own weights replace all of those that it would fetch first."""
    kept = {key: False if key in _WEIGHTS else value for key, value in arguments.items()}
    return kept | ({"pretrained": False} if name == _FETCHES_UNLESS_TOLD else {})


def _architecture(entry: Component) -> tuple[Architecture, int]:
    match = _PLACE.fullmatch(entry.target)
    if match is None:
        raise refuse_class(entry.target, entry.place)
    name = match.group(1)
    if name not in NETWORKS:
        raise needs_trust(f"the network {quoted(entry.target)} is none of those that are understood", entry.place)
    given = {key: plain(value, f"{entry.place}#{key}") for key, value in entry.arguments.items()}
    if name == torchvision_networks.NAME:
        if problem := torchvision_networks.problem_of(given):
            raise needs_trust(problem, entry.place)
        given = torchvision_networks.without_download(given)
    else:
        given = without_download(name, given)
    count = given.get(NETWORKS[name])
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ModelError(f"{count!r} is no number of classes.", where=f"{entry.place}#{NETWORKS[name]}")
    return Architecture(name, given, entry.place), count
