"""A case on its way to the network: values, the grid they lie on, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..core.geometry import VolumeGeometry
from .slabs import Undo


@dataclass(frozen=True, eq=False)
class Prepared:
    """Input of the network, or of the next step towards it.

    Attributes:
        values: (channel, a, b, c), float32.
        geometry: of the axes (a, b, c), to LPS mm.
        undos: how to take labels or scores on this grid back to the source grid; the last one first.
    """

    values: torch.Tensor
    geometry: VolumeGeometry
    undos: tuple[Undo, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(a, b, c)."""
        return self.geometry.shape_kji

    def with_values(self, values: torch.Tensor) -> Prepared:
        """Other intensities on the same grid."""
        return replace(self, values=values)

    def moved(self, values: torch.Tensor, geometry: VolumeGeometry, undo: Undo) -> Prepared:
        """The result of a spatial step."""
        return Prepared(values, geometry, (*self.undos, undo))
