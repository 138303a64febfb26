"""The network is asked once of windows that are alike, and not of those of air where they may be left out."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import torch

from .air_windows import AirWindows
from .even_windows import WindowCount, value_throughout
from .slabs import Box

_KEPT_BYTES = 256 * 2**20
"""Scores of windows that are kept beside the network's own work; larger ones only until it runs again."""
_MOST_WAITING = 1024
"""Windows, most of them even, whose scores wait for one that is not."""


_AIR = "air"
"""In place of a window's number or value, for one that is left out."""


class EachOnce:
    """Windows through a network in batches, those that are even and alike only once."""

    def __init__(
        self,
        predict: Callable[[torch.Tensor], torch.Tensor],
        batch: int,
        device: torch.device,
        count: WindowCount | None = None,
        air: AirWindows | None = None,
    ) -> None:
        """At most ``batch`` windows go through the network at once, on a device; each is added to the count."""
        self._count = count or WindowCount()
        self._predict, self._batch, self._device = predict, batch, device
        self._air = air
        self._known: dict[Hashable, torch.Tensor] = {}
        self._fresh: dict[Hashable, torch.Tensor] = {}
        self._waiting: list[Hashable] = []

    def scores(self, windows: Iterable[tuple[Box, torch.Tensor]]) -> Iterator[torch.Tensor]:
        """(class, a, b, c) scores of each window in turn, given its place and (channel, a, b, c) values.

        Raises:
            LabelInAirError: if one of air has a label after others were left out.
        """
        for number, (box, crop) in enumerate(windows):
            self._count.all += 1
            key = self._key(number, box, crop)
            if key in self._known and self._fresh and self._is_too_large():
                yield from self._answered()
            if key == _AIR:
                self._count.air += 1
            elif key in self._known or key in self._fresh:
                self._count.repeated += 1
            else:
                if self._waiting and self._is_too_large():
                    yield from self._answered()
                self._fresh[key] = crop
            self._waiting.append(key)
            # At once, since what is found in air decides about the next window.
            if len(self._fresh) in (0, self._batch) or len(self._waiting) == _MOST_WAITING:
                yield from self._answered()
        yield from self._answered()

    def _key(self, number: int, box: Box, crop: torch.Tensor) -> Hashable:
        """By which scores are found: a value for all even windows that have it."""
        value = value_throughout(crop)
        if value is not None:
            return value
        if self._air is not None and self._air.leaves_out(number, box, crop):
            self._count.air_images = self._air.record.images
            return _AIR
        return number

    def _answered(self) -> Iterator[torch.Tensor]:
        """The scores of all windows that wait, after the network has seen those that are new."""
        found: dict[Hashable, torch.Tensor] = {}
        if self._fresh:
            if self._is_too_large():
                self._known.clear()
            batch = torch.stack(list(self._fresh.values())).to(self._device)
            found = dict(zip(self._fresh, self._predict(batch), strict=True))
        waiting, self._waiting, self._fresh = self._waiting, [], {}
        for key, window in found.items():
            if self._air is not None and isinstance(key, int):
                self._air.look(key, window, _KEPT_BYTES)
        air = None if self._air is None else self._air.scores
        for key in waiting:
            scores = air if key == _AIR else self._known.get(key)
            yield found[key] if scores is None else scores
        even = [key for key in found if isinstance(key, tuple)]
        if even:
            last = found[even[-1]]
            # One of several would keep the scores of all of them.
            self._known = {even[-1]: last if len(found) == 1 else last.clone()}

    def _is_too_large(self) -> bool:
        kept = list(self._known.values())
        if kept and self._air is not None and self._air.scores is not None:
            kept.append(self._air.scores)
        return sum(scores.numel() * scores.element_size() for scores in kept) > _KEPT_BYTES
