"""Whether another way to the scores leaves the labels as they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...models.spec import Argmax, InferenceStage
from ..activation import activate

LARGEST_CHANGE = 1e-3
"""Share of the foreground."""


@dataclass(frozen=True)
class Agreement:
    """Voxels whose label differs, and those with a label by the plain network."""

    changed: int
    foreground: int

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.changed + other.changed, self.foreground + other.foreground)

    @property
    def holds(self) -> bool:
        """Within the bound; where there is no foreground, nothing may change."""
        return self.changed <= LARGEST_CHANGE * self.foreground

    @property
    def percent(self) -> float:
        """Of the foreground."""
        return 100.0 * self.changed / max(self.foreground, 1)


def compare(plain: torch.Tensor, other: torch.Tensor, stage: InferenceStage) -> Agreement:
    """Of (batch, class, ...) raw scores of the same windows."""
    changed = foreground = 0
    for one, two in zip(plain, other, strict=True):
        expected = _decided(one, stage)
        changed += int((_decided(two, stage) != expected).any(dim=0).sum())
        foreground += int((expected > 0).any(dim=0).sum())
    return Agreement(changed, foreground)


def has_foreground(scores: torch.Tensor, stage: InferenceStage) -> bool:
    """Whether any voxel of (batch, class, ...) raw scores gets a label."""
    return any(bool((_decided(one, stage) > 0).any()) for one in scores)


def _decided(scores: torch.Tensor, stage: InferenceStage) -> torch.Tensor:
    """(layer, ...) from (class, ...): the label of the winning class, or each class by itself that has a label."""
    decision = stage.decision
    if isinstance(decision, Argmax):
        winner = scores.argmax(dim=0, keepdim=True)
        return torch.tensor(decision.labels, device=scores.device)[winner] if decision.labels else winner
    labelled = [number for number, label in enumerate(decision.labels) if label > 0]
    return activate(scores.float(), stage.restore.activation)[labelled] >= decision.threshold
