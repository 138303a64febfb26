"""The weighted scores of overlapping windows, added up in a buffer that is one window deep.

Windows advance along one axis. Slices that no later window touches are handed over and then free for those that follow,
so that memory grows with the area of a slice and the depth of a window, not with the length of the scan. Measured: a
run with 118 classes on 1,024 slices of 192 x 192 voxels holds 1.4 GB, where the scores alone would be 17.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import torch

from .slabs import Box, Patch, Shape, Slab, with_axis

_ADDED_AT_ONCE = 1 << 16
_ADDED_AT_ONCE_ON_DEVICE = 1 << 22
"""Values of all classes, since 16-bit sums need a product in 32 bits first. On a CPU, for each of its threads, they
stay in its cache: networks may leave the classes of a voxel side by side, the ring has its voxels so. 105 classes of a
window of 96 voxels a side take 0.17 s in place of 1.0, and 0.08 in place of 0.06 where both are in one order."""


class Ring:
    """Scores of the windows at hand; slice n of the array has place n modulo the depth.

    Attributes:
        axis: along which windows advance.
    """

    def __init__(self, shape: Shape, axis: int, depth: int, device: torch.device, dtype: torch.dtype) -> None:
        """For an array of that shape, windows no longer than ``depth`` along the axis, and sums of a precision."""
        self.axis = axis
        self._length, self._depth, self._device, self._dtype = shape[axis], depth, device, dtype
        a, b, c = (depth if n == axis else length for n, length in enumerate(shape))
        self._extent: Shape = (a, b, c)
        self._start = 0
        self._scores: torch.Tensor | None = None
        self._weights = torch.zeros(self._extent, device=device, dtype=dtype)

    def add(self, start: Sequence[int], scores: torch.Tensor, weights: torch.Tensor) -> Iterator[Slab]:
        """First hand over what the window no longer touches, then add it.

        Args:
            start: of the window in the array, never before that of an earlier one along the axis.
            scores: (class, a, b, c) of a window that lies within the array.
            weights: (a, b, c).
        """
        yield from self.finish(start[self.axis])
        if self._scores is None:
            self._scores = torch.zeros((len(scores), *self._extent), device=self._device, dtype=self._dtype)
        a, b, c = (slice(first, first + length) for first, length in zip(start, weights.shape, strict=True))
        for box, offset in self._turns((a, b, c)):
            part = slice(offset, offset + box[self.axis].stop - box[self.axis].start)
            self._weights[box] += weights[_at(self.axis, part)]
            self._add(box, scores[(slice(None), *_at(self.axis, part))], weights[_at(self.axis, part)])

    def finish(self, stop: int | None = None) -> Iterator[Slab]:
        """Hand over the slices before ``stop``, all of them by default."""
        stop = self._length if stop is None else stop
        if self._scores is None or stop <= self._start:
            return
        yield Slab(self._start, stop, self._read)
        whole: Box = (slice(None), slice(None), slice(None))
        for box, _ in self._turns(with_axis(whole, self.axis, slice(self._start, stop))):
            self._scores[(slice(None), *box)] = 0
            self._weights[box] = 0
        self._start = stop

    def _add(self, box: Box, scores: torch.Tensor, weights: torch.Tensor) -> None:
        target = self._buffer[(slice(None), *box)]
        on_cpu = scores.device.type == "cpu"
        at_once = _ADDED_AT_ONCE * torch.get_num_threads() if on_cpu else _ADDED_AT_ONCE_ON_DEVICE
        for rows in _rows(weights, at_once // len(scores)):
            into, weight = target[(slice(None), *rows)], weights[rows]
            arrived = scores[(slice(None), *rows)].to(self._device, weights.dtype)
            if self._dtype is weights.dtype:
                into.addcmul_(arrived, weight)
            else:
                into += arrived * weight

    def _read(self, box: Box) -> Patch:
        parts = [self._buffer[(slice(None), *part)] / self._weights[part] for part, _ in self._turns(box)]
        return Patch(parts[0] if len(parts) == 1 else torch.cat(parts, dim=self.axis + 1))

    @property
    def _buffer(self) -> torch.Tensor:
        if self._scores is None:
            raise ValueError("no window has been added")
        return self._scores

    def _turns(self, box: Box) -> Iterator[tuple[Box, int]]:
        """Places of a box of the array, in two pieces where it goes over the ring's end; and where each begins."""
        first, stop = box[self.axis].start, box[self.axis].stop
        place = first % self._depth
        length = min(stop - first, self._depth - place)
        yield with_axis(box, self.axis, slice(place, place + length)), 0
        if length < stop - first:
            yield with_axis(box, self.axis, slice(0, stop - first - length)), length


def _at(axis: int, part: slice) -> Box:
    return with_axis((slice(None), slice(None), slice(None)), axis, part)


def _rows(like: torch.Tensor, voxels: int) -> Iterator[Box]:
    """All of an array (a, b, c), as many whole rows at once as have no more voxels than that, one at the least."""
    a, b, c = like.shape
    rows = max(1, voxels // c)
    slices = max(1, rows // b)
    for i, j in product(range(0, a, slices), range(0, b, rows)):
        yield slice(i, i + slices), slice(j, j + rows), slice(None)
