"""Slices of an array that arrive a few at a time, so that nothing of classes x full resolution is ever built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from ..models.operations import Interpolation
from .pieces import Poll, never

Shape = tuple[int, int, int]

DEFAULT_SLAB_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Slab:
    """Adjacent slices.

    Attributes:
        start: index of the first slice along the stream's axis.
        values: (channel, a, b, c); as deep as the slab along the stream's axis, whole along the other two.
    """

    start: int
    values: torch.Tensor


@dataclass(frozen=True, eq=False)
class SlabStream:
    """An array of ``shape`` (a, b, c), handed over as adjacent slabs along one axis.

    Attributes:
        axis: 0, 1 or 2; the axis along which the slabs follow each other.
        ascending: whether they come with rising or falling index.
        slabs: each may be used only until the next one is asked for.
        slab_bytes: bound on a slab that resampling makes from them, all classes together.
    """

    shape: Shape
    axis: int
    ascending: bool
    slabs: Iterator[Slab]
    slab_bytes: int = DEFAULT_SLAB_BYTES

    def depth_of(self, slab: Slab) -> int:
        """Number of slices in one of its slabs."""
        return int(slab.values.shape[self.axis + 1])

    def map_values(self, change: Callable[[torch.Tensor], torch.Tensor]) -> SlabStream:
        """The same stream with every slab's values changed voxel by voxel."""
        return replace(self, slabs=(Slab(slab.start, change(slab.values)) for slab in self.slabs))


Undo = Callable[[SlabStream, Interpolation], SlabStream]
"""Takes a stream on the grid after a step back to the grid before it."""


def collect(stream: SlabStream, poll: Poll = never) -> torch.Tensor:
    """The whole array, (channel, a, b, c), on the device of its slabs; ``poll`` is called after each of them."""
    whole: torch.Tensor | None = None
    for slab in stream.slabs:
        if slab.values.shape[1:] == stream.shape:
            return slab.values
        if whole is None:
            whole = slab.values.new_empty((slab.values.shape[0], *stream.shape))
        whole.narrow(stream.axis + 1, slab.start, stream.depth_of(slab)).copy_(slab.values)
        poll()
    if whole is None:
        raise ValueError("a stream has at least one slab")
    return whole
