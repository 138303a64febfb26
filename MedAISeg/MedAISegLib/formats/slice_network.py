"""2-D networks, which see a volume one slice at a time."""

from __future__ import annotations

import torch


class SliceNetwork(torch.nn.Module):
    """A 2-D network on windows that are one slice deep."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, 1, b, c) to (batch, class, 1, b, c)."""
        scores: torch.Tensor = self.network(values.squeeze(2)).unsqueeze(2)
        return scores
