"""What is inside each segment: how many voxels, and the first channel's values there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Poll, never
from ..core.result import SegmentResult
from ..core.segmentation import Segmentation
from ..core.volume import Volume

_VOXELS_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class LabelStatistics:
    """Values by label: each array is (label,), index 0 for label 0; where ``counts`` is 0 the others mean nothing."""

    counts: NDArray[np.int64]
    sums: NDArray[np.float64]
    sums_of_squares: NDArray[np.float64]
    minima: NDArray[np.float64]
    maxima: NDArray[np.float64]


def label_statistics(labels: NDArray[Any], values: NDArray[Any], largest: int, poll: Poll = never) -> LabelStatistics:
    """Statistics of the values under each label from 1 to ``largest``, in one pass, slab by slab.

    Args:
        labels: (k, j, i), unsigned integers.
        values: (k, j, i).
        largest: labels above it are left out.
        poll: called after each slab.
    """
    counts = np.zeros(largest + 1, dtype=np.int64)
    sums, squares = np.zeros(largest + 1), np.zeros(largest + 1)
    minima, maxima = np.full(largest + 1, np.inf), np.full(largest + 1, -np.inf)
    step = max(1, _VOXELS_AT_ONCE // max(1, labels[0].size))
    for k in range(0, labels.shape[0], step):
        slab = labels[k : k + step]
        inside = (slab > 0) & (slab <= largest)
        under, seen = slab[inside], values[k : k + step][inside].astype(np.float64)
        poll()
        if under.size == 0:
            continue
        order = np.argsort(under, kind="stable")
        under, seen = under[order], seen[order]
        starts = np.flatnonzero(np.r_[True, under[1:] != under[:-1]])
        present = under[starts]
        counts[present] += np.diff(np.r_[starts, under.size])
        sums[present] += np.add.reduceat(seen, starts)
        squares[present] += np.add.reduceat(seen * seen, starts)
        minima[present] = np.minimum(minima[present], np.minimum.reduceat(seen, starts))
        maxima[present] = np.maximum(maxima[present], np.maximum.reduceat(seen, starts))
    return LabelStatistics(counts, sums, squares, minima, maxima)


def segment_results(segmentation: Segmentation, volume: Volume | None, poll: Poll = never) -> tuple[SegmentResult, ...]:
    """Volume and intensity statistics of every segment, in the segmentation's order.

    The standard deviation is the sample's (n - 1), as Slicer's Segment Statistics gives it, and 0 for a single voxel.

    Args:
        segmentation: its segments may overlap (layers).
        volume: the case's first channel, on the same grid; without it there are no intensity statistics.
        poll: called several times a second.
    """
    values = np.broadcast_to(np.uint8(0), segmentation.geometry.shape_kji) if volume is None else volume.voxels
    by_layer = {}
    for layer in {s.layer for s in segmentation.segments}:
        largest = max(s.label_value for s in segmentation.segments if s.layer == layer)
        by_layer[layer] = label_statistics(segmentation.layers[layer], values, largest, poll)
    results = []
    for segment in segmentation.segments:
        found, label = by_layer[segment.layer], segment.label_value
        count = int(found.counts[label])
        mean = deviation = minimum = maximum = None
        if count and volume is not None:
            mean = float(found.sums[label] / count)
            spread = max(float(found.sums_of_squares[label]) - count * mean * mean, 0.0)
            deviation = (spread / (count - 1)) ** 0.5 if count > 1 else 0.0
            minimum, maximum = float(found.minima[label]), float(found.maxima[label])
        results.append(
            SegmentResult(
                name=segment.name,
                label_value=label,
                terminology=segment.terminology,
                color_rgb=segment.color_rgb,
                voxel_count=count,
                volume_ml=count * segmentation.geometry.voxel_volume_ml,
                mean=mean,
                standard_deviation=deviation,
                minimum=minimum,
                maximum=maximum,
            )
        )
    return tuple(results)
