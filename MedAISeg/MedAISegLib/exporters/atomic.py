"""Files that appear complete or not at all, whatever ends the writing: an error, a full disk or Ctrl-C."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import ResourceError, UsageError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def atomic_path(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A place to write to that becomes ``path`` when the block ends well.

    It has the real file's name, since writers choose a format by it and some put it into the file, and lies in a hidden
    folder beside, since only a move within one file system is atomic. Missing folders are made.

    Raises:
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if the disk is full, the folder cannot be written, or the block left no file.
    """
    with atomic_paths([path], overwrite=overwrite) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(paths: Sequence[Path], *, overwrite: bool = False) -> Iterator[tuple[Path, ...]]:
    """Several files of one folder at once: all of them appear when the block ends well, else none.

    Raises: as :func:`atomic_path`.
    """
    for path in paths:
        if path.exists() and not overwrite:
            raise UsageError(
                "the file is there already.", where=str(path), remedy="Choose another folder or allow overwriting."
            )
    folder = paths[0].parent
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    scratch: Path | None = None
    committed = False
    try:
        with os_errors_explained(paths[0]):
            folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
            yield tuple(scratch / path.name for path in paths)
            for path in paths:
                _flush_to_disk(scratch / path.name, path)
            for path in paths:
                (scratch / path.name).replace(path)
        committed = True
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        if not committed:
            _remove_if_empty(missing)


@contextmanager
def os_errors_explained(path: Path) -> Iterator[None]:
    """Turns the operating system's errors about a file into what a user can act on.

    Raises:
        ResourceError: in place of any OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise ResourceError(
                "the disk is full.", where=str(path), remedy="Free some space or choose another folder."
            ) from error
        if error.errno in _NO_PERMISSION:
            raise ResourceError(
                "the folder cannot be written to.", where=str(path.parent), remedy="Choose another folder."
            ) from error
        raise ResourceError(
            f"the file cannot be written: {error.strerror or error}.",
            where=str(path),
            remedy="Choose another folder.",
        ) from error


def _remove_if_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _flush_to_disk(temporary: Path, path: Path) -> None:
    """Raises:
    ResourceError: if the writer left nothing there.
    """
    if not temporary.is_file() or temporary.stat().st_size == 0:
        raise ResourceError(
            "nothing could be written.", where=str(path), remedy="Check the free space and choose another folder."
        )
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
