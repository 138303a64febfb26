"""Windows without content: where every channel has one value throughout, as in air, the network is asked only once.

The same values in give the same scores out, whatever a model makes of them, so no label depends on it. Measured: what
is gained is the share of such windows, none of 60 on a CT of the trunk, 2 of 108 on one of the chest; looking takes
2.5 ms at most for a window of 96 voxels, 1 % of a small U-Net's time. Air with noise is not even: what a network makes
of it is not known before it has been asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

import torch

from ..core.notice import Notice

_KEPT_BYTES = 256 * 2**20
"""Scores of an even window that are kept beside the network's own work; larger ones only until it runs again."""
_MOST_WAITING = 1024
"""Windows, most of them even, whose scores wait for one that is not."""
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
        undefined: some scores were, see ``are_undefined``.
    """

    all: int = 0
    repeated: int = 0
    undefined: bool = False

    def __add__(self, other: WindowCount) -> WindowCount:
        return WindowCount(self.all + other.all, self.repeated + other.repeated, self.undefined or other.undefined)

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
        computed = f"{self.all - self.repeated} of {self.all}"
        return f"{computed}, the rest being even and each like one of these" if self.repeated else computed


class EachOnce:
    """Windows through a network in batches, those that are even and alike only once."""

    def __init__(
        self,
        predict: Callable[[torch.Tensor], torch.Tensor],
        batch: int,
        device: torch.device,
        count: WindowCount | None = None,
    ) -> None:
        """At most ``batch`` windows go through the network at once, on a device; each is added to the count."""
        self._count = count or WindowCount()
        self._predict, self._batch, self._device = predict, batch, device
        self._known: dict[Hashable, torch.Tensor] = {}
        self._fresh: dict[Hashable, torch.Tensor] = {}
        self._waiting: list[Hashable] = []

    def scores(self, crops: Iterable[torch.Tensor]) -> Iterator[torch.Tensor]:
        """(class, a, b, c) scores of each (channel, a, b, c) window in turn."""
        for number, crop in enumerate(crops):
            self._count.all += 1
            value = value_throughout(crop)
            key: Hashable = number if value is None else value
            if key in self._known and self._fresh and self._is_too_large():
                yield from self._answered()
            if key in self._known or key in self._fresh:
                self._count.repeated += 1
            else:
                if len(self._fresh) == self._batch or (self._waiting and self._is_too_large()):
                    yield from self._answered()
                self._fresh[key] = crop
            self._waiting.append(key)
            if len(self._waiting) == _MOST_WAITING:
                yield from self._answered()
        yield from self._answered()

    def _answered(self) -> Iterator[torch.Tensor]:
        """The scores of all windows that wait, after the network has seen those that are new."""
        found: dict[Hashable, torch.Tensor] = {}
        if self._fresh:
            if self._is_too_large():
                self._known.clear()
            scores = self._predict(torch.stack(list(self._fresh.values())).to(self._device))
            found = dict(zip(self._fresh, scores, strict=True))
        waiting, self._waiting, self._fresh = self._waiting, [], {}
        for key in waiting:
            yield self._known[key] if key in self._known else found[key]
        even = [key for key in found if isinstance(key, tuple)]
        if even:
            last = found[even[-1]]
            # One of several would keep the scores of all of them.
            self._known = {even[-1]: last if len(found) == 1 else last.clone()}

    def _is_too_large(self) -> bool:
        return any(scores.numel() * scores.element_size() > _KEPT_BYTES for scores in self._known.values())
