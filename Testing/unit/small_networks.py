"""Networks of a few layers, of the kinds that real ones are made of."""

from __future__ import annotations

import torch


def two_classes() -> torch.nn.Module:
    """Weights are the same at each call."""
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Conv3d(1, 8, 3, padding=1),
        torch.nn.InstanceNorm3d(8, affine=True),
        torch.nn.LeakyReLU(),
        torch.nn.Conv3d(8, 8, 2, stride=2),
        torch.nn.ConvTranspose3d(8, 8, 2, stride=2),
        torch.nn.Conv3d(8, 2, 1),
    ).eval()
