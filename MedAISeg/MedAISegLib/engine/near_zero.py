"""Zero, or a trace of the neighbours that nearly cancel out.

Steps that follow may leave zeros out (MONAI's NormalizeIntensity with ``nonzero``), so that a trace of 1e-27 counts as
much as any value. Which of the two comes out hangs on the last digits of the weights and on the order in which eight
neighbours are added up: those of ``torch.nn.functional.grid_sample``, by which the references resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from .axis_taps import AxisTaps
from .pieces import Poll
from .slabs import Shape, tiles, whole_box

_FEW = 0.01
"""Share of the voxels above which those within a background of zeros are left out: they stay what they are."""

_ROUNDINGS = 8
"""No more is lost in one pass an axis: of the largest value about a place, by the precision of the values."""


def settle_near_zero(
    resampled: torch.Tensor, values: torch.Tensor, taps: Sequence[AxisTaps], precision: torch.dtype, poll: Poll
) -> None:
    """Sum anew where ``resampled``, (channel, a, b, c) made of ``values`` in one pass an axis, is lost in rounding.

    Args:
        resampled: changed in place.
        taps: along each axis.
        precision: of the sums.
        poll: called after each piece.
    """
    shape: Shape = (resampled.shape[1], resampled.shape[2], resampled.shape[3])
    for box in tiles(whole_box(shape), 1, resampled.device):
        parts = [along.part(part.start, part.stop) for along, part in zip(taps, box, strict=True)]
        reach = tuple(slice(int(part.lower[0]), int(part.upper[-1]) + 1) for part in parts)
        for made, source in zip(resampled, values, strict=True):
            near = source[reach]
            largest = max(float(near.amax()), -float(near.amin()))
            if largest > 0.0:
                made = made[box]
                lost = made.abs() <= _ROUNDINGS * torch.finfo(made.dtype).eps * largest
                if int(lost.sum()) > _FEW * lost.numel():
                    lost &= _touched(near, parts)
                places = torch.nonzero(lost, as_tuple=True)
                made[places] = _summed(source, places, parts, precision).to(made.dtype)
        poll()


def _touched(near: torch.Tensor, taps: Sequence[AxisTaps]) -> torch.Tensor:
    """Where any of the eight neighbours in ``near``, which begins with the first of them, is not zero."""
    touched = near != 0
    for axis, along in enumerate(taps):
        ends = along.shifted(int(along.lower[0]))
        touched = touched.movedim(axis, 0)
        lower, upper = (torch.from_numpy(index).to(near.device) for index, _ in ends.sides)
        touched = (touched[lower] | touched[upper]).movedim(0, axis)
    return touched


def _summed(
    source: torch.Tensor, places: Sequence[torch.Tensor], taps: Sequence[AxisTaps], precision: torch.dtype
) -> torch.Tensor:
    """(n,) values at target indices ``places`` of (a, b, c) ones: eight neighbours in ``grid_sample``'s order."""

    def at(numbers: NDArray[np.int64] | NDArray[np.float64], place: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(numbers).to(place.device)[place]

    sides = [
        [(at(index, place), at(weight, place).to(precision)) for index, weight in along.sides]
        for along, place in zip(taps, places, strict=True)
    ]
    total = source.new_zeros(len(places[0]), dtype=precision)
    for (a, of_a), (b, of_b), (c, of_c) in product(*sides):
        total += source[a, b, c].to(precision) * (of_c * of_b * of_a)
    return total
