"""Instance and group norms of arrays with channels last, as exact as torch's of the usual layout.

torch's own add up a whole array in 32 bits in this layout, voxel by voxel: with 96 voxels a side they are off by 3e-3
of a standard deviation, which changed 0.4 % of the labels of a SegResNet near ties. Here moments are those of single
slices, which stay in the processor's cache, put together in 64 bits: off by 2e-6, at 1.2 of the time.
"""

from __future__ import annotations

import torch
from torch import nn

_VALUES_AT_ONCE = 2**18
"""Of slices whose moments are taken together."""


class InstanceNormChannelsLast(nn.InstanceNorm3d):
    """For one image at a time whose moments are its own; else as torch has it."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(1, channel, a, b, c) of the same shape."""
        if self.running_mean is not None or not _is_meant(values):
            return super().forward(values)
        return _normalised(values, *_moments(values), self)


class GroupNormChannelsLast(nn.GroupNorm):
    """For one image at a time; else as torch has it."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(1, channel, a, b, c) of the same shape."""
        if not _is_meant(values):
            return super().forward(values)
        mean, variance = (moment.view(self.num_groups, -1) for moment in _moments(values))
        of_group = mean.mean(dim=1, keepdim=True)
        variance = (variance + (mean - of_group).square()).mean(dim=1, keepdim=True)
        return _normalised(values, of_group.expand_as(mean).flatten(), variance.expand_as(mean).flatten(), self)


def _is_meant(values: torch.Tensor) -> bool:
    return (
        values.ndim == 5
        and len(values) == 1
        and values.dtype is torch.float32
        and values.is_contiguous(memory_format=torch.channels_last_3d)
        and values[0, 0].numel() > 1
    )


def _moments(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of each channel of (1, channel, a, b, c), in 64 bits."""
    slices = values[0].permute(1, 2, 3, 0).flatten(1, 2)
    means, variances = [], []
    for some in slices.split(max(1, _VALUES_AT_ONCE // slices[0].numel())):
        mean = some.mean(dim=1)
        means.append(mean)
        variances.append((some - mean[:, None]).square_().mean(dim=1))
    of_slices = torch.cat(means).double()
    mean = of_slices.mean(dim=0)
    return mean, torch.cat(variances).double().mean(dim=0) + (of_slices - mean).square().mean(dim=0)


def _normalised(
    values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, layer: nn.InstanceNorm3d | nn.GroupNorm
) -> torch.Tensor:
    # With moments that are given, torch's batch norm is a product and a sum in either layout.
    return nn.functional.batch_norm(
        values, mean.float(), variance.float(), layer.weight, layer.bias, training=False, eps=layer.eps
    )
