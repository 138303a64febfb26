"""Which networks a bundle may ask for, and with which arguments; nothing is built or imported here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from .values import (
    Component,
    Device,
    FileContent,
    Unresolved,
    needs_trust,
    plain,
    quoted,
    refuse_class,
    refuse_unresolved,
)

_PLACE = re.compile(r"(?:monai\.networks\.nets\.(?:\w+\.)?)?(\w+)")

_OUTPUTS = "out_channels"
NETWORKS: Mapping[str, str] = {
    "UNet": _OUTPUTS, "Unet": _OUTPUTS, "BasicUNet": _OUTPUTS, "BasicUnet": _OUTPUTS, "Basicunet": _OUTPUTS,
    "DynUNet": _OUTPUTS, "DynUnet": _OUTPUTS, "Dynunet": _OUTPUTS, "SegResNet": _OUTPUTS, "SegResNetDS": _OUTPUTS,
    "UNETR": _OUTPUTS, "SwinUNETR": _OUTPUTS, "VNet": _OUTPUTS, "AttentionUnet": _OUTPUTS, "HighResNet": _OUTPUTS,
    "FlexibleUNet": _OUTPUTS, "MedNeXt": _OUTPUTS, "DiNTS": "num_classes",
}  # fmt: skip
"""Networks of MONAI that give one score a class and voxel, and the argument that says how many classes."""

PARTS = frozenset({"TopologyInstance", "TopologyConstruction"})
"""Objects of MONAI that a network's arguments may hold."""

_DEFAULT_DIMENSIONS = {"FlexibleUNet": 2}
_GONE = {("SwinUNETR", "img_size"): "it works on windows of any size now"}
_RENAMED = {"dimensions": "spatial_dims", ("UNETR", "pos_embed"): "proj_type"}
DOWNLOADS = ("pretrained", "weights", "pretrained_path")


@dataclass(frozen=True)
class Architecture:
    """A network as the bundle describes it.

    Attributes:
        name: of the class in ``monai.networks.nets``.
        arguments: by keyword: plain values, Device, FileContent, and Architecture for a part of it.
        place: of the description.
    """

    name: str
    arguments: Mapping[str, Any]
    place: str


@dataclass(frozen=True)
class NetworkPlan:
    """What is known of the network before it is built.

    Attributes:
        architecture: None for a network in TorchScript.
        dimensions: 2 for a network that sees slices, else 3.
        weights: path of its weights as the bundle writes it, empty where the bundle does not say.
        item: of the weights' file, as the bundle calls it.
    """

    architecture: Architecture | None
    dimensions: int
    in_channels: int
    out_channels: int
    notices: tuple[Notice, ...]
    weights: str = ""
    item: str = ""


def plan_network(entry: Component) -> NetworkPlan:
    """What the bundle says of one network; where its weights are is not looked for.

    Raises:
        NotTrustedError: if it is a class of the bundle's own, or an argument is code.
        ModelError: if one of its arguments is damaged.
    """
    name = _allowed(entry, NETWORKS)
    notices: list[Notice] = []
    architecture = Architecture(name, _arguments(name, entry, notices), entry.place)
    dimensions = architecture.arguments.get("spatial_dims", _DEFAULT_DIMENSIONS.get(name, 3))
    if dimensions not in (2, 3):
        raise ModelError(f"{dimensions!r} is no number of dimensions.", where=f"{entry.place}#spatial_dims")
    return NetworkPlan(
        architecture,
        dimensions,
        _count(architecture, "in_channels", default=1),
        _count(architecture, NETWORKS[name], default=2),
        tuple(notices),
    )


def _allowed(entry: Component, names: Mapping[str, str] | frozenset[str]) -> str:
    match = _PLACE.fullmatch(entry.target)
    if match and match.group(1) in names:
        return match.group(1)
    if match:
        raise needs_trust(f"the network {quoted(entry.target)} is none of those that are understood", entry.place)
    raise refuse_class(entry.target, entry.place)


def _arguments(name: str, entry: Component, notices: list[Notice]) -> dict[str, Any]:
    arguments = {}
    for given, value in entry.arguments.items():
        place = f"{entry.place}#{given}"
        if (name, given) in _GONE:
            message = f"{name}'s argument {given} is left out: {_GONE[name, given]}."
            notices.append(Notice("argument-dropped", message))
            continue
        if given in DOWNLOADS and value not in (False, None):
            raise needs_trust(f"{given} fetches weights from elsewhere", place)
        argument = _RENAMED.get(given) or _RENAMED.get((name, given)) or given
        arguments[argument] = _argument(value, place, notices)
    return arguments


def _argument(value: Any, place: str, notices: list[Notice]) -> Any:
    if isinstance(value, Unresolved):
        raise refuse_unresolved(value)
    if isinstance(value, Component):
        name = _allowed(value, PARTS)
        return Architecture(name, _arguments(name, value, notices), value.place)
    if isinstance(value, (Device, FileContent)):
        return value
    if isinstance(value, list) and any(isinstance(item, FileContent) for item in value):
        return [_argument(item, f"{place}#{n}", notices) for n, item in enumerate(value)]
    return plain(value, place)


def _count(architecture: Architecture, argument: str, default: int) -> int:
    value = architecture.arguments.get(argument, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ModelError(f"{value!r} is no number of channels.", where=f"{architecture.place}#{argument}")
    return value
