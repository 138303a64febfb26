"""What an archive says it holds, without trusting it: bounded before it is in memory."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, cast

from .zip_listing import TooManyFilesError, require_few_files


@dataclass(frozen=True)
class Limits:
    """How large an archive may become.

    Attributes:
        ratio: unpacked to packed; weights hardly shrink, texts to a tenth.
        harmless_bytes: unpacked, below which the ratio is of no account.
    """

    files: int = 20_000
    total_bytes: int = 50 * 2**30
    ratio: int = 100
    harmless_bytes: int = 100 * 2**20


@dataclass(frozen=True)
class Entry:
    """A file or folder of an archive. ``problem`` says why it must not be there, as the end of a sentence."""

    name: str
    is_folder: bool
    size: int
    open: Callable[[], IO[bytes]]
    problem: str = ""


class TooLargeError(Exception):
    """Says which limit an archive exceeds."""


def _too_many(limits: Limits) -> str:
    return f"the archive has more than {limits.files} files"


_PIECE = 2**16
_HEADERS_AT_ONCE = 2**21
_HEADER_BYTES_A_FILE = 4096
"""Of a tar file; half of that where names are long and times exact."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def zip_entries(file: IO[bytes], limits: Limits) -> Iterator[Iterator[Entry]]:
    """The entries of a zip file.

    Raises:
        TooLargeError: if its list of files alone is too long, or too large.
        zipfile.BadZipFile: if it is none.
    """
    try:
        require_few_files(file, limits.files)
    except TooManyFilesError as error:
        raise TooLargeError(_too_many(limits)) from error
    with zipfile.ZipFile(file) as archive:
        yield (_zip_entry(archive, info) for info in archive.infolist())


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    kind = stat.S_IFMT(info.external_attr >> 16)
    problem = ""
    if kind == stat.S_IFLNK:
        problem = "is a link"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        problem = "is no plain file"
    elif info.flag_bits & 0x1:
        problem = "is encrypted"
    elif info.compress_type not in _METHODS:
        problem = "is compressed in an unusual way"
    # The name as it stands in the archive: zipfile itself cuts it at a NUL.
    return Entry(info.orig_filename, info.is_dir(), info.file_size, lambda: archive.open(info), problem)


@contextmanager
def tar_entries(file: IO[bytes], limits: Limits) -> Iterator[Iterator[Entry]]:
    """The entries of a tar file, plain or gzip.

    Raises:
        TooLargeError: while they are read, if it becomes too large.
        tarfile.TarError: if it is none.
    """
    packed_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    is_gzip = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    most = min(limits.total_bytes, max(limits.harmless_bytes, limits.ratio * packed_bytes)) + _HEADERS_AT_ONCE
    plain = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if is_gzip else file
    with (
        closing(_Bounded(plain, most, limits.files * _HEADER_BYTES_A_FILE)) as bounded,
        tarfile.open(fileobj=bounded, mode="r:") as archive,
    ):
        yield _tar_members(archive, bounded, limits)


def _tar_members(archive: tarfile.TarFile, bounded: _Bounded, limits: Limits) -> Iterator[Entry]:
    for count in itertools.count():
        bounded.reads_headers = True
        member = archive.next()
        if member is None:
            bounded.read_to_end()
            return
        if count == limits.files:
            raise TooLargeError(_too_many(limits))
        # What tarfile remembers of each it does not need again.
        archive.members.clear()  # type: ignore[attr-defined]
        bounded.reads_headers = False
        entry = _tar_entry(archive, member)
        if entry.name not in {"", "."}:
            yield entry


def _tar_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    problem = ""
    if member.issym() or member.islnk():
        problem = "is a link"
    elif not (member.isreg() or member.isdir()) or member.issparse():
        problem = "is no plain file"

    def opened() -> IO[bytes]:
        return cast("IO[bytes]", archive.extractfile(member))

    return Entry(member.name.removeprefix("./"), member.isdir(), member.size, opened, problem)


class _Bounded(io.RawIOBase):
    """A stream that gives no more than so much, and never much at once: a tar header can ask for any length.

    It is read from its beginning to its end: going back, as sizes below 0 have it, could go on for ever.

    Attributes:
        reads_headers: what is read counts as headers, of which there may be so many bytes.
    """

    def __init__(self, stream: IO[bytes], most: int, header_bytes: int) -> None:
        self._stream, self._most, self._header_bytes = stream, most, header_bytes
        self.reads_headers = True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADERS_AT_ONCE:
            raise tarfile.ReadError("a header is too large")
        self._require_within(self._stream.tell() + size)
        if self.reads_headers:
            self._header_bytes -= size
            if self._header_bytes < 0:
                raise TooLargeError("the archive says far more of its files than their names")
        return self._stream.read(size)

    def read_to_end(self) -> None:
        """Only there gzip tells whether all that came before is what was packed."""
        self.reads_headers = False
        while self.read(_PIECE):
            pass

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or offset < self._stream.tell():
            raise tarfile.ReadError("its files do not follow each other")
        self._require_within(offset)
        return self._stream.seek(offset)

    def tell(self) -> int:
        return self._stream.tell()

    def _require_within(self, position: int) -> None:
        if position > self._most:
            raise TooLargeError("the archive grows far beyond its own size")
