"""The private folder of the worker's packages: one for each Python, swapped in whole, and gone with one call.

::

    packages/cp312-linux_x86_64/current      names the folder in use
    packages/cp312-linux_x86_64/k3x9a2/      the packages
    packages/cp312-linux_x86_64/part-…/      an installation on its way

A worker that runs holds files of its folder open, and Windows renames no folder whose files are open. So it is not a
folder that is swapped, but the line that names it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distributions
from pathlib import Path

from ..core.data_home import data_home
from ..core.errors import ResourceError
from ..core.language import tr as _
from .pump import Pieces

_CURRENT = "current"
_PART = "part-"
_ABANDONED_S = 24 * 3600.0
"""After so long an installation on its way is one whose process is gone."""
_FILES_IN_A_PIECE = 50


def packages_home(home: Path | None = None) -> Path:
    """The folder of all private packages, below the program's data folder."""
    return (home or data_home()) / "packages"


def packages_folder(tag: str, home: Path | None = None) -> Path | None:
    """The packages of a Python, None where none are installed."""
    place = packages_home(home) / tag
    try:
        name = (place / _CURRENT).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = place / name
    return folder if name.isalnum() and folder.is_dir() else None


def versions_in(folder: Path) -> dict[str, str]:
    """The packages of a folder, name (as installed, in lower case) to version."""
    found = {item.metadata["Name"]: item.version for item in distributions(path=[str(folder)])}
    return {name.lower(): version for name, version in found.items() if name}


@contextmanager
def new_part(tag: str, home: Path | None = None) -> Iterator[Path]:
    """An empty folder beside the one in use; whatever is left in it at the end is removed.

    Raises:
        ResourceError: if it cannot be made.
    """
    with _told_of(packages_home(home)):
        place = packages_home(home) / tag
        place.mkdir(parents=True, exist_ok=True)
        part = place / f"{_PART}{secrets.token_hex(4)}"
        part.mkdir(mode=0o700)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def put_in_use(packages: Path, tag: str, home: Path | None = None) -> Path:
    """Give a finished folder its place and make it the one in use, in one step; its new path.

    Raises:
        ResourceError: if that cannot be done; the one in use then stays.
    """
    place = packages_home(home) / tag
    with _told_of(place):
        folder = place / f"{secrets.randbelow(36**6):x}"
        packages.rename(folder)
        line = place / f"{_PART}{folder.name}.txt"
        try:
            line.write_text(folder.name, encoding="ascii")
            line.replace(place / _CURRENT)
        except OSError:
            with suppress(OSError):
                line.unlink()
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return folder


def sweep(tag: str, home: Path | None = None) -> Pieces[None]:
    """Delete what is no longer in use; files that a worker still holds open stay until the next time."""
    place = packages_home(home) / tag
    current = packages_folder(tag, home)
    for entry in _entries(place):
        abandoned = not entry.name.startswith(_PART) or time.time() - _changed_s(entry) > _ABANDONED_S
        if entry != current and entry.name != _CURRENT and abandoned:
            yield from _delete(entry)


def remove_packages(home: Path | None = None) -> Pieces[None]:
    """Delete the private packages of all Pythons. The worker has to be stopped first.

    Raises:
        ResourceError: if something is left; what is in use no longer counts as installed all the same.
    """
    root = packages_home(home)
    for current in root.glob(f"*/{_CURRENT}"):
        with _told_of(current):
            current.unlink(missing_ok=True)
    yield from _delete(root)
    if root.exists():
        raise ResourceError(
            _("not all files could be deleted; some are in use."),
            where=str(root),
            remedy=_("Stop the worker, close other windows of Slicer, and remove again, or delete the folder."),
        )


def size_bytes(home: Path | None = None) -> Pieces[int]:
    """What the private packages of all Pythons take on the disk."""
    total = 0
    for count, path in enumerate(packages_home(home).rglob("*")):
        with suppress(OSError):
            total += path.lstat().st_size
        if count % _FILES_IN_A_PIECE == 0:
            yield None
    return total


def _delete(tree: Path) -> Pieces[None]:
    """A file or a folder with all in it, some files at a time; what cannot be deleted stays."""
    if not tree.is_dir() or tree.is_symlink():
        with suppress(OSError):
            tree.unlink(missing_ok=True)
        return
    count = 0
    for folder, subfolders, files in os.walk(tree, topdown=False):
        for name in files:
            with suppress(OSError):
                Path(folder, name).unlink()
            count += 1
            if count % _FILES_IN_A_PIECE == 0:
                yield None
        for name in subfolders:
            _remove_folder(Path(folder, name))
    _remove_folder(tree)


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):
        if folder.is_symlink():
            folder.unlink()
        else:
            folder.rmdir()


def _entries(place: Path) -> list[Path]:
    return sorted(place.iterdir()) if place.is_dir() else []


def _changed_s(entry: Path) -> float:
    with suppress(OSError):
        return entry.stat().st_mtime
    return time.time()


@contextmanager
def _told_of(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceError(
            _("the folder for packages cannot be written: {reason}.").format(reason=error.strerror or error),
            where=str(place),
            remedy=_("Check permissions and free space, or set MEDAISEG_HOME to another folder."),
        ) from error
