"""Networks of torchvision with a last layer for the bundle's own classes: MONAI's ``TorchVisionFCModel``.

They are put together here since MONAI looks for torchvision when it is imported, and it is imported without. In Slicer
the PyTorch extension brings torchvision beside torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError, ResourceError
from ..monai_bundle.values import quoted

if TYPE_CHECKING:
    import torch

NAME = "TorchVisionFCModel"
_ADAPTER = "NetAdapter"
_INCEPTION = "inception_v3"
_MODELS = frozenset({
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "wide_resnet50_2", "wide_resnet101_2", _INCEPTION,
})  # fmt: skip
"""Those that MONAI names; each ends in a layer ``fc``."""

_OF_THE_LAYER = ("num_classes", "dim", "in_channels", "use_conv", "pool", "bias", "fc_name")
_OF_OTHER_WEIGHTS = ("pretrained", "weights")
_SHIFTED = "transform_input"


def problem_of(arguments: Mapping[str, Any]) -> str:
    """Why these arguments are not understood, a sentence without its full stop; empty where they are."""
    model = arguments.get("model_name", "resnet18")
    if model not in _MODELS:
        return f"torchvision's network {quoted(str(model))} is none of those that are understood"
    allowed = ("model_name", *_OF_THE_LAYER, *_OF_OTHER_WEIGHTS, *([_SHIFTED] if model == _INCEPTION else []))
    unknown = next((name for name in arguments if name not in allowed), None)
    return "" if unknown is None else f"the argument {quoted(unknown)} is not understood"


def without_download(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the same network that fetches no weights."""
    kept = {name: value for name, value in arguments.items() if name not in _OF_OTHER_WEIGHTS}
    if kept.get("model_name") == _INCEPTION:
        # Asked for published weights, torchvision also brings values of 0 to 1 into the range of those.
        kept.setdefault(_SHIFTED, any(arguments.get(name) for name in _OF_OTHER_WEIGHTS))
    return kept


def build_architecture(name: str, arguments: Mapping[str, Any], where: str) -> torch.nn.Module:
    """The network without weights, by what a description of our own says of it.

    Raises:
        ResourceError, ModelError: as :func:`build_torchvision`; also if the arguments are none that are understood.
    """
    if problem := problem_of(arguments):
        raise ModelError(f"{name} cannot be built: {problem}.", where=where)
    return build_torchvision(without_download(arguments), where)


def build_torchvision(arguments: Mapping[str, Any], place: str) -> torch.nn.Module:
    """The network without weights.

    Args:
        arguments: in which :func:`problem_of` finds nothing, as :func:`without_download` leaves them.

    Raises:
        ResourceError: if torchvision is not installed, or does not fit the torch that is.
        ModelError: if its arguments do not fit each other.
    """
    try:
        models = import_module("torchvision.models")
    # RuntimeError: its operators are built for another torch.
    except (ImportError, RuntimeError) as error:
        raise ResourceError(
            f"the package torchvision is missing, or does not fit the torch that is installed ({error}).",
            where=place,
            remedy="Install the torchvision that belongs to that torch; Slicer's PyTorch extension brings both.",
        ) from error
    from ..bounded_building import bounded_building
    from ..monai_networks import nets

    options = {}
    if arguments.get("model_name") == _INCEPTION:
        options = {_SHIFTED: arguments.get(_SHIFTED, False), "init_weights": False}
    layer = {name: arguments[name] for name in _OF_THE_LAYER if name in arguments}
    try:
        with bounded_building(place, arguments):
            base = getattr(models, arguments.get("model_name", "resnet18"))(weights=None, **options)
            adapted: torch.nn.Module = getattr(nets, _ADAPTER)(base, **layer)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{NAME} cannot be built: {error}", where=place) from error
    return adapted
