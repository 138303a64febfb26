"""A stream on another grid, slab by slab: of past slabs only the slices that are needed still are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .slabs import Box, Patch, Shape, Slab, SlabStream, gathered, whole_box, with_axis

Reading = Callable[[Slab], Callable[[Box], Patch]]
"""Takes the source slices at hand to the patches of the target boxes that can be made of them."""


@dataclass(frozen=True, eq=False)
class Reach:
    """The source slices along a stream's axis that each target slice is made of.

    Attributes:
        axis: of the target grid, whose slices these are.
        first, last: (slice,) source indices, both rising or both falling along it.
    """

    axis: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def rises(self) -> bool:
        """Whether both grids run in the same direction."""
        return bool(self.first[-1] >= self.first[0] and self.last[-1] >= self.last[0])


def advanced(stream: SlabStream, shape: Shape, reach: Reach, reading: Reading) -> SlabStream:
    """The target grid's slabs, each as soon as all that it is made of has come."""
    ascending = stream.ascending == reach.rises
    return SlabStream(shape, reach.axis, ascending, _slabs(stream, reach, reading, ascending=ascending))


def _slabs(stream: SlabStream, reach: Reach, reading: Reading, *, ascending: bool) -> Iterator[Slab]:
    in_order = slice(None) if ascending else slice(None, None, -1)
    first, last = reach.first[in_order], reach.last[in_order]
    length, made = len(first), 0
    kept: list[Slab] = []
    for slab in stream.slabs:
        at_hand = [*kept, slab]
        if stream.ascending:
            ready = int(np.searchsorted(last, slab.stop, side="left"))
        else:
            ready = int(np.searchsorted(-first, -slab.start, side="right"))
        if ready > made:
            span = (made, ready) if ascending else (length - ready, length - made)
            yield Slab(*span, reading(_pile(at_hand, stream.axis)))
            made = ready
        if made == length:
            needed = slice(0, 0)
        elif stream.ascending:
            needed = slice(int(first[made]), stream.shape[stream.axis])
        else:
            needed = slice(0, int(last[made]) + 1)
        kept = [piece for piece in kept if _shared(piece, needed)]
        present = _shared(slab, needed)
        if present:
            box = with_axis(whole_box(stream.shape), stream.axis, present)
            kept.append(Slab.of(gathered(slab, box), stream.axis, present.start))


def _pile(pieces: Sequence[Slab], axis: int) -> Slab:
    """Adjacent slabs as one."""

    def read(box: Box) -> Patch:
        parts = [(piece, _shared(piece, box[axis])) for piece in ordered]
        found = [piece.read(with_axis(box, axis, part)) for piece, part in parts if part]
        return found[0] if len(found) == 1 else Patch(torch.cat([patch.values() for patch in found], dim=axis + 1))

    ordered = sorted(pieces, key=lambda piece: piece.start)
    return Slab(ordered[0].start, ordered[-1].stop, read)


def _shared(slab: Slab, part: slice) -> slice | None:
    """What a slab has of some slices."""
    start, stop = max(slab.start, part.start), min(slab.stop, part.stop)
    return slice(start, stop) if start < stop else None
