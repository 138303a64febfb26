"""What went wrong in the emulated application: PythonQt prints it and goes on, a test must not."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, field
from typing import Any


class NotModelled(AttributeError):
    """The genuine application may have this; the host does not, and says so instead of inventing it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"not modelled by the test host: {what}")
        LEDGER.not_modelled.append(what)


@dataclass
class Ledger:
    """Failures since the application was started afresh. A test ends with an empty ledger, or says what it expects."""

    not_modelled: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    """Tracebacks of slots, observers and overridden events."""
    unknown_signals: list[str] = field(default_factory=list)
    off_thread: list[str] = field(default_factory=list)
    """MRML events outside the main thread."""
    unanswered: list[str] = field(default_factory=list)
    """Modal dialogs that nobody closed."""
    qt5_only: list[str] = field(default_factory=list)
    """Names that Qt 5 has and Qt 6 has not: no failure, but no code for both."""

    def failures(self) -> list[str]:
        return [
            *(f"not modelled: {what}" for what in dict.fromkeys(self.not_modelled)),
            *(f"exception in a slot or an observer:\n{text}" for text in self.exceptions),
            *(f"connect to an unknown signal: {text}" for text in self.unknown_signals),
            *(f"MRML outside the main thread: {text}" for text in self.off_thread),
            *(f"a modal dialog that nobody answered: {text}" for text in self.unanswered),
        ]

    def clear(self) -> None:
        for entries in vars(self).values():
            entries.clear()

    def record_exception(self) -> None:
        """Prints the present exception as the application does, and remembers it."""
        self.record(*sys.exc_info())

    def record(self, kind: Any, value: BaseException | None, trace: Any) -> None:
        text = "".join(traceback.format_exception(kind, value, trace))
        sys.stderr.write(text)
        # What is not modelled has its own list.
        if not isinstance(value, NotModelled):
            self.exceptions.append(text)


LEDGER = Ledger()
