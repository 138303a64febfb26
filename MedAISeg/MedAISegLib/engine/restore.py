"""From scores to labels on the source grid, slab by slab, in the model's own order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.operations import Interpolation
from ..models.spec import Argmax, Decision, Restore, RestoreOrder
from .activation import activate
from .deciding import Decide, decider
from .pieces import Poll
from .probabilities import ProbabilitySink, marked, unmarked, write_probabilities
from .slabs import Box, Slab, SlabStream, Undo, a_voxel, shape_of, shifted, tiles

LabelLayers = NDArray[np.uint8] | NDArray[np.uint16]


def restore_labels(
    scores: SlabStream,
    undos: Sequence[Undo],
    decision: Decision,
    restore: Restore,
    poll: Poll,
    *,
    label_undos: int = 0,
    cleaned: Callable[[LabelLayers], LabelLayers] | None = None,
    probabilities: ProbabilitySink | None = None,
) -> LabelLayers:
    """Follow the trace of the preparation backwards and decide each voxel's label.

    Args:
        scores: raw scores (class, a, b, c) on the network's grid.
        undos: of the preparation steps, in the order in which those were made.
        poll: called a few times a second; may raise Cancelled.
        label_undos: so many of the first undos are of labels, whatever the model's own order.
        cleaned: changes labels on the grid on which they are decided.
        probabilities: is told those of every class on the source grid.

    Returns:
        (layer, k, j, i) label values: one layer for Argmax and Regions, one for each class for Threshold.
    """
    labels_first = restore.order is RestoreOrder.DECIDE_THEN_LABELS
    after, scores_after = (undos, ()) if labels_first else (undos[:label_undos], undos[label_undos:])
    decide, active = decider(decision), restore.activation
    if probabilities is not None:
        maps = scores.map_values(lambda values: marked(activate(values, active)))
        gathered = LabelGatherer(undone(maps, scores_after, restore.interpolation), unmarked(decide), poll)
        write_probabilities(undone(gathered.aside(), after, Interpolation.LINEAR), decision, restore, probabilities)
    else:
        # A softmax does not change which class is highest.
        idle = labels_first and isinstance(decision, Argmax)
        decided = scores if idle else scores.map_values(lambda values: activate(values, active))
        gathered = LabelGatherer(undone(decided, scores_after, restore.interpolation), decide, poll)
        if cleaned is None and after:
            return _joined(undone(gathered.labels(), after, Interpolation.NEAREST), poll)
        gathered.all()
    layers = gathered.layers if cleaned is None else cleaned(gathered.layers)
    return _joined(undone(_as_stream(layers), after, Interpolation.NEAREST), poll) if after else layers


def undone(stream: SlabStream, undos: Sequence[Undo], interpolation: Interpolation) -> SlabStream:
    """The stream on the grid that was there before the undos' steps were made."""
    for undo in reversed(undos):
        stream = undo(stream, interpolation)
    return stream


class LabelGatherer:
    """Decides a stream of scores, tile by tile."""

    def __init__(self, stream: SlabStream, decide: Decide, poll: Poll) -> None:
        self._stream, self._decide, self._poll = stream, decide, poll
        self._layers: NDArray[Any] | None = None

    @property
    def layers(self) -> LabelLayers:
        """(layer, k, j, i), once all slabs have come by."""
        if self._layers is None:
            raise ValueError("a stream has at least one slab")
        return self._layers

    def aside(self) -> SlabStream:
        """The stream as it is; each slab's labels are kept on its way."""

        def passing() -> Iterator[Slab]:
            for slab in self._stream.slabs:
                self.put(slab)
                yield slab

        return replace(self._stream, slabs=passing())

    def all(self) -> None:
        """Keep the labels of all slabs."""
        for slab in self._stream.slabs:
            self.put(slab)

    def put(self, slab: Slab) -> None:
        """Keep the labels of a slab."""
        for tile, found in self._tiles(slab):
            if self._layers is None:
                self._layers = np.zeros((len(found), *self._stream.shape), dtype=_dtype(found))
            # What is never written takes no memory.
            if found.numel() > len(found) or found.any():
                self._layers[(slice(None), *tile)] = found.cpu().numpy()

    def labels(self) -> SlabStream:
        """A stream of the labels alone."""

        def decided(slab: Slab) -> Slab:
            whole: torch.Tensor | None = None
            box = self._stream.box_of(slab)
            for tile, found in self._tiles(slab):
                if whole is None:
                    whole = found.new_zeros((len(found), *shape_of(box)))
                whole[(slice(None), *shifted(tile, self._stream.axis, -slab.start))] = found
            if whole is None:
                raise ValueError("a slab has at least one voxel")
            return Slab.of(whole, self._stream.axis, slab.start)

        return replace(self._stream, slabs=map(decided, self._stream.slabs))

    def _tiles(self, slab: Slab) -> Iterator[tuple[Box, torch.Tensor]]:
        like = a_voxel(slab, self._stream)
        for tile in tiles(self._stream.box_of(slab), len(like), like.device):
            yield tile, self._decide(slab.read(tile))
            self._poll()


def _joined(stream: SlabStream, poll: Poll) -> LabelLayers:
    """(layer, k, j, i) of a stream of labels."""
    layers: NDArray[Any] | None = None
    for slab in stream.slabs:
        like = a_voxel(slab, stream)
        if layers is None:
            layers = np.zeros((len(like), *stream.shape), dtype=_dtype(like))
        for tile in tiles(stream.box_of(slab), len(like), like.device):
            layers[(slice(None), *tile)] = slab.read(tile).values().cpu().numpy()
            poll()
    if layers is None:
        raise ValueError("a stream has at least one slab")
    return layers


def _dtype(labels: torch.Tensor) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if labels.dtype == torch.uint8 else np.uint16


def _as_stream(layers: LabelLayers) -> SlabStream:
    labels = torch.from_numpy(layers if layers.dtype == np.uint8 else layers.astype(np.int32))
    a, b, c = layers.shape[1:]
    return SlabStream((a, b, c), 0, True, iter([Slab.of(labels, 0)]))
