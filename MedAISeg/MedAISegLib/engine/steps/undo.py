"""The way back for steps that move voxels without mixing them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from ...models.operations import Interpolation
from ..slabs import Shape, Slab, SlabStream


def undo_transpose(stream: SlabStream, _: Interpolation, *, order: tuple[int, int, int]) -> SlabStream:
    """Back from ``array.transpose(order)``."""
    inverse = [order.index(axis) for axis in range(3)]
    a, b, c = (stream.shape[axis] for axis in inverse)
    dims = (0, *(axis + 1 for axis in inverse))
    slabs = (Slab(slab.start, slab.values.permute(dims)) for slab in stream.slabs)
    return replace(stream, shape=(a, b, c), axis=order[stream.axis], slabs=slabs)


def undo_flip(stream: SlabStream, _: Interpolation, *, flips: tuple[bool, bool, bool]) -> SlabStream:
    """Back from the array with the marked axes reversed."""
    dims = [axis + 1 for axis, flip in enumerate(flips) if flip]
    length, turned = stream.shape[stream.axis], flips[stream.axis]

    def flipped() -> Iterator[Slab]:
        for slab in stream.slabs:
            start = length - slab.start - stream.depth_of(slab) if turned else slab.start
            yield Slab(start, slab.values.flip(dims))

    return replace(stream, ascending=stream.ascending != turned, slabs=flipped())


def undo_window(stream: SlabStream, _: Interpolation, *, start: Shape, source_shape: Shape) -> SlabStream:
    """Back from a box that began at ``start`` of the source: what was cropped comes back as zero, padding goes."""
    return replace(stream, shape=source_shape, slabs=_unwindowed(stream, start, source_shape))


def _unwindowed(stream: SlabStream, start: Shape, source_shape: Shape) -> Iterator[Slab]:
    axis, length = stream.axis, source_shape[stream.axis]
    pads: list[int] = []
    for a in (2, 1, 0):
        before = start[a] if a != axis else 0
        after = source_shape[a] - stream.shape[a] - before if a != axis else 0
        pads += [before, after]
    next_edge = 0 if stream.ascending else length  # everything on the near side of it has been handed over
    like: torch.Tensor | None = None
    for slab in stream.slabs:
        low, depth = slab.start + start[axis], stream.depth_of(slab)
        first, stop = max(low, 0), min(low + depth, length)
        if first >= stop:
            continue
        values = torch.nn.functional.pad(slab.values.narrow(axis + 1, first - low, stop - first), pads)
        like = values
        gap = (next_edge, first) if stream.ascending else (stop, next_edge)
        yield from _zeros(like, axis, gap)
        yield Slab(first, values)
        next_edge = stop if stream.ascending else first
    if like is not None:
        yield from _zeros(like, axis, (next_edge, length) if stream.ascending else (0, next_edge))


def _zeros(like: torch.Tensor, axis: int, span: tuple[int, int]) -> Iterator[Slab]:
    if span[1] > span[0]:
        shape = list(like.shape)
        shape[axis + 1] = span[1] - span[0]
        yield Slab(span[0], like.new_zeros(shape))
