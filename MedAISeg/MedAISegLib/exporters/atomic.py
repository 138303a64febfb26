"""Files that appear complete or not at all, whatever ends the writing: an error, a full disk or Ctrl-C."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.disk import os_errors_explained
from ..core.errors import ResourceError, UsageError
from ..core.language import tr as _


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
                _("the file is there already."),
                where=str(path),
                remedy=_("Choose another folder or allow overwriting."),
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
            _("nothing could be written."), where=str(path), remedy=_("Check the free space and choose another folder.")
        )
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
