"""From a file of weights and the architecture to the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...core.errors import ModelError
from ..bounded_building import bounded_building, note_weights
from ..checkpoint import load_content, load_safetensors, require_finite
from ..recipe import Recipe
from .architecture import Architecture
from .named import recipe_of
from .network import LayerWeights, MeshNet

_ZIP = b"PK"
_LAYER_NAME = re.compile(r"model\.(\d+)(?:\.0)?\.(weight|bias)")


def build_network(path: Path, architecture: Architecture, classes: int) -> MeshNet:
    """The network in evaluation mode, on the CPU.

    Raises:
        NotTrustedError: if the file holds more than weights.
        ModelError: if it is damaged or does not fit the architecture.
    """
    layers = _layers(_load(path), architecture, path)
    if layers[-1].weight.shape[0] != classes:
        raise ModelError(
            f"the weights tell {layers[-1].weight.shape[0]} classes apart, and {classes} are described.",
            where=str(path),
        )
    return MeshNet(layers, architecture.nonlinearity, normalised=architecture.normalised).eval()


def recipe_from(path: Path, architecture: Architecture) -> Recipe:
    """How the network is made without the architecture's file.

    Raises:
        NotTrustedError: if the file holds more than weights.
        ModelError: if it is damaged or does not fit the architecture.
    """
    layers = _layers(_load(path), architecture, path)
    return recipe_of(layers, architecture.nonlinearity, normalised=architecture.normalised)


def _layers(state: Mapping[str, torch.Tensor], architecture: Architecture, path: Path) -> tuple[LayerWeights, ...]:
    numbered: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in state.items():
        match = _LAYER_NAME.fullmatch(name)
        if match is None:
            raise ModelError(f"it holds {name!r}, which MeshNet does not have.", where=str(path))
        if not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ModelError(f"its weights are no plain numbers: {name} is of the type {kind}.", where=str(path))
        numbered.setdefault(int(match[1]), {})[match[2]] = tensor
    found = [numbered[number] for number in sorted(numbered)]
    _require_fitting(found, architecture, path)
    # A tensor can be of any size, whatever the file's: its numbers are not touched before its shape is known.
    require_finite(state, path)
    return tuple(
        LayerWeights(layer["weight"].float(), layer["bias"].float() if "bias" in layer else None, dilation)
        for layer, dilation in zip(found, architecture.dilations, strict=True)
    )


def _require_fitting(found: list[dict[str, torch.Tensor]], architecture: Architecture, path: Path) -> None:
    """Raises ModelError if the weights' shapes are not those of the layers, or of more than their file can hold."""
    if len(found) != len(architecture.dilations):
        raise ModelError(f"it has weights for {len(found)} layers of {len(architecture.dilations)}.", where=str(path))
    channels = 1
    for number, layer in enumerate(found):
        kernel = 1 if number == len(found) - 1 else 3
        width = len(layer["bias" if "weight" not in layer else "weight"])
        expected = {"weight": (width, channels, kernel, kernel, kernel), "bias": (width,)}
        if "weight" not in layer or any(tuple(tensor.shape) != expected[key] for key, tensor in layer.items()):
            raise ModelError(f"the weights of layer {number + 1} do not fit {path.parent.name}.", where=str(path))
        channels = width
    note_weights(path)
    with bounded_building(str(path), {}):
        for tensor in (tensor for layer in found for tensor in layer.values()):
            torch.empty(tensor.shape, device="meta")


def _load(path: Path) -> dict[str, torch.Tensor]:
    """Published ``model.pth`` files are mostly safetensors in spite of their name."""
    with path.open("rb") as stream:
        zipped = stream.read(len(_ZIP)) == _ZIP
    state: Any = load_content(path) if zipped else load_safetensors(path)
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise ModelError("it holds no weights of a network.", where=str(path))
    return state
