"""Files that appear complete or not at all, whatever ends the writing: an error, a full disk or Ctrl-C."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import ResourceError, UsageError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def atomic_path(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes ``path`` when the block ends well.

    The temporary name ends like the real one, for writers that choose the format by it. Missing folders are made.

    Raises:
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if the disk is full, the folder cannot be written, or the block left no file.
    """
    with atomic_paths([path], overwrite=overwrite) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(paths: Sequence[Path], *, overwrite: bool = False) -> Iterator[tuple[Path, ...]]:
    """Several files at once: all of them appear when the block ends well, else none.

    Raises: as :func:`atomic_path`.
    """
    for path in paths:
        if path.exists() and not overwrite:
            raise UsageError(
                "the file is there already.", where=str(path), remedy="Choose another folder or allow overwriting."
            )
    temporaries = tuple(path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}") for path in paths)
    made_folders: list[Path] = []
    committed = False
    try:
        with os_errors_explained(paths[0]):
            made_folders = [made for path in paths for made in _make_folder(path.parent)]
            for temporary in temporaries:
                temporary.touch(exist_ok=False)
            yield temporaries
            for temporary, path in zip(temporaries, paths, strict=True):
                _flush_to_disk(temporary, path)
            for temporary, path in zip(temporaries, paths, strict=True):
                temporary.replace(path)
        committed = True
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
        if not committed:
            _remove_if_empty(made_folders)


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


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder with its parents; those that were made, the deepest first."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_if_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _flush_to_disk(temporary: Path, path: Path) -> None:
    """Raises:
    ResourceError: if the writer left nothing there.
    """
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
        if os.fstat(file.fileno()).st_size == 0:
            raise ResourceError("nothing was written.", where=str(path), remedy="Check the free space of the disk.")
