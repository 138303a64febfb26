"""How a model is run that brings its own way from images to labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..core.case import Case
from ..core.notice import Notice
from ..core.progress import Progress
from ..core.segmentation import Layers
from ..models.spec import Decision

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class OwnResult:
    """What such a model gives.

    Attributes:
        layers: (layer, k, j, i) label values on the grid of the case's first channel.
        decision: says which layer holds which label; whether structures overlap is known only now.
        device: where the network ran.
    """

    layers: Layers
    decision: Decision
    device: str
    notices: tuple[Notice, ...] = ()


class OwnRun(Protocol):
    """From a case to labels, in the model's own way."""

    def __call__(
        self, case: Case, networks: Sequence[Sequence[torch.nn.Module]], *, device: str, progress: Progress
    ) -> OwnResult:
        """Run a case.

        Args:
            networks: what the model's source has built.

        Raises:
            ModelError: if the model's code fails, or what it gives is no labels.
            ResourceError: if memory or the device does not suffice.
            Cancelled: if the user asked the run to stop.
        """
