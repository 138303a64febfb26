"""Files and folders that are still being filled, for whoever ends the process without waiting for who fills them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIES = 5
"""A thread that still writes may put a file into a folder while it is being removed."""

_places: set[Path] = set()
_guard = threading.Lock()


@contextmanager
def unfinished(place: Path) -> Iterator[Path]:
    """Within, the place belongs to work that is not done; what is there at the end of the block is removed.

    It need not exist yet. What is to stay is moved away in time.
    """
    with _guard:
        _places.add(place)
    try:
        yield place
    finally:
        _remove(place)
        with _guard:
            _places.discard(place)


def remove_unfinished() -> None:
    """Remove every such place of this process, from any thread; what cannot be removed stays."""
    with _guard:
        places = tuple(_places)
    for place in places:
        _remove(place)


def _remove(place: Path) -> None:
    for _ in range(_TRIES):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            try:
                place.unlink(missing_ok=True)
            except OSError:
                continue
        if not place.exists():
            return
