"""The output folder: checked before the run, filled in one go at its end, untouched when anything goes wrong."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import ResourceError, UsageError
from ..models.staging import staged_in
from .interrupts import Interrupts

_ANOTHER = "Choose another folder with --output."


def check_output(folder: Path, names: Iterable[str], *, overwrite: bool) -> None:
    """Fail before the run rather than after it.

    Args:
        folder: where the run's files will go; it need not exist yet.
        names: of those files.
        overwrite: whether files that are there already may be replaced.

    Raises:
        UsageError: if one of the files is there already and may not be replaced.
        ResourceError: if the folder cannot be written.
    """
    there = sorted(name for name in names if (folder / name).exists())
    if there and not overwrite:
        raise UsageError(
            f"already holds {', '.join(there)}.",
            where=str(folder),
            remedy="Choose another folder, or give --overwrite.",
        )
    if folder.is_symlink() and not folder.exists():
        raise ResourceError("is a link to a folder that is not there.", where=str(folder), remedy=_ANOTHER)
    with disk_errors_explained(folder), staged_in(_existing(folder)) as staging:
        staging.mkdir()


@contextmanager
def filled(folder: Path, interrupts: Interrupts, *, replaced: Iterable[str] = ()) -> Iterator[Path]:
    """A new folder to write into; its entries move into place when the block ends well, else they are gone.

    Entries of the same name in the output folder are replaced, so ``check_output`` comes first.

    Args:
        folder: the output folder.
        interrupts: hold signals back while files are moved; with that the command is settled.
        replaced: names of files that go also where nothing new of that name was written, such as the surface of a
            segment that is empty now.

    Raises:
        ResourceError: if the disk is full or the folder cannot be written.
        Cancelled: if the user stopped the run before the files were moved.
    """
    with interrupts.deferred(), disk_errors_explained(folder), staged_in(_existing(folder)) as staging:
        staging.mkdir()
        with interrupts.allowed():
            yield staging
        interrupts.cancel.raise_if_cancelled()
        interrupts.settle()
        for name in replaced:
            if not (staging / name).exists():
                (folder / name).unlink(missing_ok=True)
        _move_into_place(staging, folder)


@contextmanager
def disk_errors_explained(folder: Path) -> Iterator[None]:
    """Turn what the operating system says about the disk into words.

    Raises:
        ResourceError: for any OSError within.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what, remedy = "the disk is full.", "Free some space, or choose another folder with --output."
        elif error.errno in (errno.EEXIST, errno.ENOTDIR):
            what, remedy = "a file is in the place of this folder.", _ANOTHER
        else:
            what, remedy = f"cannot be written ({error.strerror or error}).", _ANOTHER
        raise ResourceError(what, where=str(folder), remedy=remedy) from error


def _existing(folder: Path) -> Path:
    """On the output's file system: the output itself, or the nearest folder above that exists."""
    above = folder.absolute()
    while not above.exists():
        above = above.parent
    return above


def _move_into_place(staging: Path, folder: Path) -> None:
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging.rename(folder)
        return
    for entry in sorted(staging.iterdir()):
        target = folder / entry.name
        if entry.is_dir() and target.exists():
            shutil.rmtree(target)
        entry.replace(target)
