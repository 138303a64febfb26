"""From a network's raw output to scores."""

from __future__ import annotations

import torch

from ..models.spec import Activation


def activate(scores: torch.Tensor, activation: Activation) -> torch.Tensor:
    """(class, a, b, c) raw output to scores of the same shape."""
    if activation is Activation.SOFTMAX:
        return torch.softmax(scores, dim=0)
    if activation is Activation.SIGMOID:
        return torch.sigmoid(scores)
    return scores
