"""A case on its way to the network: values, the grid they lie on, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from .label_channels import LabelChannels
from .pieces import Poll, never
from .slabs import Undo


@dataclass(frozen=True, eq=False)
class Prepared:
    """Input of the network, or of the next step towards it.

    Attributes:
        values: (channel, a, b, c), float32.
        geometry: of the axes (a, b, c), to LPS mm.
        undos: how to take labels or scores on this grid back to the source grid; the last one first.
        label_undos: so many of them, the first ones made, are of labels: these are decided on the grid between.
        label_grid: that grid, the source's where no undo is of labels.
        notices: what a user should know about the steps.
        labels: of an earlier stage, further channels of the network.
        poll: called by steps at least a few times a second; may raise Cancelled.
    """

    values: torch.Tensor
    geometry: VolumeGeometry
    undos: tuple[Undo, ...] = ()
    label_undos: int = 0
    label_grid: VolumeGeometry | None = None
    notices: tuple[Notice, ...] = ()
    labels: LabelChannels | None = None
    poll: Poll = never

    @property
    def shape(self) -> tuple[int, int, int]:
        """(a, b, c)."""
        return self.geometry.shape_kji

    def with_values(self, values: torch.Tensor) -> Prepared:
        """Other intensities on the same grid."""
        return replace(self, values=values)

    def with_label_undos(self) -> Prepared:
        """The same; labels are decided on this grid and come back from here as labels."""
        return replace(self, label_undos=len(self.undos), label_grid=self.geometry)

    def with_notice(self, notice: Notice) -> Prepared:
        """The same, and something to be said about it."""
        return replace(self, notices=(*self.notices, notice))

    def moved(self, values: torch.Tensor, geometry: VolumeGeometry, undo: Undo) -> Prepared:
        """The result of a spatial step."""
        return replace(self, values=values, geometry=geometry, undos=(*self.undos, undo))
