"""Convolutions by oneDNN, channels last, whatever their size; norms in that layout too.

Why: for one window torch gives all convolutions of fewer than 20,480 rows (batch x channels x a x b) to a slow one of
its own, and turns every larger one from and into a layout of oneDNN's. Measured on a CPU, one thread, one window of 96
voxels, against plain torch: a UNet of MONAI 0.39 of the time, a SegResNet 0.80 (its convolutions are 9/10 of it, and at
the processor's rate), nnU-Net's plain network 0.74 (with 1.18 without the norms, which would be turned back and forth).
Scores differ by some 1e-6 of the largest one.

Batches go through window by window: no slower, and of all that lies between the layers one window's share is held.
"""

from __future__ import annotations

import torch
from torch import nn

from .norms_channels_last import GroupNormChannelsLast, InstanceNormChannelsLast
from .shared_copy import with_layers_as
from .winograd import convolved, suits, transformed

_LAST = torch.channels_last_3d


def with_direct_convolutions(network: nn.Module) -> nn.Module | None:
    """The network with the same weights; None where it has no 3-D convolution that can be seen."""
    twin = with_layers_as(network, _LAYERS)
    if twin is None or not _computes_directly(twin):
        return None
    return _WindowByWindow(twin)


def only_direct_convolutions(network: nn.Module) -> nn.Module | None:
    """The network of the same kind with nothing else changed; None where it has no such convolution.

    For those that take a whole array at once: a MeshNet of 21 channels takes 0.65 of the time, and stays one whose last
    layer can be applied slab by slab.
    """
    twin = with_layers_as(network, {nn.Conv3d: _DirectConv3d})
    return twin if twin is not None and _computes_directly(twin) else None


def _computes_directly(network: nn.Module) -> bool:
    return any(isinstance(module, _DirectConv3d) and module.is_usual for module in network.modules())


class _WindowByWindow(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c)."""
        if len(values) == 1:
            scores: torch.Tensor = self.network(values)
            return scores
        return torch.cat([self.network(window) for window in values.split(1)])


class _DirectConv3d(nn.Conv3d):
    _kernels: tuple[torch.Tensor, ...] | None = None

    @property
    def is_usual(self) -> bool:
        """Whether oneDNN can be called for it, given values in 32 bits on a CPU."""
        return not isinstance(self.padding, str) and self.padding_mode == "zeros"

    def _conv_forward(self, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        usual = values.ndim == 5 and values.dtype is torch.float32 and values.device.type == "cpu"
        output: torch.Tensor
        if not (usual and self.is_usual) or isinstance(self.padding, str):
            output = super()._conv_forward(values, weight, bias)
            return output
        last = values.contiguous(memory_format=_LAST)
        if suits(self, last):
            if self._kernels is None:
                self._kernels = transformed(weight)
            return convolved(last, self._kernels, bias)
        output = torch.mkldnn_convolution(last, weight, bias, self.padding, self.stride, self.dilation, self.groups)
        return output


_LAYERS = {
    nn.Conv3d: _DirectConv3d,
    nn.InstanceNorm3d: InstanceNormChannelsLast,
    nn.GroupNorm: GroupNormChannelsLast,
}
