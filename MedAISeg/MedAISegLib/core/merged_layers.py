"""Segments in as few layers as Slicer puts them into when it saves: each in the first where it overlaps no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .progress import Poll, never
from .segmentation import Layers, Segment, Segmentation

Place = tuple[int, int]
"""A layer, and a label in it."""


@dataclass(frozen=True, eq=False)
class MergedLayers:
    """Layers that are made slice by slice.

    Attributes:
        segments: with their new layers; a label changes only where another segment of its new layer has it.
        count: of the new layers, at least one.
        dtype: of the new labels.
        found: of each segment, whether it has a voxel.
    """

    segments: tuple[Segment, ...]
    count: int
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16]
    found: tuple[bool, ...]
    _layers: Layers
    _places: Mapping[Place, Place]

    def slices(self) -> Iterator[Layers]:
        """(layer, j, i) labels of each slice in turn."""
        moves: dict[tuple[int, int], Layers] = {}
        for (old, label), (new, new_label) in self._places.items():
            moves.setdefault((old, new), np.zeros(1 << 16, self.dtype))[label] = new_label
        for k in range(self._layers.shape[1]):
            merged = np.zeros((self.count, *self._layers.shape[2:]), self.dtype)
            for (old, new), table in moves.items():
                plane = self._layers[old, k].ravel()
                inside = np.flatnonzero(plane != 0)
                merged[new].reshape(-1)[inside] |= table[plane[inside]]
            yield merged


def merge_layers(segmentation: Segmentation, poll: Poll = never) -> MergedLayers:
    """Arrange the segments anew; ``poll`` is called after each slice of each layer."""
    old = sorted(dict.fromkeys((s.layer, s.label_value) for s in segmentation.segments), key=lambda place: place[0])
    overlap = _overlaps(segmentation.layers, old, poll)
    found = {place for place, is_found in zip(old, overlap.diagonal(), strict=True) if is_found}
    places = _arranged(old, overlap)
    segments = []
    for segment in segmentation.segments:
        layer, label = places[segment.layer, segment.label_value]
        segments.append(replace(segment, layer=layer, label_value=label))
    return MergedLayers(
        segments=tuple(segments),
        count=max((layer for layer, _ in places.values()), default=0) + 1,
        dtype=np.dtype(np.uint16) if any(v > 255 for _, v in places.values()) else segmentation.layers.dtype,
        found=tuple((s.layer, s.label_value) in found for s in segmentation.segments),
        _layers=segmentation.layers,
        _places=places,
    )


def _overlaps(layers: Layers, places: Sequence[Place], poll: Poll) -> NDArray[np.bool_]:
    """(place, place), whether the first has a voxel in common with the second, itself or one of an earlier layer."""
    numbers: dict[int, NDArray[np.int64]] = {}
    for n, (layer, label) in enumerate(places, start=1):
        numbers.setdefault(layer, np.zeros(1 << 16, np.int64))[label] = n
    overlap = np.zeros((len(places) + 1, len(places) + 1), bool)
    for k in range(layers.shape[1]):
        stacks: list[tuple[int, ...]] = [()]
        at_voxel = np.zeros(layers[0, k].size, np.int64)
        for layer, of_label in numbers.items():
            plane = layers[layer, k].ravel()
            inside = np.flatnonzero(plane != 0)
            at_voxel[inside] = _stacked(stacks, at_voxel[inside], of_label[plane[inside]], overlap)
            poll()
    return overlap[1:, 1:]


def _stacked(
    stacks: list[tuple[int, ...]],
    at_voxel: NDArray[np.int64],
    places: NDArray[np.int64],
    overlap: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The number of the stack that comes of putting a place on the one that is at each voxel.

    Voxels with the same places in the same layers have one stack, so that each of the few there are is looked at once.
    """
    pairs = at_voxel * len(overlap) + places
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    different, which = np.unique(pairs[starts], return_inverse=True)
    numbers = np.arange(len(stacks), len(stacks) + len(different))
    for stack, place in zip(*(part.tolist() for part in np.divmod(different, len(overlap))), strict=True):
        stacks.append((*stacks[stack], place))
        overlap[place, stacks[-1]] = True
    return np.repeat(numbers[which], np.diff(starts, append=len(pairs)))


def _arranged(places: Sequence[Place], overlap: NDArray[np.bool_]) -> dict[Place, Place]:
    """Where each is to where it comes."""
    arranged: list[dict[int, int]] = []
    found: dict[Place, Place] = {}
    for n, place in enumerate(places):
        fitting = (layer for layer, members in enumerate(arranged) if not overlap[n, list(members)].any())
        layer = next(fitting, len(arranged))
        if layer == len(arranged):
            arranged.append({})
        taken = arranged[layer].values()
        arranged[layer][n] = place[1] if place[1] not in taken else max(taken) + 1
        found[place] = (layer, arranged[layer][n])
    return found
