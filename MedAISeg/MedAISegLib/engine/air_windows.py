"""Windows of the air around the patient, left out for a model that has found nothing in any of them on other images.

What a network makes of noise is not known before it has been asked. So it is asked, and looked at, until it has found
nothing there on 20 images (``air_record``). From then on it is asked of the first two such windows of an image, and of
every eighth; the others have the scores of the first. If one that is asked has a label after all, the stage is computed
anew with every window, and so is every image from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from .air_record import AirRecord
from .patient_outline import PatientOutline
from .prepared import Prepared
from .slabs import Box

T = TypeVar("T")

FEWEST_WINDOWS = 4
"""Of an array in which it is worth a look."""

_ASKED_FIRST = 2
_ASKED_EVERY = 8


class LabelInAirError(Exception):
    """A window of air has a label after others were left out."""


def anew_where_air_has_labels(attempt: Callable[[], T]) -> T:
    """What an attempt gives; each of its stages ends it once at most."""
    while True:
        try:
            return attempt()
        except LabelInAirError:
            continue


class AirWindows:
    """Those of one array, in one run of one stage.

    Attributes:
        scores: (class, a, b, c) that stand for those of other windows; None as long as none may be left out.
        record: what is known of the stage's windows of air.
    """

    def __init__(
        self,
        outline: Callable[[], PatientOutline],
        prepared: Prepared,
        finds_label: Callable[[torch.Tensor], bool],
        record: AirRecord,
    ) -> None:
        """Of an image with an outline; whether a label is found in the (class, a, b, c) scores of a window."""
        self.scores: torch.Tensor | None = None
        self.record = record
        self._outline, self._prepared, self._finds_label = outline, prepared, finds_label
        self._first: torch.Tensor | None = None
        self._asked: set[int] = set()
        self._met = self._empty = 0
        self._left_out = False

    def leaves_out(self, number: int, box: Box, crop: torch.Tensor) -> bool:
        """Whether ``scores`` stand for a window, by its number, its place and its (channel, a, b, c) values.

        Those of air that are not left out are looked at. Of air are none with labels of an earlier stage.
        """
        if self.record.refuted or not self._is_air(box, crop):
            return False
        self._met += 1
        if self.scores is not None and self._met % _ASKED_EVERY:
            self._left_out = True
            return True
        self._asked.add(number)
        return False

    def look(self, number: int, scores: torch.Tensor, room_bytes: int) -> None:
        """See whether the network found nothing in a window, if it is one of air.

        Args:
            scores: (class, a, b, c).
            room_bytes: for scores that are kept.

        Raises:
            LabelInAirError: if it did after windows were left out.
        """
        if number not in self._asked or self.record.refuted:
            return
        self._asked.remove(number)
        if self._finds_label(scores):
            self.scores = self._first = None
            self.record.refute()
            if self._left_out:
                raise LabelInAirError
            return
        self._empty += 1
        if self.record.calibrated and scores.numel() * scores.element_size() <= room_bytes:
            # One of several would keep the scores of all of them.
            self._first = scores.clone() if self._first is None else self._first
            self.scores = self._first if self._empty >= _ASKED_FIRST else None

    def keep(self) -> None:
        """At the end of the run: an image in whose air nothing was found counts for later ones."""
        if self._empty:
            self.record.add(self._outline().digest)

    def _is_air(self, box: Box, crop: torch.Tensor) -> bool:
        image_channels = len(self._prepared.values)
        return self._outline().is_clear_of(box, self._prepared.geometry) and not bool(crop[image_channels:].any())
