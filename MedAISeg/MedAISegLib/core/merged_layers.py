"""Segments in as few layers as Slicer puts them into when it saves: each in the first where it overlaps no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

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
    """

    segments: tuple[Segment, ...]
    count: int
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16]
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
                plane = self._layers[old, k]
                if plane.any():
                    merged[new] |= table[plane]
            yield merged


def merge_layers(segmentation: Segmentation, poll: Poll = never) -> MergedLayers:
    """Arrange the segments anew; ``poll`` is called after each slice."""
    old = sorted(dict.fromkeys((s.layer, s.label_value) for s in segmentation.segments), key=lambda place: place[0])
    places = _arranged(old, _overlaps(segmentation.layers, old, poll))
    segments = []
    for segment in segmentation.segments:
        layer, label = places[segment.layer, segment.label_value]
        segments.append(replace(segment, layer=layer, label_value=label))
    is_large = any(label > 255 for _, label in places.values())
    dtype = np.dtype(np.uint16) if is_large else segmentation.layers.dtype
    count = max((layer for layer, _ in places.values()), default=0) + 1
    return MergedLayers(tuple(segments), count, dtype, segmentation.layers, places)


def _overlaps(layers: Layers, places: Sequence[Place], poll: Poll) -> NDArray[np.bool_]:
    """(place, place), whether the first has a voxel in common with the second, which is of an earlier layer."""
    numbers: dict[int, Layers] = {}
    for n, (layer, label) in enumerate(places, start=1):
        numbers.setdefault(layer, np.zeros(1 << 16, np.uint16))[label] = n
    overlap = np.zeros((len(places) + 1, len(places) + 1), bool)
    for k in range(layers.shape[1] if len(numbers) > 1 else 0):
        planes = layers[list(numbers), k]
        several = planes[:, np.count_nonzero(planes, axis=0) > 1]
        numbered = [of_layer[labels] for of_layer, labels in zip(numbers.values(), several, strict=True)]
        for earlier, later in combinations([n for n in numbered if n.any()], 2):
            overlap[later, earlier] = True
        poll()
    return overlap[1:, 1:]


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
