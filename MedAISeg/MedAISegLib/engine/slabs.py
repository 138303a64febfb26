"""Slices of an array that become known a few at a time, and are worked out only where they are asked for.

A slab holds no array: it answers for a box with a patch, which is as much of the values as decides about the box. So
nothing of the size of classes x slab is made on the way from the windows to the labels, however many steps lie between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import torch

from ..models.operations import Interpolation
from .pieces import Poll, never

Shape = tuple[int, int, int]

Box = tuple[slice, slice, slice]
"""Indices of an array (a, b, c), each from a start to a stop."""

Change = Callable[[torch.Tensor], torch.Tensor]

_TILE_EDGE = 64
_TILE_VALUES = {"cpu": 1 << 22}
_TILE_VALUES_ON_DEVICE = 1 << 24
"""Of all classes: on a CPU they stay in its cache, elsewhere fewer and larger calls count for more."""

_TILE_VOXELS = 1 << 22
"""Where grids are oblique to each other, 76 bytes are held for each."""


@dataclass(frozen=True, eq=False)
class Patch:
    """The values of a box, before what can be left out where the box is decided without it.

    Attributes:
        corners: (channel, x, y, z) values.
        finish: takes those of any of the channels, each by itself, to their values in the box: weighted means of the
            corners, with weights that add up to one, the axes in another order, or rounded.
    """

    corners: torch.Tensor
    finish: Change | None = None

    def values(self) -> torch.Tensor:
        """(channel, a, b, c)."""
        return self.corners if self.finish is None else self.finish(self.corners)

    def then(self, change: Change) -> Patch:
        """With one more step of what ``finish`` may do."""
        finish = self.finish
        return Patch(self.corners, change if finish is None else lambda corners: change(finish(corners)))


@dataclass(frozen=True, eq=False)
class Slab:
    """Adjacent slices.

    Attributes:
        start: index of the first slice along the stream's axis.
        stop: index after the last one.
        read: the patch of a box of the array that lies in these slices.
    """

    start: int
    stop: int
    read: Callable[[Box], Patch]

    @classmethod
    def of(cls, values: torch.Tensor, axis: int, start: int = 0) -> Slab:
        """(channel, a, b, c) values that are at hand; whole along the two other axes."""

        def read(box: Box) -> Patch:
            return Patch(values[(slice(None), *shifted(box, axis, -start))])

        return cls(start, start + values.shape[axis + 1], read)


@dataclass(frozen=True, eq=False)
class SlabStream:
    """An array of ``shape`` (a, b, c), handed over as adjacent slabs along one axis.

    Attributes:
        axis: 0, 1 or 2; the axis along which the slabs follow each other.
        ascending: whether they come with rising or falling index.
        slabs: each may be used only until the next one is asked for.
    """

    shape: Shape
    axis: int
    ascending: bool
    slabs: Iterator[Slab]

    def box_of(self, slab: Slab) -> Box:
        """All that one of its slabs holds."""
        return with_axis(whole_box(self.shape), self.axis, slice(slab.start, slab.stop))

    def map_values(self, change: Change) -> SlabStream:
        """The same stream with values changed voxel by voxel, of all channels (channel, a, b, c) together."""

        def changed(slab: Slab) -> Slab:
            return replace(slab, read=lambda box: Patch(change(slab.read(box).values())))

        return replace(self, slabs=map(changed, self.slabs))

    def rounded(self, dtype: torch.dtype) -> SlabStream:
        """The same stream in another precision."""

        def changed(slab: Slab) -> Slab:
            return replace(slab, read=lambda box: slab.read(box).then(lambda values: values.to(dtype)))

        return replace(self, slabs=map(changed, self.slabs))


def collect(stream: SlabStream, poll: Poll = never) -> torch.Tensor:
    """The whole array, (channel, a, b, c), on the device of its slabs; ``poll`` is called after each piece."""
    whole: torch.Tensor | None = None
    for slab in stream.slabs:
        box = stream.box_of(slab)
        if whole is None:
            like = a_voxel(slab, stream)
            whole = like.new_empty((len(like), *stream.shape))
        _gather(slab, box, whole[(slice(None), *box)], poll)
    if whole is None:
        raise ValueError("a stream has at least one slab")
    return whole


def gathered(slab: Slab, box: Box) -> torch.Tensor:
    """(channel, a, b, c) of a box of a slab, in memory of its own."""
    like = slab.read(one_voxel(box)).values()
    values = like.new_empty((len(like), *shape_of(box)))
    _gather(slab, box, values, never)
    return values


def _gather(slab: Slab, box: Box, target: torch.Tensor, poll: Poll) -> None:
    for tile in tiles(box, len(target), target.device):
        a, b, c = (slice(t.start - o.start, t.stop - o.start) for t, o in zip(tile, box, strict=True))
        target[:, a, b, c] = slab.read(tile).values()
        poll()


def a_voxel(slab: Slab, stream: SlabStream) -> torch.Tensor:
    """(channel, 1, 1, 1), to know the number of channels, the precision and the device of a slab."""
    return slab.read(one_voxel(stream.box_of(slab))).values()


def tiles(box: Box, channels: int, device: torch.device) -> Iterator[Box]:
    """Small boxes that make up a box, so that all of their channels together are a bounded number of values."""
    allowed = max(1, min(_TILE_VALUES.get(device.type, _TILE_VALUES_ON_DEVICE) // channels, _TILE_VOXELS))
    edge = max(1, round(allowed ** (1 / 3)))
    if device.type == "cpu":
        edge = min(edge, _TILE_EDGE)
    a, b, c = (_parts(part, edge) for part in box)
    yield from product(a, b, c)


def _parts(part: slice, edge: int) -> Sequence[slice]:
    count = max(1, -(-(part.stop - part.start) // edge))
    ends = [part.start + (part.stop - part.start) * n // count for n in range(count + 1)]
    return [slice(first, stop) for first, stop in pairwise(ends)]


def whole_box(shape: Shape) -> Box:
    """All of an array."""
    a, b, c = (slice(0, length) for length in shape)
    return a, b, c


def one_voxel(box: Box) -> Box:
    """The first voxel of a box."""
    a, b, c = (slice(part.start, part.start + 1) for part in box)
    return a, b, c


def with_axis(box: Box, axis: int, part: slice) -> Box:
    """The box with other indices along one axis."""
    a, b, c = (part if n == axis else old for n, old in enumerate(box))
    return a, b, c


def shifted(box: Box, axis: int, offset: int) -> Box:
    """The box moved along one axis."""
    return with_axis(box, axis, slice(box[axis].start + offset, box[axis].stop + offset))


def shape_of(box: Box) -> Shape:
    """Voxels along each axis."""
    a, b, c = (part.stop - part.start for part in box)
    return a, b, c


Undo = Callable[[SlabStream, Interpolation], SlabStream]
"""Takes a stream on the grid after a step back to the grid before it."""
