"""New labelmaps, put together plane by plane from a result and from labelmaps that are already in the scene."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.checksums import LayerTally
from ..core.geometry import VolumeGeometry
from ..core.region import OrientedBox
from ..core.segmentation import Layers
from .labelmaps import labels_on_grid, new_labelmap


class Where(Enum):
    """The part of the grid, seen from the region of a run, in which a source's labels are taken."""

    EVERYWHERE = "everywhere"
    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclass(frozen=True, eq=False)
class Source:
    """Labels that go into a canvas.

    Attributes:
        labels: (k, j, i), None for none.
        grid: of the labels, in the world or before the node's parent transform, as ``in_world`` says.
        new_values: label in the source to label in the canvas; labels without one are left out.
    """

    labels: Layers | None
    grid: VolumeGeometry
    new_values: Mapping[int, int]
    where: Where = Where.EVERYWHERE
    in_world: bool = False


@dataclass(frozen=True, eq=False)
class Canvas:
    """A labelmap to be made: its grid before and after the parent transform, and what goes into it.

    Sources do not overlap where they are taken.
    """

    local: VolumeGeometry
    world: VolumeGeometry
    sources: tuple[Source, ...]

    @property
    def label_values(self) -> tuple[int, ...]:
        """The labels that may occur in it."""
        return tuple(sorted({value for source in self.sources for value in source.new_values.values()}))


@dataclass(frozen=True, eq=False)
class Painted:
    """A finished canvas: a ``vtkOrientedImageData`` and what is in it."""

    canvas: Canvas
    image: Any
    labels: Layers
    tally: LayerTally


def paint(canvas: Canvas, region: OrientedBox | None) -> Generator[None, None, Painted]:
    """Make the labelmap, yielding after each slice; nothing of the scene is touched."""
    dtype = np.dtype(np.uint8 if max(canvas.label_values, default=0) < 256 else np.uint16)
    image, labels = new_labelmap(canvas.local, dtype)
    planes = [
        _translated_planes(
            labels_on_grid(s.labels, s.grid, canvas.world if s.in_world else canvas.local), s.new_values, dtype
        )
        for s in canvas.sources
    ]
    masks = region.mask_planes(canvas.world) if region is not None else None
    tally = LayerTally()
    for k, target in enumerate(labels):
        inside = next(masks) if masks is not None else None
        taken = [_taken(next(found), s.where, inside) for s, found in zip(canvas.sources, planes, strict=True)]
        target[:] = taken[0] if taken else 0
        for plane in taken[1:]:
            target |= plane
        tally.add(k, target)
        yield
    return Painted(canvas, image, labels, tally)


def _taken(plane: NDArray[Any], where: Where, inside: NDArray[np.bool_] | None) -> NDArray[Any]:
    if where is Where.EVERYWHERE or inside is None:
        return plane
    return plane * (inside if where is Where.INSIDE else ~inside)


def _translated_planes(
    planes: Iterator[NDArray[Any]], new_values: Mapping[int, int], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    table = np.zeros(1 << 16, dtype)
    for old, new in new_values.items():
        table[old] = new
    # A table takes as long as all else that is done here, and most labels stay what they are.
    unchanged = next(n for n in count(1) if new_values.get(n) != n) - 1
    for plane in planes:
        known = plane if plane.dtype in (np.uint8, np.uint16) else plane.astype(np.uint16)
        yield (known if known.max() <= unchanged else table.take(known)).astype(dtype, copy=False)
