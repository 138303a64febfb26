"""What the operating system says about files, in a user's words."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import ResourceError
from .language import tr as _
from .unfinished import unfinished

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


def existing(text: str | Path) -> Path | None:
    """What a user's text names, ``~`` included; None where nothing is there, or nothing that this user may look at."""
    try:
        path = Path(text).expanduser()
        return path if str(text) and path.exists() else None
    except (OSError, RuntimeError):  # a name that is too long, a home of nobody
        return None


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
                _("the disk is full."), where=str(path), remedy=_("Free some space or choose another folder.")
            ) from error
        if error.errno in _NO_PERMISSION:
            raise ResourceError(
                _("the folder cannot be written to."), where=str(path.parent), remedy=_("Choose another folder.")
            ) from error
        raise ResourceError(
            _("the file cannot be written: {reason}.").format(reason=error.strerror or error),
            where=str(path),
            remedy=_("Choose another folder."),
        ) from error


@contextmanager
def written_whole(path: Path, place: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write into, hidden beside ``path`` and put in its place at the end; on any error nothing changes.

    Args:
        place: of the hidden file, in the same folder, for who knows of it beyond the end of the process.

    Raises:
        ResourceError: if it cannot be written.
    """
    place = place or path.parent / f".part-{secrets.token_hex(6)}"
    with os_errors_explained(path), unfinished(place):
        path.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as stream:
            yield stream
        place.replace(path)
