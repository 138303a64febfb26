"""What is there of a file that is on its way, and of which version; a later try goes on with it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path

from ..core.disk import os_errors_explained
from .transfer_failures import TryAgainError


@dataclass(frozen=True)
class Version:
    """Of which version of a publisher's file something is a part.

    Attributes:
        validator: the strong ETag, or else the Last-Modified that the server gives; empty where it gives neither.
        total_bytes: of the whole; 0 where the server does not say.
    """

    validator: str = ""
    total_bytes: int = 0

    def may_be_of(self, kept: Version) -> bool:
        """Whether a further part of this version fits to what is kept."""
        same = self.validator in ("", kept.validator)
        return same and kept.total_bytes in (0, self.total_bytes)


def usable_validator(text: str) -> str:
    """A validator that can be sent back; empty for any other."""
    return text if text.isascii() and text.isprintable() else ""


class PartialFile:
    """One try's hold of a partial file: until it is stopped only this try writes, and never afterwards.

    Args:
        path: of the file; its version lies beside it, as ``{name}.json``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version_path = path.with_name(f"{path.name}.json")
        self._lock = threading.Lock()
        self._stopped = False
        self._output: FileIO | None = None

    def size_bytes(self) -> int:
        """0 also for a link, which is no part of anything."""
        return 0 if self.path.is_symlink() or not self.path.is_file() else self.path.stat().st_size

    def version(self) -> Version:
        """Of what is there, as far as it is known."""
        try:
            said = json.loads(self._version_path.read_text(encoding="utf-8"))
            return Version(usable_validator(str(said["validator"])), int(said.get("total_bytes", 0)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Version()

    def begin(self, version: Version) -> None:
        """Start anew, with a version's first byte."""
        with self._held():
            self._remove()
            with _opened(self._version_path, os.O_CREAT | os.O_EXCL) as said:
                said.write(json.dumps(asdict(version)).encode())
            self._output = _opened(self.path, os.O_CREAT | os.O_EXCL)

    def go_on(self) -> None:
        """Write behind what is there."""
        with self._held():
            self._output = _opened(self.path, os.O_APPEND)

    def write(self, piece: bytes) -> None:
        """Only after :meth:`begin` or :meth:`go_on`."""
        rest = memoryview(piece)
        with self._held():
            while rest and self._output is not None:
                rest = rest[self._output.write(rest) :]

    def discard(self) -> None:
        """Of what is there nothing can be used."""
        with self._held():
            self._close()
            self._remove()

    def stop(self) -> None:
        """From now on the file belongs to the next try."""
        with self._lock:
            self._stopped = True
            self._close()

    def forget_version(self) -> None:
        """It is whole."""
        self._version_path.unlink(missing_ok=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        with self._lock, os_errors_explained(self.path):
            if self._stopped:
                raise TryAgainError("it was stopped")
            yield

    def _close(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)


def _opened(path: Path, flags: int) -> FileIO:
    """For writing; never what a link that somebody has laid there leads to."""
    flags |= os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return FileIO(os.open(path, flags, 0o666), "ab" if flags & os.O_APPEND else "wb")
