"""Which networks a bundle may ask for, and with which arguments; nothing is built or imported here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from .values import Component, Device, FileContent, Unresolved, plain, refuse_class, refuse_unresolved

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
        weights: path of its weights as the bundle writes it, empty where the bundle does not say.
    """

    architecture: Architecture
    in_channels: int
    out_channels: int
    notices: tuple[Notice, ...]
    weights: str = ""


def plan_network(entry: Component) -> NetworkPlan:
    """What the bundle says of one network; where its weights are is not looked for.

    Raises:
        NotTrustedError: if it is a class of the bundle's own, or an argument is code.
        ModelError: if it is no 3-D segmentation network of MONAI.
    """
    name = _allowed(entry, NETWORKS)
    notices: list[Notice] = []
    architecture = Architecture(name, _arguments(name, entry, notices), entry.place)
    if architecture.arguments.get("spatial_dims", 3) != 3:
        raise ModelError("it is not supported yet, because it works on 2-D images.", where=entry.place)
    return NetworkPlan(
        architecture,
        _count(architecture, "in_channels", default=1),
        _count(architecture, NETWORKS[name], default=2),
        tuple(notices),
    )


def _allowed(entry: Component, names: Mapping[str, str] | frozenset[str]) -> str:
    match = _PLACE.fullmatch(entry.target)
    if match and match.group(1) in names:
        return match.group(1)
    if match:
        raise ModelError(f"the network {entry.target} is not supported yet.", where=entry.place)
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
            raise ModelError(f"it is not supported yet, because {given} fetches weights from elsewhere.", where=place)
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
