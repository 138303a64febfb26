"""A model's identity: the SHA-256 of its files, so that a result can be traced to the exact model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import ModelError

_Stamp = tuple[tuple[str, int, int], ...]
_known: dict[tuple[Path, _Stamp], str] = {}


def folder_sha256(folder: Path, parts: Iterable[str]) -> str:
    """Of the names and contents of a folder's files, in the order of their names.

    Args:
        parts: files or folders below it that count; those that are absent do not.

    Raises:
        ModelError: if a file cannot be read.
    """
    files = sorted(_files(folder, parts), key=lambda file: file.relative_to(folder).as_posix())
    stamp = tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    key = (folder.resolve(), stamp)
    if key not in _known:
        _known[key] = _digest(folder, files)
    return _known[key]


def _files(folder: Path, parts: Iterable[str]) -> set[Path]:
    found: set[Path] = set()
    for part in parts:
        path = folder / part
        candidates = path.rglob("*") if path.is_dir() else (path,)
        found.update(file for file in candidates if file.is_file() and "__pycache__" not in file.parts)
    return found


def _digest(folder: Path, files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"it cannot be read: {error.strerror}.", where=str(file)) from error
        total.update(f"{file.relative_to(folder).as_posix()}\n{content}\n".encode(errors="surrogatepass"))
    return total.hexdigest()
