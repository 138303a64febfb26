"""Where windows lie and how their voxels are weighted, by the rule of MONAI or of nnU-Net."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from ..core.errors import ModelError
from ..models.spec import Blending, WindowRule, Windows
from .slabs import Box, Shape

MOST_WINDOWS = 2**20
"""Of one array."""

_NNUNET_PEAK = 10.0
_NNUNET_TRUNCATION = 4.0
"""Standard deviations after which scipy's ``gaussian_filter`` cuts its kernel."""


def require_few_windows(counts: Sequence[int], shape: Shape, size: Shape) -> None:
    """Raises ModelError if an array needs so many windows, by their counts along its axes, that it would take days."""
    if math.prod(counts) > MOST_WINDOWS:
        raise ModelError(
            f"for {_by(shape)} voxels it asks for {math.prod(counts)} windows of {_by(size)}, and may for "
            f"{MOST_WINDOWS}.",
            remedy="Choose a smaller region, or ask its author for windows that are larger or overlap less.",
        )


def _by(shape: Shape) -> str:
    return " x ".join(map(str, shape))


@dataclass(frozen=True, eq=False)
class WindowPlaces:
    """Boxes of the array in which its windows lie, in the order in which they advance along an axis.

    Each is made when it is asked for, since there may be a million.

    Attributes:
        shape: of the array.
        size: of each window.
        starts: along each axis, the first index of each window.
        axis: that the windows advance along.
    """

    shape: Shape
    size: Shape
    starts: tuple[Sequence[int], Sequence[int], Sequence[int]]
    axis: int

    @classmethod
    def of(cls, shape: Shape, size: Shape, windows: Windows, axis: int) -> WindowPlaces:
        """All windows of a size that cover an array.

        Raises:
            ModelError: if there are too many.
        """
        along = [
            (max(length, wanted), wanted, overlap, windows.rule)
            for length, wanted, overlap in zip(shape, size, windows.overlap, strict=True)
        ]
        require_few_windows([window_count(*one) for one in along], shape, size)
        a, b, c = (window_starts(*one) for one in along)
        return cls(shape, size, (a, b, c), axis)

    @property
    def pads(self) -> tuple[tuple[int, int], ...]:
        """Before and after each axis, of an array that is shorter than a window."""
        missing = (max(wanted - length, 0) for length, wanted in zip(self.shape, self.size, strict=True))
        return tuple((number // 2, number - number // 2) for number in missing)

    @property
    def inside(self) -> Box:
        """What of each window lies in the array, and not in its padding."""
        a, b, c = (slice(before, n - after) for (before, after), n in zip(self.pads, self.size, strict=True))
        return a, b, c

    def __len__(self) -> int:
        return math.prod(map(len, self.starts))

    def __iter__(self) -> Iterator[Box]:
        for start in self.starts[self.axis]:
            ranges = [[start] if axis == self.axis else starts for axis, starts in enumerate(self.starts)]
            for place in product(*ranges):
                a, b, c = (slice(p, min(p + w, n)) for p, w, n in zip(place, self.size, self.shape, strict=True))
                yield a, b, c


def window_count(length: int, size: int, overlap: float, rule: WindowRule = WindowRule.MONAI) -> int:
    """Of the windows along an axis at least as long as one."""
    return math.ceil((length - size) / _interval(size, overlap, rule)) + 1


def window_starts(length: int, size: int, overlap: float, rule: WindowRule = WindowRule.MONAI) -> list[int]:
    """First index of each window along an axis at least as long as a window; the last window ends with the axis."""
    count, last = window_count(length, size, overlap, rule), length - size
    if rule is WindowRule.NNUNET and last:
        return [int(np.round(last / (count - 1) * n)) for n in range(count)]
    return [int(min(n * _interval(size, overlap, rule), last)) for n in range(count)]


def _interval(size: int, overlap: float, rule: WindowRule) -> float:
    """Voxels from one window to the next, at most."""
    share = size * (1.0 - overlap)
    return share if rule is WindowRule.NNUNET else max(int(share), 1)


def window_weights(size: Shape, windows: Windows) -> torch.Tensor:
    """(a, b, c) weight of each voxel of a window, float32."""
    if windows.blending is Blending.CONSTANT:
        return torch.ones(size)
    if windows.rule is WindowRule.NNUNET:
        return _nnunet_weights(size, windows.sigma_scale)
    weights = torch.ones(())
    for length in size:
        offset = torch.arange(length, dtype=torch.float32) - (length - 1) / 2.0
        weights = weights[..., None] * torch.exp(offset**2 / (-2.0 * (length * windows.sigma_scale) ** 2))
    return weights.clamp(min=max(float(weights.min()), 1e-3))


def _nnunet_weights(size: Shape, sigma_scale: float) -> torch.Tensor:
    """A Gaussian about voxel n // 2, its tails cut off, in 16 bits; where that is 0, the smallest other value."""
    weights = torch.ones((), dtype=torch.float64)
    for length in size:
        sigma = length * sigma_scale
        offset = torch.arange(length, dtype=torch.float64) - length // 2
        along = torch.exp(-0.5 * (offset / sigma) ** 2)
        along[offset.abs() > int(_NNUNET_TRUNCATION * sigma + 0.5)] = 0.0
        weights = weights[..., None] * along
    rounded = (weights * _NNUNET_PEAK).to(torch.float16)
    rounded[rounded == 0] = rounded[rounded > 0].min()
    return rounded.float()
