"""A model that says what an image shows as a whole, in place of where something is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..models.spec import ModelSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClassifierSource:
    """A classification model that has been read but not loaded.

    Attributes:
        spec: without segments; its one stage has the preparation and, in its restore, what makes scores probabilities.
        classes: names, in the order of the network's scores.
        in_channels: of the network; a single image is repeated where it is more than one.
        dimensions: of the images, 2 or 3.
        build_network: with its weights, on the CPU, in evaluation mode. Raises ModelError.
    """

    spec: ModelSpec
    classes: tuple[str, ...]
    in_channels: int
    dimensions: int
    build_network: Callable[[], torch.nn.Module]
