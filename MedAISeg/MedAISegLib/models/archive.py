"""Archives of models, unpacked so that nothing in them can do harm.

A zip or tar file (plain or gzip) names its files itself. Here each becomes a new plain file below one given folder, or
the archive is refused as a whole; what the archive says of owners, permissions and links is of no account.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..core.disk import os_errors_explained
from ..core.errors import ModelError, ResourceError, UsageError
from ..core.progress import Poll, never
from .archive_entries import Entry, Limits, TooLargeError, tar_entries, zip_entries
from .names import path_problem, readable, same_for_some

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
_OTHERS = (".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".7z", ".rar")
"""Some of them may ask for any amount of memory to be unpacked."""

_PIECE = 2**20
_SPARE_BYTES = 256 * 2**20
_OF_MACOS = ("__MACOSX", ".DS_Store")
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    NotImplementedError,
    ValueError,
    RecursionError,
    MemoryError,
)
"""The last two: tarfile reads one header within another, and a header may ask for any length."""


def is_archive(path: Path) -> bool:
    """True for a file that its name calls an archive; a checkpoint of torch is a zip file too, and is none."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def require_known_kind(name: str, where: str) -> None:
    """Raises UsageError for an archive that is not unpacked here, by its name."""
    kind = next((suffix for suffix in _OTHERS if name.lower().endswith(suffix)), "")
    if kind:
        what = f"archives of the kind {kind} are not unpacked here, only zip, tar and tar.gz."
        raise UsageError(what, where=where, remedy="Unpack it, and install the folder: medaiseg models install FOLDER.")


def without_suffix(name: str) -> str:
    """An archive's name without what makes it one."""
    return next((name[: -len(suffix)] for suffix in reversed(SUFFIXES) if name.lower().endswith(suffix)), name)


def unpack_archive(source: Path, folder: Path, *, limits: Limits | None = None, poll: Poll = never) -> Path:
    """Write an archive's files below an empty folder.

    Returns:
        The folder of the model: the one that holds everything else in the archive, where there is such, or ``folder``.

    Raises:
        ModelError: if the archive is damaged or too large, or has a path, link or device that a model must not have;
            what was written until then lies in ``folder``.
        ResourceError: if there is no room on the disk, or it cannot be written.
        Cancelled: if ``poll`` raises it.
    """
    limits = limits or Limits()
    try:
        with _explained(source), _entries(source, limits) as entries:
            _write_all(entries, source, folder, limits, poll)
    except TooLargeError as error:
        raise ModelError(
            f"{error}; it is refused, since such archives are made to fill a disk.", where=str(source)
        ) from error
    inside = list(folder.iterdir())
    if not inside:
        raise ModelError("the archive is empty.", where=str(source))
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _write_all(entries: Iterator[Entry], source: Path, folder: Path, limits: Limits, poll: Poll) -> None:
    written, kinds = 0, dict[str, bool]()
    most = max(limits.harmless_bytes, limits.ratio * source.stat().st_size)
    for entry in entries:
        poll()
        if any(part in _OF_MACOS for part in entry.name.split("/")):
            continue
        _require_plain(entry, source)
        _require_new(entry, kinds, source)
        if len(kinds) > limits.files:
            raise TooLargeError(f"the archive has more than {limits.files} files and folders")
        target = folder.joinpath(*entry.name.removesuffix("/").split("/"))
        if entry.is_folder:
            with os_errors_explained(target):
                target.mkdir(parents=True, exist_ok=True)
            continue
        if entry.size > limits.total_bytes - written:
            raise TooLargeError(f"the archive holds more than {limits.total_bytes / 2**30:.0f} GB")
        _require_room(folder, entry.size)
        room = min(limits.total_bytes, most) - written
        with entry.open() as stream:
            written += _write(stream, target, room, poll)


def _write(stream: IO[bytes], target: Path, room: int, poll: Poll) -> int:
    """Copy as much as there is, whatever the archive said of it, but no more than ``room`` bytes."""
    with os_errors_explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        output = target.open("xb")
    written = 0
    with output:
        while piece := stream.read(_PIECE):
            poll()
            written += len(piece)
            if written > room:
                raise TooLargeError("the archive grows far beyond its own size")
            with os_errors_explained(target):
                output.write(piece)
    return written


def _require_plain(entry: Entry, source: Path) -> None:
    problem = path_problem(entry.name)
    if problem:
        raise ModelError(f"the archive has a file named {readable(entry.name)!r}: {problem}.", where=str(source))
    if entry.problem:
        raise ModelError(f"the archive cannot be used: {readable(entry.name)!r} {entry.problem}.", where=str(source))


def _require_new(entry: Entry, kinds: dict[str, bool], source: Path) -> None:
    """``kinds`` holds, for each path so far, whether it is a folder."""
    parts = entry.name.removesuffix("/").split("/")
    paths = [same_for_some("/".join(parts[: n + 1])) for n in range(len(parts))]
    known = kinds.get(paths[-1])
    if (known is not None and not (known and entry.is_folder)) or any(kinds.get(path) is False for path in paths[:-1]):
        raise ModelError(
            f"the archive has two files of the name {readable(entry.name)!r}, or that differ in capitals only.",
            where=str(source),
        )
    kinds.update(dict.fromkeys(paths[:-1], True))
    kinds[paths[-1]] = entry.is_folder


def _require_room(folder: Path, wanted: int) -> None:
    if shutil.disk_usage(folder).free < wanted + _SPARE_BYTES:
        raise ResourceError(
            f"there is no room for the model, which needs {wanted / 1e6:.0f} MB more.",
            where=str(folder),
            remedy="Free some space, or set MEDAISEG_HOME to a folder on another disk.",
        )


@contextmanager
def _entries(source: Path, limits: Limits) -> Iterator[Iterator[Entry]]:
    with source.open("rb") as file:
        if source.name.lower().endswith(".zip"):
            with zip_entries(file, limits) as entries:
                yield entries
        else:
            with tar_entries(file, limits) as entries:
                yield entries


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ModelError("the archive is damaged.", where=str(source), remedy="Download it again.") from error
    except OSError as error:
        raise ModelError(f"the archive cannot be read: {error.strerror or error}.", where=str(source)) from error
