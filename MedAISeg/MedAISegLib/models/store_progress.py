"""How far an act of the store is: fetching, copying, checking, packing, exporting."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

_PACE_OVER_S = 8.0
_EARLIEST_S = 1.0


class StoreStage(Enum):
    """What is being done."""

    DOWNLOAD = "download"
    COPY = "copy"
    CHECK = "check"
    PACK = "pack"
    EXPORT = "export"


@dataclass(frozen=True)
class StoreProgress:
    """How far it is.

    Attributes:
        done_bytes: of the file or folder; total_bytes: of how many, 0 where that is not known.
        part: which of how many files, counted from 1.
        remaining_s: of this part, an estimate; None while there is too little to go by.
    """

    stage: StoreStage
    done_bytes: int = 0
    total_bytes: int = 0
    part: int = 1
    parts: int = 1
    remaining_s: float | None = None

    @property
    def fraction(self) -> float | None:
        """Of all parts, 0 to 1, as if they were alike; None where it is not known."""
        if not self.total_bytes:
            return None
        return (self.part - 1 + min(self.done_bytes / self.total_bytes, 1.0)) / self.parts


StoreCallback = Callable[[StoreProgress], None]


def nobody(_: StoreProgress) -> None:
    """Is told in vain."""


class Meter:
    """Makes progress of counted bytes; the time left goes by the pace of the last seconds.

    Args:
        tell: gets each progress.
        of: the stage and the part.
    """

    def __init__(self, tell: StoreCallback, of: StoreProgress, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._of, self._clock = tell, of, clock
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """So much is there; a count that falls begins anew."""
        now_s = self._clock()
        if self._seen and done_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now_s, done_bytes))
        while now_s - self._seen[0][0] > _PACE_OVER_S:
            self._seen.popleft()
        remaining_s = self._remaining_s(done_bytes, total_bytes)
        self._tell(replace(self._of, done_bytes=done_bytes, total_bytes=total_bytes, remaining_s=remaining_s))

    def _remaining_s(self, done_bytes: int, total_bytes: int) -> float | None:
        (first_s, first_bytes), (last_s, last_bytes) = self._seen[0], self._seen[-1]
        if last_s - first_s < _EARLIEST_S or last_bytes <= first_bytes or not total_bytes:
            return None
        return (total_bytes - done_bytes) * (last_s - first_s) / (last_bytes - first_bytes)
