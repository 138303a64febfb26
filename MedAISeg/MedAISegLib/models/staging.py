"""Hidden places in the user's own folders for what is not complete yet; what a killed program left goes the next time.

Where such a place lies is written down in the program's data folder, locked as long as somebody fills it. A record
that nobody holds is of a program that has died: whoever comes next removes exactly what it names.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..core.data_home import data_home
from ..core.disk import existing
from ..core.unfinished import unfinished
from .extras import extra

_PREFIX = ".part-"
_NO_RECORD = (OSError, NotImplementedError)
"""A data folder that is only read, or lies where nothing can be locked: the work itself needs neither."""


@contextmanager
def staged_in(folder: Path) -> Iterator[Path]:
    """A place in a folder, where nothing lies yet; what is there at the end of the block is removed.

    What is to stay is moved away in time. The folder need not exist yet.
    """
    sweep_staging()
    token = secrets.token_hex(8)
    place = folder.absolute() / f"{_PREFIX}{token}"
    record = _records() / f"{token}.txt"
    with ExitStack() as until_done:
        with suppress(*_NO_RECORD):
            record.parent.mkdir(parents=True, exist_ok=True)
            lock = _lock_of(record)
            until_done.enter_context(unfinished(Path(lock.lock_file)))
            until_done.enter_context(lock)
            until_done.enter_context(unfinished(record))
            record.write_bytes(os.fsencode(place))
        yield until_done.enter_context(unfinished(place))


def sweep_staging() -> None:
    """Remove what programs have left that were killed in the middle; what lies on a drive that is away stays noted."""
    for record in _records().glob("*.txt") if existing(_records()) else ():
        lock = _lock_of(record)
        with suppress(*_NO_RECORD):
            with lock.acquire(timeout=0):
                _clear(record)
            Path(lock.lock_file).unlink(missing_ok=True)


def _clear(record: Path) -> None:
    place = Path(os.fsdecode(record.read_bytes()))
    # The record may be a half of one, and name a folder of the user's.
    is_whole = place.is_absolute() and place.name == f"{_PREFIX}{record.stem}"
    if is_whole and not place.parent.is_dir():
        return
    if is_whole:
        with unfinished(place):
            pass
    record.unlink()


def _records() -> Path:
    return data_home() / "staging"


def _lock_of(record: Path) -> Any:
    return extra("filelock").FileLock(record.with_suffix(".lock"))
