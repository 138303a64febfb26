"""Networks by name: classes whose arguments and weights alone make a network, whatever format they come from."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelError
from .monai_bundle.architecture import DOWNLOADS, NETWORKS, PARTS
from .monai_classifier.architecture import NETWORKS as CLASSIFYING
from .monai_classifier.architecture import without_download
from .monai_classifier.torchvision_networks import NAME as OF_TORCHVISION

if TYPE_CHECKING:
    import torch

_OF_MONAI = (*NETWORKS, "SegResNetDS2", *(name for name in CLASSIFYING if name != OF_TORCHVISION))
_BUILDERS = {
    **dict.fromkeys(_OF_MONAI, "monai_networks"),
    **dict.fromkeys(("PlainConvUNet", "ResidualEncoderUNet"), "nnunet.network"),
    "MeshNet": "meshnet.named",
    OF_TORCHVISION: "monai_classifier.torchvision_networks",
}
"""Name to the module whose ``build_architecture`` makes it, with the arguments in its own words."""

TENSOR = "tensor"
PART = "architecture"


def build(architecture: str, arguments: Mapping[str, Any], where: str) -> torch.nn.Module:
    """A network without its weights.

    Args:
        arguments: as JSON holds them. Of MONAI's networks one may be a part, ``{"architecture": …, "arguments": …}``,
            or ``{"tensor": …, "dtype": "int64"}``.

    Raises:
        NotTrustedError: if an argument names a class that does not belong to such networks.
        ModelError: if the name is not known, or its class does not take the arguments.
        ResourceError: if the package that has it is missing.
    """
    if architecture not in _BUILDERS:
        raise ModelError(
            f"{architecture[:60]!r} is none of the networks that are known by name: {', '.join(_BUILDERS)}.",
            where=where,
            remedy="Save it as TorchScript instead, or correct the name.",
        )
    if any(name in DOWNLOADS and value not in (False, None) for name, value in arguments.items()):
        raise ModelError("its arguments ask for weights from elsewhere.", where=where, remedy="Leave them out.")
    if architecture in _OF_MONAI:
        arguments = {name: _made(value, where) for name, value in arguments.items()}
    if architecture in CLASSIFYING and architecture != OF_TORCHVISION:
        arguments = without_download(architecture, arguments)
    # Importing torch and MONAI takes seconds.
    module = import_module(f".{_BUILDERS[architecture]}", __package__)
    network: torch.nn.Module = module.build_architecture(architecture, arguments, where)
    return network


def _made(value: Any, where: str) -> Any:
    """The value with its parts and tensors made."""
    if isinstance(value, list):
        return [_made(item, where) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {TENSOR, "dtype"}:
        return _tensor(value, where)
    if set(value) == {PART, "arguments"} and value[PART] in PARTS and isinstance(value["arguments"], dict):
        from .monai_networks import build_architecture

        inner = {name: _made(item, where) for name, item in value["arguments"].items()}
        return build_architecture(value[PART], inner, where)
    return {key: _made(item, where) for key, item in value.items()}


def _tensor(value: dict[str, Any], where: str) -> torch.Tensor:
    import torch

    kind = getattr(torch, str(value["dtype"]), None)
    try:
        return torch.tensor(value[TENSOR], dtype=kind)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"one of its arguments is no tensor: {error}", where=where) from error
