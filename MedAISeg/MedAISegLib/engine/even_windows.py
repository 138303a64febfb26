"""Windows without content: where every channel has one value throughout, as in air, the network is asked only once.

The same values in give the same scores out, whatever a model makes of them, so no label depends on it. Measured: what
is gained is the share of such windows, none of 60 on a CT of the trunk, 2 of 108 on one of the chest; looking takes
2.5 ms at most for a window of 96 voxels, 1 % of a small U-Net's time. Air with noise is not even: see air_windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..core.notice import Notice

_UNDEFINED = (
    "Some of the network's scores are no numbers: what it found there, or did not find, is not to be relied on."
)


def are_undefined(scores: torch.Tensor) -> bool:
    """Whether some of (window, class, …) scores are no numbers, or infinite: no class is above them.

    Minus infinity is the logarithm of no probability.
    """
    return not float(_sum(scores)) < math.inf


def _sum(scores: torch.Tensor) -> torch.Tensor:
    """Of (window, class, …); of 16 bits class by class, since torch widens what it sums as a whole."""
    if scores.dtype == torch.float32:
        return scores.sum()
    return torch.stack([part.sum(dtype=torch.float32) for window in scores for part in window]).sum()


def value_throughout(crop: torch.Tensor) -> tuple[float, ...] | None:
    """The value of each channel of (channel, a, b, c) if all of its voxels have it, else None."""
    first = crop[:, :1, :1, :1]
    # A line of voxels is enough to tell most windows that are not even.
    if not all(bool((part == first).all()) for part in (crop[:, :1, :1], crop)):
        return None
    return tuple(first.flatten().tolist())


@dataclass
class WindowCount:
    """How many windows there were, and of how many of them the network was not asked.

    Attributes:
        repeated: of those that are even.
        air: of those of air.
        air_images: on so many before, nothing was found in such; the fewest of several stages.
        undefined: some scores were, see ``are_undefined``.
    """

    all: int = 0
    repeated: int = 0
    undefined: bool = False
    air: int = 0
    air_images: int = 0

    def __add__(self, other: WindowCount) -> WindowCount:
        return WindowCount(
            self.all + other.all,
            self.repeated + other.repeated,
            self.undefined or other.undefined,
            self.air + other.air,
            min(count.air_images for count in (self, other) if count.air) if self.air or other.air else 0,
        )

    @property
    def notices(self) -> tuple[Notice, ...]:
        return (Notice("scores-undefined", _UNDEFINED),) if self.undefined else ()

    def watching(self, predict: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        """A network whose scores are looked at."""

        def watched(batch: torch.Tensor) -> torch.Tensor:
            scores = predict(batch)
            self.undefined = self.undefined or are_undefined(scores)
            return scores

        return watched

    def __str__(self) -> str:
        computed = f"{self.all - self.repeated - self.air} of {self.all}"
        reasons = {"even and each like one of these": self.repeated}
        reasons |= {f"air, in which nothing was found here nor on {self.air_images} images before": self.air}
        left = {reason: count for reason, count in reasons.items() if count}
        if len(left) < 2:
            return f"{computed}, the rest being {next(iter(left))}" if left else computed
        return ", ".join((computed, *(f"{count} being {reason}" for reason, count in left.items())))
