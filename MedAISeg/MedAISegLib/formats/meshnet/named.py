"""MeshNet by its name and arguments, without a file of its own format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from ...core.errors import ModelError
from ...core.records import from_json, to_json
from ..bounded_building import bounded_building
from ..recipe import Recipe
from .architecture import Nonlinearity
from .network import LayerWeights, MeshNet

NAME = "MeshNet"
_MOST_LAYERS, _WIDEST, _LARGEST_DILATION = 100, 4096, 1024


@dataclass(frozen=True)
class _Arguments:
    """What the network is built with.

    Attributes:
        widths: channels of the input, and of each layer's output.
        dilations: of each layer, the last one's 1.
        biases: whether each layer has them.
    """

    widths: tuple[int, ...]
    dilations: tuple[int, ...]
    biases: tuple[bool, ...]
    nonlinearity: Nonlinearity = Nonlinearity.RELU
    normalised: bool = False


def recipe_of(layers: tuple[LayerWeights, ...], nonlinearity: Nonlinearity, *, normalised: bool) -> Recipe:
    """The recipe of the network of these layers."""
    widths = (layers[0].weight.shape[1], *(layer.weight.shape[0] for layer in layers))
    arguments = _Arguments(
        tuple(int(width) for width in widths),
        tuple(layer.dilation for layer in layers),
        tuple(layer.bias is not None for layer in layers),
        nonlinearity,
        normalised,
    )
    content = to_json(arguments)
    del content["kind"]
    return Recipe(NAME, content)


def build_architecture(name: str, arguments: Mapping[str, Any], where: str) -> MeshNet:
    """The network without its weights.

    Raises:
        ModelError: if the arguments are none of MeshNet's.
    """
    try:
        said = from_json(_Arguments, dict(arguments))
    except ValueError as error:
        raise ModelError(f"{name} cannot be built: {error}.", where=where) from error
    count = len(said.dilations)
    if not (1 <= count <= _MOST_LAYERS and len(said.widths) == count + 1 and len(said.biases) == count):
        raise ModelError(f"{name} cannot be built: its layers do not fit each other.", where=where)
    if any(not 1 <= n <= _WIDEST for n in said.widths) or any(not 1 <= n <= _LARGEST_DILATION for n in said.dilations):
        raise ModelError(f"{name} cannot be built: its layers are too wide.", where=where)
    with bounded_building(where, arguments):
        return MeshNet(list(_layers(said)), said.nonlinearity, normalised=said.normalised)


def _layers(said: _Arguments) -> Iterator[LayerWeights]:
    last = len(said.dilations) - 1
    sizes = zip(pairwise(said.widths), said.dilations, said.biases, strict=True)
    for number, ((inner, outer), dilation, bias) in enumerate(sizes):
        kernel = 1 if number == last else 3
        weight = torch.zeros(outer, inner, kernel, kernel, kernel)
        yield LayerWeights(weight, torch.zeros(outer) if bias else None, dilation)
