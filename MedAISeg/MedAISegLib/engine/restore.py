"""From scores to labels on the source grid, slab by slab, in the model's own order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.operations import Interpolation
from ..models.spec import Activation, Argmax, Decision, Regions, Restore, RestoreOrder, Threshold
from .activation import activate
from .probabilities import ProbabilitySink, marked, write_probabilities
from .slabs import Slab, SlabStream, Undo

LabelLayers = NDArray[np.uint8] | NDArray[np.uint16]


def restore_labels(
    scores: SlabStream,
    undos: Sequence[Undo],
    decision: Decision,
    restore: Restore,
    poll: Callable[[], None],
    *,
    label_undos: int = 0,
    cleaned: Callable[[LabelLayers], LabelLayers] | None = None,
    probabilities: ProbabilitySink | None = None,
) -> LabelLayers:
    """Follow the trace of the preparation backwards and decide each voxel's label.

    Args:
        scores: raw scores (class, a, b, c) on the network's grid.
        undos: of the preparation steps, in the order in which those were made.
        poll: called after each slab; may raise Cancelled.
        label_undos: so many of the first undos are of labels, whatever the model's own order.
        cleaned: changes labels on the grid on which they are decided.
        probabilities: is told those of every class on the source grid.

    Returns:
        (layer, k, j, i) label values: one layer for Argmax and Regions, one for each class for Threshold.
    """
    decide, active = decider(decision), restore.activation
    labels_first = restore.order is RestoreOrder.DECIDE_THEN_LABELS
    after, scores_after = (undos, ()) if labels_first else (undos[:label_undos], undos[label_undos:])
    # A softmax does not change which class is highest, and needs all classes once more.
    deciding = Activation.NONE if labels_first and isinstance(decision, Argmax) else active
    if probabilities is None:
        stream = undone(
            scores.map_values(lambda values: activate(values, deciding)), scores_after, restore.interpolation
        )
        labels = stream.map_values(decide)
        if cleaned is None:
            return gather(undone(labels, after, Interpolation.NEAREST), poll)
        layers = gather(labels, poll)
    else:
        stream = undone(
            scores.map_values(lambda values: marked(activate(values, active))), scores_after, restore.interpolation
        )
        gathered = LabelGatherer(stream, poll)
        passing = gathered.aside(lambda values: decide(values[:-1]))
        write_probabilities(undone(passing, after, Interpolation.LINEAR), decision, restore, probabilities)
        layers = gathered.layers
    if cleaned is not None:
        layers = cleaned(layers)
    return (
        gather(undone(_as_stream(layers, scores.slab_bytes), after, Interpolation.NEAREST), poll) if after else layers
    )


def undone(stream: SlabStream, undos: Sequence[Undo], interpolation: Interpolation) -> SlabStream:
    """The stream on the grid that was there before the undos' steps were made."""
    for undo in reversed(undos):
        stream = undo(stream, interpolation)
    return stream


def label_dtype(labels: Sequence[int]) -> torch.dtype:
    """What the labels are on their way: uint8 if it holds them, else int32, since torch can do little with uint16."""
    return torch.uint8 if max(labels, default=0) <= np.iinfo(np.uint8).max else torch.int32


def decider(decision: Decision) -> Callable[[torch.Tensor], torch.Tensor]:
    """From (class, a, b, c) scores to (layer, a, b, c) labels."""
    if isinstance(decision, Argmax):
        return lambda scores: _argmax(scores, decision)
    if isinstance(decision, Threshold):
        return lambda scores: _threshold(scores, decision)
    return lambda scores: _regions(scores, decision)


def _argmax(scores: torch.Tensor, decision: Argmax) -> torch.Tensor:
    labels = decision.labels or tuple(range(scores.shape[0]))
    # The same classes as argmax, in half its time on a CPU; of equal scores the first class wins in both.
    winner = scores.max(dim=0, keepdim=True).indices
    if not decision.labels:
        return winner.to(label_dtype(labels))
    table = torch.tensor(labels, dtype=torch.int32, device=scores.device)
    return table[winner].to(label_dtype(labels))


def _threshold(scores: torch.Tensor, decision: Threshold) -> torch.Tensor:
    dtype = label_dtype(decision.labels)
    values = torch.tensor(decision.labels, dtype=torch.int32, device=scores.device).view(-1, 1, 1, 1)
    return ((scores >= decision.threshold) * values).to(dtype)


def _regions(scores: torch.Tensor, decision: Regions) -> torch.Tensor:
    painted = torch.zeros(scores.shape[1:], dtype=torch.int32, device=scores.device)
    for region, label in zip(scores, decision.labels, strict=True):
        painted[region > decision.threshold] = label
    return painted[None].to(label_dtype(decision.labels))


class LabelGatherer:
    """The labels of a stream, put together slab by slab."""

    def __init__(self, stream: SlabStream, poll: Callable[[], None]) -> None:
        self._stream, self._poll = stream, poll
        self._layers: NDArray[Any] | None = None

    @property
    def layers(self) -> LabelLayers:
        """(layer, k, j, i), once all slabs have come."""
        if self._layers is None:
            raise ValueError("a stream has at least one slab")
        return self._layers

    def aside(self, to_labels: Callable[[torch.Tensor], torch.Tensor]) -> SlabStream:
        """The stream as it is; each slab's labels are kept on its way."""

        def passing() -> Iterator[Slab]:
            for slab in self._stream.slabs:
                self.put(slab.start, to_labels(slab.values))
                yield slab

        return replace(self._stream, slabs=passing())

    def put(self, start: int, labels: torch.Tensor) -> None:
        """Keep (layer, a, b, c) labels of a slab."""
        values, axis = labels.cpu().numpy(), self._stream.axis
        if self._layers is None:
            dtype = np.uint8 if values.dtype == np.uint8 else np.uint16
            self._layers = np.zeros((values.shape[0], *self._stream.shape), dtype=dtype)
        place = [slice(None)] * 4
        place[axis + 1] = slice(start, start + values.shape[axis + 1])
        self._layers[tuple(place)] = values
        self._poll()


def gather(stream: SlabStream, poll: Callable[[], None]) -> LabelLayers:
    """(layer, k, j, i) labels of a stream of labels."""
    gathered = LabelGatherer(stream, poll)
    for slab in stream.slabs:
        gathered.put(slab.start, slab.values)
    return gathered.layers


def _as_stream(layers: LabelLayers, slab_bytes: int) -> SlabStream:
    labels = torch.from_numpy(layers if layers.dtype == np.uint8 else layers.astype(np.int32))
    a, b, c = layers.shape[1:]
    return SlabStream((a, b, c), 0, True, iter([Slab(0, labels)]), slab_bytes)
