"""Networks that give one score a class for a whole image, each tried before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import torch

from ...core.errors import ModelError
from ...models.operations import PadToSize, ResizeTo, ReverseAxes, SpatialOperation, Transpose
from ...models.spec import InferenceStage
from .description import Description
from .networks import checked_output, open_file

_FLAT_LENGTHS = (64, 128, 224, 256, 299, 384, 512)
"""Tried where the preparation fixes none; the odd ones are those that published networks were made for."""
_LENGTHS = (32, 64, 96, 128)
_MOST_TRIAL_VALUES = 2**27


class CheckedClassifier(torch.nn.Module):
    """A network of a file, which may do anything: what comes out is held against what was announced."""

    def __init__(self, network: torch.nn.Module, classes: int | None, where: str) -> None:
        super().__init__()
        self.network = network
        self._classes, self._where = classes, where

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b) or (batch, channel, a, b, c) to (batch, class); of several outputs the first."""
        scores = checked_output(self.network, values, self._where)
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else ()
        if len(shape) != 2 or shape[0] != len(values):
            given = " x ".join(map(str, shape)) or "no array"
            raise ModelError(f"for an image its network gives {given} and not a score a class.", where=self._where)
        if self._classes is not None and shape[1] != self._classes:
            raise ModelError(
                f"its network tells {shape[1]} classes apart, and {self._classes} are named.", where=self._where
            )
        result: torch.Tensor = scores
        return result


def build_classifier(folder: Path, description: Description) -> tuple[tuple[torch.nn.Module, ...], ...]:
    """The network of a model with classes, on the CPU, in evaluation mode.

    Raises:
        NotTrustedError, ModelError, ResourceError: as :func:`.networks.build_networks`.
    """
    ((member,),), (stage,) = description.networks, description.stages
    network = open_file(folder, member).eval()
    checked = CheckedClassifier(network, len(description.classes), str(folder))
    next(images_taken(checked, len(description.channels), stage))
    return ((network,),)


def images_taken(checked: CheckedClassifier, inputs: int, stage: InferenceStage) -> Iterator[torch.Tensor]:
    """Random images, (1, channel, a, b) or (1, channel, a, b, c), of sizes that the network takes, at least one.

    Raises:
        ModelError: if it takes none; what it says to the last of them. Also if one is too large to be tried.
    """
    random = torch.Generator().manual_seed(0)
    takes_one, refused = False, None
    for size in _sizes(stage):
        if inputs * prod(size) > _MOST_TRIAL_VALUES:
            raise ModelError(f"an image of {' x '.join(map(str, size))} values is too large for a network.")
        image = torch.rand((1, inputs, *size), generator=random)
        try:
            with torch.inference_mode():
                checked(image)
        except ModelError as error:
            refused = error
            continue
        takes_one = True
        yield image
    if not takes_one and refused is not None:
        raise refused


def _sizes(stage: InferenceStage) -> Iterator[tuple[int, ...]]:
    """The one size that the preparation gives to all images; where it gives none, sizes that networks are made for."""
    prepared = _prepared_size(stage)
    fixed = prepared[:2] if stage.slicewise else prepared
    lengths = _FLAT_LENGTHS if stage.slicewise else _LENGTHS
    for length in lengths if 0 in fixed else (0,):
        yield tuple(n or length for n in fixed)


def _prepared_size(stage: InferenceStage) -> tuple[int, ...]:
    """Lengths of the prepared array, 0 where they depend on the image."""
    size: tuple[int, ...] = (0, 0, 0)
    for operation in stage.preprocessing:
        if isinstance(operation, (ResizeTo, PadToSize)):
            size = tuple(new or old for new, old in zip(operation.size, size, strict=True))
        elif isinstance(operation, ReverseAxes):
            size = size[::-1]
        elif isinstance(operation, Transpose):
            size = tuple(size[axis] for axis in operation.order)
        elif isinstance(operation, SpatialOperation):
            size = (0, 0, 0)
    return size
