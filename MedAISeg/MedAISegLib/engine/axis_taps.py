"""What each voxel along one axis of a grid is made of along the same axis of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class AxisTaps:
    """For each target index along one axis: two source indices and their weights."""

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    lower_weight: NDArray[np.float64]
    upper_weight: NDArray[np.float64]

    @property
    def is_mean(self) -> bool:
        """Whether the weights add up to one everywhere, so that no result lies beyond the two source values."""
        return bool(np.allclose(self.lower_weight + self.upper_weight, 1.0))

    @property
    def sides(self) -> tuple[tuple[NDArray[np.int64], NDArray[np.float64]], ...]:
        """Source indices and weights of the lower and of the upper one."""
        return (self.lower, self.lower_weight), (self.upper, self.upper_weight)

    def matrix(self, source_length: int) -> NDArray[np.float64]:
        """(target, source) weights, most of them zero."""
        matrix = np.zeros((len(self.lower), source_length))
        for indices, weights in self.sides:
            matrix[np.arange(len(indices)), indices] += weights
        return matrix

    def part(self, start: int, stop: int) -> AxisTaps:
        """Those of the target indices start..stop-1."""
        chosen = slice(start, stop)
        return AxisTaps(self.lower[chosen], self.upper[chosen], self.lower_weight[chosen], self.upper_weight[chosen])

    def shifted(self, offset: int) -> AxisTaps:
        """For a source of which the first ``offset`` slices have been dropped."""
        return AxisTaps(self.lower - offset, self.upper - offset, self.lower_weight, self.upper_weight)
