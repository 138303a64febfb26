"""Labels that a network is given as channels (nnU-Net's 3d cascade), one for each, made of a window when it is taken.

Made of the whole array they would be labels x voxels in 32 bits, and grow with the scan: 24 labels of 40 million voxels
3.8 GB, where the labels are 40 MB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .slabs import Box


@dataclass(frozen=True, eq=False)
class LabelChannels:
    """A channel for each label, 1 where it is.

    Attributes:
        labels: (a, b, c), uint8 or int32, on the grid of the network's input.
        count: of channels, for the labels 1 to ``count``.
    """

    labels: torch.Tensor
    count: int

    def to(self, device: torch.device) -> LabelChannels:
        """The same on a device."""
        return replace(self, labels=self.labels.to(device))

    def beside(self, values: torch.Tensor, box: Box) -> torch.Tensor:
        """(channel, a, b, c) values of a box with these channels behind them."""
        part = self.labels[box]
        joined = values.new_zeros((len(values) + self.count, *part.shape))
        joined[: len(values)] = values
        for label, channel in enumerate(joined[len(values) :], start=1):
            channel.masked_fill_(part == label, 1.0)
        return joined
