"""2-D networks, which see a volume one slice at a time."""

from __future__ import annotations

import torch


class SliceNetwork(torch.nn.Module):
    """A 2-D network on windows that are one slice deep along an axis of the prepared array."""

    def __init__(self, network: torch.nn.Module, axis: int = 0) -> None:
        super().__init__()
        self.network = network
        self._dim = axis + 2

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c), of length 1 along the axis."""
        scores: torch.Tensor = self.network(values.squeeze(self._dim)).unsqueeze(self._dim)
        return scores
