"""Functions of others that want to hear of something."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Listeners(Generic[T]):
    """Calls each; one that fails is shown to the user as a slot of Qt is, and stops neither the others nor the work."""

    def __init__(self) -> None:
        self._all: list[Callable[[T], None]] = []

    def add(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Have a function called from now on; the returned one takes that back."""
        self._all.append(listener)

        def remove() -> None:
            if listener in self._all:
                self._all.remove(listener)

        return remove

    def tell(self, subject: T) -> None:
        """Call every listener."""
        for listener in list(self._all):
            try:
                listener(subject)
            except Exception:  # noqa: BLE001  a stranger's function may raise anything
                sys.excepthook(*sys.exc_info())
