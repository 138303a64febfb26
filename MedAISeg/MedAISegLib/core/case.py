"""The images of one run, each bound to the input channel of the model that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .geometry import VolumeGeometry
from .notice import Notice
from .volume import Volume


@dataclass(frozen=True, eq=False)
class Case:
    """Volumes by channel name, in the model's channel order.

    The first channel's grid is the one that the segmentation comes back on.
    """

    channels: Mapping[str, Volume]
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        if not self.channels:
            raise ValueError("a case has at least one channel")
        object.__setattr__(self, "channels", MappingProxyType(dict(self.channels)))

    @property
    def first(self) -> Volume:
        """The volume of the first channel."""
        return next(iter(self.channels.values()))

    @property
    def geometry(self) -> VolumeGeometry:
        """The grid of the first channel's volume."""
        return self.first.geometry
