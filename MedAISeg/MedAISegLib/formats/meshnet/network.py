"""MeshNet (Fedorov et al., arXiv:1612.00940): dilated convolutions over the whole volume, then one pointwise layer.

A feature map of a whole head takes gigabytes, so there is only ever one: each layer goes through it in slabs of slices
along the first axis and puts its output in the place of its input, of which just the last few slices are kept for the
next slab. The numbers are those of the plain convolutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from .architecture import Nonlinearity

SLAB_ELEMENTS = 2**24
"""Bound on the numbers in a slab's output: a second of work or less, and large enough for oneDNN's fast kernels."""

_NORM_EPSILON = 1e-5


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One convolution: (out, in, kernel, kernel, kernel) weight, (out,) bias or None, dilation along all three axes."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    dilation: int


class MeshNet(nn.Module):
    """The network; ``trunk`` and ``head`` apart, so that many classes need not be held for the whole volume at once."""

    def __init__(self, layers: Sequence[LayerWeights], nonlinearity: Nonlinearity, *, normalised: bool) -> None:
        """Take layers whose kernels are 3 wide but for the last one, which is pointwise.

        Args:
            normalised: each channel is brought to mean 0 and variance 1 over the volume before the nonlinearity.
        """
        super().__init__()
        self.dilated = nn.ModuleList(_DilatedLayer(layer, nonlinearity, normalised) for layer in layers[:-1])
        self.pointwise = _convolution(layers[-1], padding=0)

    def trunk(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) values to (batch, feature, a, b, c)."""
        features = values
        for number, layer in enumerate(self.dilated):
            # The caller's values are not to be overwritten.
            features = layer(features, overwrite=number > 0)
        return features

    def head(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, feature, a, b, c) to (batch, class, a, b, c) scores."""
        scores: torch.Tensor = self.pointwise(features)
        return scores

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) values to (batch, class, a, b, c) scores."""
        return self.head(self.trunk(values))


class _DilatedLayer(nn.Module):
    def __init__(self, layer: LayerWeights, nonlinearity: Nonlinearity, normalised: bool) -> None:
        super().__init__()
        # A slab comes with its neighbours along the first axis; only the other two are padded here.
        self.convolution = _convolution(layer, padding=(0, layer.dilation, layer.dilation))
        self.activation = _activation(nonlinearity)
        self.reach = layer.dilation
        self.normalised = normalised

    def forward(self, values: torch.Tensor, *, overwrite: bool) -> torch.Tensor:
        """(batch, in, a, b, c) values to (batch, out, a, b, c), in the place of the input where that may be."""
        channels = self.convolution.out_channels
        into = values if overwrite and values.shape[1] == channels else _feature_map(values, channels)
        statistics = _RunningStatistics()
        for start, block in self._blocks(values, _slab_bounds(into)):
            output = self.convolution(block)
            # Before the next block is made: one can be larger than the map's slab several times over.
            del block
            if self.normalised:
                statistics.add(output)
            else:
                output = self.activation(output)
            into.narrow(2, start, output.shape[2]).copy_(output)
        if self.normalised:
            shift, factor = statistics.normalising(into)
            for start, stop in pairwise(_slab_bounds(into)):
                slab = into.narrow(2, start, stop - start)
                slab.copy_(self.activation(slab.sub_(shift).mul_(factor)))
        return into

    def _blocks(self, values: torch.Tensor, bounds: Sequence[int]) -> Iterator[tuple[int, torch.Tensor]]:
        """The slices of each slab, with those within reach on both sides and zeros beyond the volume.

        By the time of the next block, the slices of the last one may have been overwritten.
        """
        reach, depth = self.reach, values.shape[2]
        beyond = torch.zeros_like(values.narrow(2, 0, 1)).expand(-1, -1, reach, -1, -1)
        before = beyond
        for start, stop in pairwise(bounds):
            inside = min(stop + reach, depth)
            missing = beyond.narrow(2, 0, stop + reach - inside)
            block = torch.cat([before, values.narrow(2, start, inside - start), missing], dim=2)
            before = block.narrow(2, stop - start, reach).clone()
            yield start, block
            del block


class _RunningStatistics:
    """Mean and variance of each channel, put together from slabs."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: torch.Tensor | float = 0.0
        self._square_sum: torch.Tensor | float = 0.0

    def add(self, output: torch.Tensor) -> None:
        variance, mean = (s.cpu().double() for s in torch.var_mean(output, dim=(2, 3, 4), correction=0))
        count = output[0, 0].numel()
        self._count += count
        self._sum = self._sum + count * mean
        self._square_sum = self._square_sum + count * (variance + mean**2)

    def normalising(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What to subtract and what to multiply by, (batch, channel, 1, 1, 1) each."""
        mean = torch.as_tensor(self._sum / self._count)
        variance = torch.as_tensor(self._square_sum / self._count) - mean**2
        factor = torch.rsqrt(variance + _NORM_EPSILON)
        shift, scale = (s[..., None, None, None].to(like.dtype).to(like.device) for s in (mean, factor))
        return shift, scale


def _convolution(layer: LayerWeights, padding: int | tuple[int, int, int]) -> nn.Conv3d:
    channels_out, channels_in, kernel = layer.weight.shape[:3]
    convolution = nn.Conv3d(
        channels_in, channels_out, kernel, padding=padding, dilation=layer.dilation, bias=layer.bias is not None
    )
    with torch.no_grad():
        convolution.weight.copy_(layer.weight)
        if convolution.bias is not None and layer.bias is not None:
            convolution.bias.copy_(layer.bias)
    return convolution


def _activation(nonlinearity: Nonlinearity) -> nn.Module:
    if nonlinearity is Nonlinearity.RELU:
        return nn.ReLU(inplace=True)
    if nonlinearity is Nonlinearity.ELU:
        return nn.ELU(inplace=True)
    return nn.GELU()


def _feature_map(values: torch.Tensor, channels: int) -> torch.Tensor:
    # On a CPU, oneDNN computes 21 channels about twice as fast, and 5 channels ten times as fast, channels last.
    layout = torch.channels_last_3d if values.device.type == "cpu" else torch.contiguous_format
    shape = (values.shape[0], channels, *values.shape[2:])
    return torch.empty(shape, dtype=values.dtype, device=values.device, memory_format=layout)


def _slab_bounds(features: torch.Tensor) -> list[int]:
    depth = features.shape[2]
    step = max(1, SLAB_ELEMENTS // (features.numel() // depth))
    return [*range(0, depth, step), depth]
