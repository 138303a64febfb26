"""From scores to labels on the source grid, slab by slab, in the model's own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.operations import Interpolation
from ..models.spec import Activation, Argmax, Decision, Regions, Restore, RestoreOrder, Threshold
from .activation import activate
from .slabs import SlabStream, Undo

LabelLayers = NDArray[np.uint8] | NDArray[np.uint16]


def restore_labels(
    scores: SlabStream,
    undos: Sequence[Undo],
    decision: Decision,
    restore: Restore,
    poll: Callable[[], None],
) -> LabelLayers:
    """Follow the trace of the preparation backwards and decide each voxel's label.

    Args:
        scores: raw scores (class, a, b, c) on the network's grid.
        undos: of the preparation steps, in the order in which those were made.
        poll: called after each slab; may raise Cancelled.

    Returns:
        (layer, k, j, i) label values: one layer for Argmax and Regions, one for each class for Threshold.
    """
    decide = _decider(decision)
    labels_first = restore.order is RestoreOrder.DECIDE_THEN_LABELS
    if labels_first:
        # A softmax does not change which class is highest, and needs all classes once more.
        active = Activation.NONE if isinstance(decision, Argmax) else restore.activation
        stream = scores.map_values(lambda values: decide(activate(values, active)))
    else:
        stream = scores.map_values(lambda values: activate(values, restore.activation))
    interpolation = Interpolation.NEAREST if labels_first else restore.interpolation
    for undo in reversed(undos):
        stream = undo(stream, interpolation)
    if not labels_first:
        stream = stream.map_values(decide)
    return _layers(stream, poll)


def label_dtype(labels: Sequence[int]) -> torch.dtype:
    """What the labels are on their way: uint8 if it holds them, else int32, since torch can do little with uint16."""
    return torch.uint8 if max(labels, default=0) <= np.iinfo(np.uint8).max else torch.int32


def _decider(decision: Decision) -> Callable[[torch.Tensor], torch.Tensor]:
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


def _layers(stream: SlabStream, poll: Callable[[], None]) -> LabelLayers:
    layers: NDArray[Any] | None = None
    for slab in stream.slabs:
        values = slab.values.cpu().numpy()
        if layers is None:
            dtype = np.uint8 if values.dtype == np.uint8 else np.uint16
            layers = np.zeros((values.shape[0], *stream.shape), dtype=dtype)
        place = [slice(None)] * 4
        place[stream.axis + 1] = slice(slab.start, slab.start + values.shape[stream.axis + 1])
        layers[tuple(place)] = values
        poll()
    if layers is None:
        raise ValueError("a stream has at least one slab")
    return layers
