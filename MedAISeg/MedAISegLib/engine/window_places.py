"""Where windows lie and how their voxels are weighted, by the rule of MONAI or of nnU-Net."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..models.spec import Blending, WindowRule, Windows
from .slabs import Shape

_NNUNET_PEAK = 10.0
_NNUNET_TRUNCATION = 4.0
"""Standard deviations after which scipy's ``gaussian_filter`` cuts its kernel."""


def window_starts(length: int, size: int, overlap: float, rule: WindowRule = WindowRule.MONAI) -> list[int]:
    """First index of each window along an axis at least as long as a window; the last window ends with the axis."""
    if length == size:
        return [0]
    if rule is WindowRule.NNUNET:
        count = math.ceil((length - size) / (size * (1.0 - overlap))) + 1
        return [int(np.round((length - size) / (count - 1) * n)) for n in range(count)]
    interval = max(int(size * (1.0 - overlap)), 1)
    count = math.ceil((length - size) / interval) + 1
    return [min(n * interval, length - size) for n in range(count)]


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
