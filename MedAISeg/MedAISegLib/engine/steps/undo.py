"""The way back for steps that move voxels without mixing them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from ...models.operations import Interpolation
from ..slabs import Box, Patch, Shape, Slab, SlabStream, a_voxel, shape_of


def undo_transpose(stream: SlabStream, _: Interpolation, *, order: tuple[int, int, int]) -> SlabStream:
    """Back from ``array.transpose(order)``."""
    inverse = [order.index(axis) for axis in range(3)]
    a, b, c = (stream.shape[axis] for axis in inverse)
    dims = (0, *(axis + 1 for axis in inverse))

    def transposed(slab: Slab) -> Slab:
        def read(box: Box) -> Patch:
            x, y, z = (box[axis] for axis in order)
            return slab.read((x, y, z)).then(lambda values: values.permute(dims))

        return replace(slab, read=read)

    return replace(stream, shape=(a, b, c), axis=order[stream.axis], slabs=map(transposed, stream.slabs))


def undo_flip(stream: SlabStream, _: Interpolation, *, flips: tuple[bool, bool, bool]) -> SlabStream:
    """Back from the array with the marked axes reversed."""
    dims = [axis + 1 for axis, flip in enumerate(flips) if flip]
    length, turned = stream.shape[stream.axis], flips[stream.axis]

    def flipped(slab: Slab) -> Slab:
        def read(box: Box) -> Patch:
            a, b, c = (
                slice(n - part.stop, n - part.start) if flip else part
                for part, flip, n in zip(box, flips, stream.shape, strict=True)
            )
            return slab.read((a, b, c)).then(lambda values: values.flip(dims))

        ends = (length - slab.stop, length - slab.start) if turned else (slab.start, slab.stop)
        return Slab(*ends, read)

    return replace(stream, ascending=stream.ascending != turned, slabs=map(flipped, stream.slabs))


def undo_window(stream: SlabStream, _: Interpolation, *, start: Shape, source_shape: Shape) -> SlabStream:
    """Back from a box that began at ``start`` of the source: what was cropped comes back as zero, padding goes."""
    return replace(stream, shape=source_shape, slabs=_unwindowed(stream, start, source_shape))


def _unwindowed(stream: SlabStream, start: Shape, source_shape: Shape) -> Iterator[Slab]:
    axis, length = stream.axis, source_shape[stream.axis]
    next_edge = 0 if stream.ascending else length  # everything on the near side of it has been handed over
    like: torch.Tensor | None = None
    for slab in stream.slabs:
        first, stop = max(slab.start + start[axis], 0), min(slab.stop + start[axis], length)
        if first >= stop:
            continue
        like = a_voxel(slab, stream)
        yield from _zeros(like, (next_edge, first) if stream.ascending else (stop, next_edge))
        yield _placed(slab, like, start, stream.shape, (first, stop))
        next_edge = stop if stream.ascending else first
    if like is not None:
        yield from _zeros(like, (next_edge, length) if stream.ascending else (0, next_edge))


def _placed(slab: Slab, like: torch.Tensor, start: Shape, inner_shape: Shape, span: tuple[int, int]) -> Slab:
    """A slab of the box in the source around it."""

    def read(box: Box) -> Patch:
        inner, pads = [], []
        for part, first, length in zip(box, start, inner_shape, strict=True):
            low, high = (min(max(end - first, 0), length) for end in (part.start, part.stop))
            inner.append(slice(low, high))
            pads.append((low + first - part.start, part.stop - high - first))
        if any(part.stop <= part.start for part in inner):
            return _nothing(like, box)
        patch = slab.read((inner[0], inner[1], inner[2]))
        if not any(before or after for before, after in pads):
            return patch
        around = [length for ends in reversed(pads) for length in ends]
        return Patch(torch.nn.functional.pad(patch.values(), around))

    return Slab(*span, read)


def _zeros(like: torch.Tensor, span: tuple[int, int]) -> Iterator[Slab]:
    if span[1] > span[0]:
        yield Slab(*span, lambda box: _nothing(like, box))


def _nothing(like: torch.Tensor, box: Box) -> Patch:
    shape = shape_of(box)
    return Patch(torch.zeros_like(like), lambda corners: corners.expand(len(corners), *shape))
