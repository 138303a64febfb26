"""Maps of probabilities on the source grid, handed on slab by slab as labels are decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from ..core.errors import UsageError
from ..models.spec import Argmax, Decision, Restore
from .activation import activate
from .deciding import Decide
from .slabs import Shape, Slab, SlabStream, a_voxel, tiles

_ROUNDING = 1e-3


class ProbabilitySink(Protocol):
    """Takes the probabilities of all classes."""

    def put(self, start: Shape, values: NDArray[Any]) -> None:
        """(class, k, j, i) float32 of a box of the source grid that begins at ``start``."""


class Shifted:
    """Of a box within the image: hands everything on at its place in the whole."""

    def __init__(self, sink: ProbabilitySink, start: Shape) -> None:
        self._sink, self._start = sink, start

    def put(self, start: Shape, values: NDArray[Any]) -> None:
        """As of a sink."""
        a, b, c = (first + more for first, more in zip(self._start, start, strict=True))
        self._sink.put((a, b, c), values)


def marked(values: torch.Tensor) -> torch.Tensor:
    """(class, a, b, c) scores and behind them ones, which on the way back tell where the model has looked."""
    return torch.cat([values, torch.ones_like(values[:1])])


def unmarked(decide: Decide) -> Decide:
    """The same decision about marked scores."""
    return lambda patch: decide(replace(patch, corners=patch.corners[:-1]))


def write_probabilities(stream: SlabStream, decision: Decision, restore: Restore, sink: ProbabilitySink) -> None:
    """Hand a stream of restored and marked scores (class, k, j, i) to a sink, as probabilities."""
    maps = stream.map_values(lambda values: probabilities_of(values, decision, restore))
    for slab in maps.slabs:
        put_slab(maps, slab, sink)


def put_slab(stream: SlabStream, slab: Slab, sink: ProbabilitySink) -> None:
    """Hand a stream's slab of probabilities (class, k, j, i) to a sink, tile by tile."""
    like = a_voxel(slab, stream)
    for tile in tiles(stream.box_of(slab), len(like), like.device):
        a, b, c = (part.start for part in tile)
        sink.put((a, b, c), slab.read(tile).values().float().cpu().numpy())


def probabilities_of(scores: torch.Tensor, decision: Decision, restore: Restore) -> torch.Tensor:
    """(class, k, j, i) float32 from restored and marked scores.

    Where the model did not look, the background is certain, if the classes have one (nnU-Net's
    ``revert_cropping_on_probabilities``).

    Raises:
        UsageError: if the scores are no probabilities, and the model does not say what makes them such.
    """
    found = activate(scores[:-1].float(), restore.probability)
    if found.numel() and (found.min() < -_ROUNDING or found.max() > 1.0 + _ROUNDING):
        raise UsageError(
            "there are no probabilities: the network's scores lie outside of 0 to 1, and the model does not say what "
            "makes probabilities of them.",
            remedy="Run it without them.",
        )
    unseen = scores[-1] == 0
    if unseen.any():
        found = found.clone()
        found[:, unseen] = 0.0
        if isinstance(decision, Argmax):
            found[decision.labels.index(0) if decision.labels else 0, unseen] = 1.0
    return found
