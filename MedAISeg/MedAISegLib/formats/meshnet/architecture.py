"""What ``model.json`` says about the network, in the words of brainchop-models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ..texts import text_of

ARCHITECTURE = "model.json"


class Nonlinearity(Enum):
    """What follows each dilated convolution; the values are the flags of ``model.json``."""

    RELU = "relu"
    ELU = "elu"
    GELU = "gelu"


@dataclass(frozen=True)
class Architecture:
    """The network without its weights, whose widths are those of the weights.

    Attributes:
        dilations: of each convolution in order; the last one is pointwise.
        classes: how many there are, None where the file is a template that leaves it open.
        normalised: each channel is brought to mean 0 and variance 1 before the nonlinearity.
    """

    dilations: tuple[int, ...]
    classes: int | None
    nonlinearity: Nonlinearity
    normalised: bool


def is_architecture(path: Path) -> bool:
    """Whether the file lists convolutions the way MeshNet's do."""
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError):
        return False
    layers = content.get("layers") if isinstance(content, dict) else None
    return isinstance(layers, list) and bool(layers) and all(isinstance(x, dict) and "dilation" in x for x in layers)


def read_architecture(path: Path) -> Architecture:
    """The architecture of a file that ``is_architecture``.

    Raises:
        ModelError: if it describes anything but unstrided convolutions of width 3 that keep the size, and a last one of
            width 1.
    """
    content: dict[str, Any] = json.loads(text_of(path))
    layers: list[dict[str, Any]] = content["layers"]
    for number, layer in enumerate(layers, start=1):
        last = number == len(layers)
        dilation = layer["dilation"]
        if not isinstance(dilation, int) or isinstance(dilation, bool) or dilation < 1:
            raise ModelError(f"layer {number} has the dilation {dilation!r}.", where=str(path))
        expected = {"kernel_size": 1 if last else 3, "stride": 1, "padding": 0 if last else dilation}
        unlike = [f"{name} {layer.get(name)!r}" for name, value in expected.items() if layer.get(name) != value]
        if unlike:
            raise ModelError(
                f"layer {number} is none of MeshNet's ({', '.join(unlike)}).",
                where=str(path),
                remedy="Supported are convolutions of width 3 that keep the size, and a last one of width 1.",
            )
    classes = layers[-1].get("out_channels")
    return Architecture(
        dilations=tuple(layer["dilation"] for layer in layers),
        classes=classes if isinstance(classes, int) and classes > 0 else None,
        nonlinearity=_nonlinearity(content, path),
        normalised=content.get("bnorm") is True,
    )


def _nonlinearity(content: dict[str, Any], path: Path) -> Nonlinearity:
    stated = [kind for kind in Nonlinearity if content.get(kind.value) is True]
    if len(stated) > 1:
        raise ModelError(f"it names {len(stated)} activations.", where=str(path))
    return stated[0] if stated else Nonlinearity.RELU
