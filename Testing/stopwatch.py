"""How long something takes by itself, on a computer that is busy with something else as well."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path


class Stopwatch:
    """Seconds from when it is made, without those in which one of some processes could have run and others did.

    Where the system does not tell how long a process has waited for a processor, as on macOS and Windows, all count.

    Args:
        pids: of the processes that take part, beside this one.
    """

    def __init__(self, *pids: int | None) -> None:
        self._pids = [os.getpid(), *(pid for pid in pids if pid is not None)]
        self._waited_ns: dict[Path, int] = {}
        self._started_s = time.monotonic() - self._waited_s()

    def seconds(self) -> float:
        return time.monotonic() - self._waited_s() - self._started_s

    def _waited_s(self) -> float:
        """Of all their threads; of those that have ended as much as was known last."""
        for pid in self._pids:
            for schedule in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):
                    self._waited_ns[schedule] = int(schedule.read_text().split()[1])
        return sum(self._waited_ns.values()) / 1e9
