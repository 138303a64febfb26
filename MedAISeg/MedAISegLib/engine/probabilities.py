"""Maps of probabilities on the source grid, handed on slab by slab as labels are decided."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from ..models.spec import Argmax, Decision, Restore
from .activation import activate
from .slabs import Shape, SlabStream


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


def write_probabilities(stream: SlabStream, decision: Decision, restore: Restore, sink: ProbabilitySink) -> None:
    """Hand a stream of restored and marked scores (class, k, j, i) to a sink, as probabilities."""
    for slab in stream.slabs:
        put_slab(stream, slab.start, probabilities_of(slab.values, decision, restore), sink)


def put_slab(stream: SlabStream, start: int, values: torch.Tensor, sink: ProbabilitySink) -> None:
    """Hand a stream's slab of probabilities (class, k, j, i) to a sink."""
    a, b, c = (start if axis == stream.axis else 0 for axis in range(3))
    sink.put((a, b, c), values.float().cpu().numpy())


def probabilities_of(scores: torch.Tensor, decision: Decision, restore: Restore) -> torch.Tensor:
    """(class, k, j, i) float32 from restored and marked scores.

    Where the model did not look, the background is certain, if the classes have one (nnU-Net's
    ``revert_cropping_on_probabilities``).
    """
    found = activate(scores[:-1].float(), restore.probability)
    unseen = scores[-1] == 0
    if unseen.any():
        found = found.clone()
        found[:, unseen] = 0.0
        if isinstance(decision, Argmax):
            found[decision.labels.index(0) if decision.labels else 0, unseen] = 1.0
    return found
