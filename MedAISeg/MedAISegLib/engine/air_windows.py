"""Windows of air, noise and all: left out for a model that has found nothing in any of them on other images.

What a network makes of noise is not known before it has been asked. So it is asked, and looked at, until 100 such
windows of 5 images or more have had no label (``air_record``). From then on it is asked of the first two in an image,
and of each that is brighter than those, at its brightest or on the whole, so that another kind of dark, such as lungs
in MR, is not taken for air. The others have the scores of the first. If one that is asked has a label after all, the
stage is computed anew with every window, and so is every image from then on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch

from .air_record import AirRecord

T = TypeVar("T")

FEWEST_WINDOWS = 4
"""Of an array in which it is worth a look."""

_ASKED_FIRST = 2
_SAMPLE = 2**17
"""Voxels that tell air from the rest: 8 ms."""
_TOWARDS_BRIGHT = 1 / 3
"""Of the way from the mean of what is dark to that of what is bright."""


class LabelInAirError(Exception):
    """A window of air has a label after others were left out."""


def anew_where_air_has_labels(attempt: Callable[[], T]) -> T:
    """What an attempt gives; each of its stages ends it once at most."""
    while True:
        try:
            return attempt()
        except LabelInAirError:
            continue


@dataclass(frozen=True)
class _Brightness:
    """Of a window of air, of each channel."""

    largest: torch.Tensor
    mean: torch.Tensor

    def reaches(self, other: _Brightness) -> bool:
        """Whether no channel of the other is brighter, at its brightest or on the whole."""
        return bool((other.largest <= self.largest).all()) and bool((other.mean <= self.mean).all())

    def joined(self, other: _Brightness) -> _Brightness:
        return _Brightness(torch.maximum(self.largest, other.largest), torch.maximum(self.mean, other.mean))


class AirWindows:
    """Those of one array, in one run of one stage.

    Attributes:
        scores: (class, a, b, c) that stand for those of other windows; None as long as none may be left out.
        record: what is known of the stage's windows of air.
    """

    def __init__(self, values: torch.Tensor, finds_label: Callable[[torch.Tensor], bool], record: AirRecord) -> None:
        """Of (channel, a, b, c) values; whether a label is found in the (class, a, b, c) scores of a window."""
        self.scores: torch.Tensor | None = None
        self.record = record
        self._values, self._finds_label = values, finds_label
        self._first: torch.Tensor | None = None
        self._image = ""
        self._asked: dict[int, _Brightness] = {}
        self._seen: _Brightness | None = None
        self._count = 0
        self._left_out = False

    def leaves_out(self, number: int, crop: torch.Tensor) -> bool:
        """Whether ``scores`` stand for a (channel, a, b, c) window of this number; else those of air are looked at."""
        brightness = None if self.record.refuted else self._brightness(crop)
        if brightness is None:
            return False
        if self.scores is not None and self._seen is not None and self._seen.reaches(brightness):
            self._left_out = True
            return True
        self._image = self._image or hashlib.blake2b(crop.cpu().numpy().tobytes(), digest_size=8).hexdigest()
        self._asked[number] = brightness
        return False

    def look(self, number: int, scores: torch.Tensor, room_bytes: int) -> None:
        """See whether the network found nothing in a window, if it is one of air.

        Args:
            scores: (class, a, b, c).
            room_bytes: for scores that are kept.

        Raises:
            LabelInAirError: if it did after windows were left out.
        """
        brightness = self._asked.pop(number, None)
        if brightness is None or self.record.refuted:
            return
        if self._finds_label(scores):
            self.scores = self._first = None
            self.record.refute()
            if self._left_out:
                raise LabelInAirError
            return
        self._count += 1
        self._seen = brightness if self._seen is None else self._seen.joined(brightness)
        if self.record.calibrated and scores.numel() * scores.element_size() <= room_bytes:
            # One of several would keep the scores of all of them.
            self._first = scores.clone() if self._first is None else self._first
            self.scores = self._first if self._count >= _ASKED_FIRST else None

    def keep(self) -> None:
        """At the end of the run: what was seen counts for later ones."""
        if self._count:
            self.record.add(self._image, self._count)

    def _brightness(self, crop: torch.Tensor) -> _Brightness | None:
        """None of what is not air: brighter in one of the image's channels, no number, or with a label in another."""
        image, labels = crop[: len(self._levels)], crop[len(self._levels) :]
        levels = self._levels.to(crop.device)
        # A few voxels are enough to tell most windows that are not air.
        for part in (image[:, ::4, ::4, ::4], image):
            largest = part.amax(dim=(1, 2, 3))
            if not bool((largest <= levels).all()):
                return None
        return None if bool(labels.any()) else _Brightness(largest, image.mean(dim=(1, 2, 3)))

    @cached_property
    def _levels(self) -> torch.Tensor:
        return torch.stack([_level(channel) for channel in self._values])


def _level(channel: torch.Tensor) -> torch.Tensor:
    """Up to where values of (a, b, c) are air, if any are: by the two classes that differ most (Otsu)."""
    step = math.ceil((channel.numel() / _SAMPLE) ** (1 / 3))
    sample = channel[::step, ::step, ::step].flatten().cpu().double()
    sample = sample[sample.isfinite()].sort().values
    if len(sample) < 2:
        return torch.tensor(-math.inf)
    below = torch.arange(1, len(sample))
    sums = sample.cumsum(0)
    dark, bright = sums[:-1] / below, (sums[-1] - sums[:-1]) / (len(sample) - below)
    split = (below * (len(sample) - below) * (bright - dark) ** 2).argmax()
    return (dark[split] + (bright[split] - dark[split]) * _TOWARDS_BRIGHT).to(channel.dtype)
