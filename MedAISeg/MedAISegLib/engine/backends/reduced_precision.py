"""Convolutions and matrix products in fewer bits: TF32, fp16 or bf16.

Why: GPUs multiply 16 bits an order of magnitude faster than 32. Measured on a CPU with bf16 instructions: 0.26 of the
time for a UNet, 0.66 for a SegResNet, with 0.1 and 1.4 % of the labels changed for random weights. Not measured on a
GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from .shared_copy import with_layers_as


def in_precision(network: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    """The network in 16 bits of a kind; None stands for TF32."""
    return _TensorFloat32(network) if dtype is None else _Autocast(network, dtype)


def channels_last_copy(network: nn.Module) -> nn.Module:
    """Tensor cores take channels last; a network without 3-D convolutions stays as it is."""
    return with_layers_as(network, {nn.Conv3d: _ChannelsLastConv3d}) or network


@contextmanager
def tensor_float_32(*, allowed: bool) -> Iterator[None]:
    """Whether GPUs may round to 10 bits of mantissa; for torch as a whole, hence put back at once.

    torch itself lets convolutions do so, and a bundle's own code may have let matrix products, on processors too (to 7
    bits); hence a run forbids it as long as it lasts.
    """
    cudnn = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        cudnn.allow_tf32 = before[1]


class _TensorFloat32(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, ...) to (batch, class, ...)."""
        with tensor_float_32(allowed=True):
            scores: torch.Tensor = self.network(values)
        return scores


class _Autocast(nn.Module):
    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self._dtype = network, dtype

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, ...) to (batch, class, ...), float32."""
        with torch.autocast(values.device.type, dtype=self._dtype):
            scores: torch.Tensor = self.network(values)
        return scores.float()


class _ChannelsLastConv3d(nn.Conv3d):
    def _conv_forward(self, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        if values.ndim == 5:
            values = values.contiguous(memory_format=torch.channels_last_3d)
        output: torch.Tensor = super()._conv_forward(values, weight, bias)
        return output
