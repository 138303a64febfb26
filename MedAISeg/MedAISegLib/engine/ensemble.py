"""The mean of several stages' probabilities on the source grid, in step with each other.

Each stage hands over finished slabs along the same axis of the source grid. What all of them have is averaged, decided
and let go of, so that no more is kept than the windows at hand and the slabs that are ahead of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from ..core.geometry import VolumeGeometry
from ..models.spec import InferenceStage
from ..models.window_axis import axes_in_order
from .prepared import Prepared
from .slabs import Box, Patch, Slab, SlabStream, collect


def common_axis(prepared: Sequence[Prepared], stages: Sequence[InferenceStage], source: VolumeGeometry) -> list[int]:
    """Of each stage, the axis of its prepared array to advance along.

    All of them run along the same axis of the source grid: of those along which each stage's windows keep their order,
    or of all where there is none, the one where the windows at hand take least memory.
    """
    along = [_axes_of_source(one, source) for one in prepared]
    kept = [
        axes_in_order(one.shape, _window(one, stage), stage.windows.rule)
        for one, stage in zip(prepared, stages, strict=True)
    ]
    in_order = [n for n in range(3) if all(axes[n] in some for axes, some in zip(along, kept, strict=True))]

    def voxels_at_hand(n: int) -> int:
        every = zip(prepared, stages, along, strict=True)
        return sum(_voxels_at_hand(one, stage, axes[n]) for one, stage, axes in every)

    chosen = min(in_order or range(3), key=voxels_at_hand)
    return [axes[chosen] for axes in along]


def mean(streams: Sequence[SlabStream]) -> SlabStream:
    """The mean of streams of one shape, in 32 bits; those that come along another axis or backwards are kept whole."""
    first = streams[0]
    rest = [stream if _in_step(stream, first) else _turned(stream, first) for stream in streams[1:]]
    return replace(first, slabs=_averaged([first, *rest]))


def _averaged(streams: Sequence[SlabStream]) -> Iterator[Slab]:
    ascending = streams[0].ascending
    slabs = [iter(stream.slabs) for stream in streams]
    at_hand = [next(each, None) for each in slabs]
    while all(slab is not None for slab in at_hand):
        present = [slab for slab in at_hand if slab is not None]
        if ascending:
            start, stop = present[0].start, min(slab.stop for slab in present)
        else:
            start, stop = max(slab.start for slab in present), present[0].stop
        yield Slab(start, stop, _mean_of([slab.read for slab in present]))
        at_hand = [
            _rest(slab, start, stop, ascending=ascending) or next(each, None)
            for slab, each in zip(present, slabs, strict=True)
        ]


def _mean_of(reads: Sequence[Callable[[Box], Patch]]) -> Callable[[Box], Patch]:
    def read(box: Box) -> Patch:
        total = reads[0](box).values().float().clone()
        for other in reads[1:]:
            total += other(box).values().to(total.device, torch.float32)
        return Patch(total.div_(len(reads)))

    return read


def _rest(slab: Slab, start: int, stop: int, *, ascending: bool) -> Slab | None:
    """What is left of a slab without those slices."""
    if ascending:
        return replace(slab, start=stop) if slab.stop > stop else None
    return replace(slab, stop=start) if slab.start < start else None


def _in_step(stream: SlabStream, other: SlabStream) -> bool:
    return stream.axis == other.axis and stream.ascending == other.ascending


def _turned(stream: SlabStream, like: SlabStream) -> SlabStream:
    whole = (Slab.of(collect(stream), like.axis) for _ in range(1))
    return replace(stream, axis=like.axis, ascending=like.ascending, slabs=whole)


def _axes_of_source(prepared: Prepared, source: VolumeGeometry) -> list[int]:
    """For each axis of the source grid the axis of the prepared array that runs most along it."""
    to_source = prepared.geometry.index_to(source)[:3, :3]
    return [int(axis) for axis in np.abs(to_source / np.linalg.norm(to_source, axis=0)).argmax(axis=1)]


def _voxels_at_hand(prepared: Prepared, stage: InferenceStage, axis: int) -> int:
    size = _window(prepared, stage)
    shape = [max(length, wanted) for length, wanted in zip(prepared.shape, size, strict=True)]
    shape[axis] = size[axis]
    return int(np.prod(shape))


def _window(prepared: Prepared, stage: InferenceStage) -> list[int]:
    size = stage.windows.size or (0, 0, 0)
    return [wanted or length for wanted, length in zip(size, prepared.shape, strict=True)]
