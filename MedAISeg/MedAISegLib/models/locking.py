"""One program at a time changes the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..core.data_home import data_home
from ..core.errors import ResourceError
from ..core.progress import Poll, never
from .extras import extra

_WAIT_S = 60.0
_STEP_S = 0.2


@contextmanager
def held(name: str, poll: Poll = never, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Hold a lock of the program's data folder; it goes with its process.

    Raises:
        ResourceError: if another program keeps it, or the folder cannot be written.
    """
    filelock = extra("filelock")
    path = data_home() / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path)
        left_s = wait_s
        while True:
            poll()
            try:
                lock.acquire(timeout=_STEP_S)
                break
            except filelock.Timeout:
                left_s -= _STEP_S
                if left_s <= 0:
                    raise
    except filelock.Timeout as error:
        raise ResourceError(
            "another program is changing the models.", where=str(path.parent), remedy="Try again when it is done."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ResourceError(
            f"the model store cannot be locked: {error}.",
            where=str(path),
            remedy="Check permissions, or set MEDAISEG_HOME to another folder.",
        ) from error
    try:
        yield
    finally:
        lock.release()
