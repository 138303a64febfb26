"""Folders in the store for what is not complete yet: hidden, gone afterwards, and swept when their program has died."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.disk import existing
from ..core.errors import ResourceError
from ..core.unfinished import unfinished
from .extras import extra

_PREFIX = ".part-"

REPLACED = "replaced"
"""A folder in such a folder: for what lay beside it, each under its name, and is about to be replaced."""


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder in the store, so that what is half-done is never seen as a model.

    It is locked before it is there and as long as it is; whoever comes next deletes those that nobody holds.

    Raises:
        ResourceError: if the store cannot be written.
    """
    folder = parent / f"{_PREFIX}{uuid.uuid4().hex}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent)
        lock = _lock_of(folder)
        with unfinished(Path(lock.lock_file)), lock, unfinished(folder):
            folder.mkdir()
            yield folder
    except (OSError, NotImplementedError) as error:
        raise ResourceError(
            f"the model store cannot be written: {getattr(error, 'strerror', None) or error}.",
            where=str(parent),
            remedy="Check permissions and free space, or set MEDAISEG_HOME to another folder.",
        ) from error


def sweep(parent: Path, *, only_replacing: bool = False) -> None:
    """Delete what programs have left that were ended in the middle; what they were about to replace is put back.

    Args:
        only_replacing: nothing but what is left of programs that had begun to replace something.
    """
    for folder in parent.glob(f"{_PREFIX}*") if existing(parent) else ():
        lock = _lock_of(folder)
        try:
            if not (folder / REPLACED if only_replacing else folder).is_dir():
                continue
            with lock.acquire(timeout=0):
                _put_back(folder / REPLACED, parent)
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, NotImplementedError):
            # Its program lives, or what is to be put back cannot be now, be it that nobody may write or lock there.
            continue
        _forget(lock)


def _put_back(replaced: Path, parent: Path) -> None:
    for path in replaced.glob("*"):
        place = parent / path.name
        try:
            if not place.exists():
                path.replace(place)
        except OSError:
            # Another program may have been faster, and what it put there is newer.
            if not place.exists():
                raise


def _lock_of(folder: Path) -> Any:
    return extra("filelock").FileLock(folder.with_name(f"{folder.name}.lock"))


def _forget(lock: Any) -> None:
    Path(lock.lock_file).unlink(missing_ok=True)
