"""What an archive says it holds, without trusting it: bounded before it is in memory."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, cast


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


_LISTING_PER_FILE = 1024
_HEADERS_AT_ONCE = 2**21
_END_BYTES, _LOCATOR_BYTES, _RECORD_BYTES = 22, 20, 56
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextmanager
def zip_entries(file: IO[bytes], limits: Limits) -> Iterator[Iterator[Entry]]:
    """The entries of a zip file.

    Raises:
        TooLargeError: if its list of files alone is too long, or too large.
        zipfile.BadZipFile: if it is none.
    """
    count, listing_bytes = _zip_listing(file)
    if count > limits.files or listing_bytes > limits.files * _LISTING_PER_FILE:
        raise TooLargeError(f"the archive has more than {limits.files} files")
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


def _zip_listing(file: IO[bytes]) -> tuple[int, int]:
    """Number of files and bytes of the directory (APPNOTE 4.3.14 to 4.3.16), before anybody reads that into memory."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_BYTES - 65535)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END_BYTES:
        raise zipfile.BadZipFile("no end of a zip file")
    count, listing_bytes = struct.unpack_from("<HI", tail, end + 10)
    large = _zip64_listing(file, start + end - _LOCATOR_BYTES)
    file.seek(0)
    return large or (int(count), int(listing_bytes))


def _zip64_listing(file: IO[bytes], locator: int) -> tuple[int, int] | None:
    """The same of a large archive, where there is a locator at that place; zipfile reads what lies just before it."""
    if locator < 0:
        return None
    file.seek(locator)
    sign, record = struct.unpack("<4s4xQ", file.read(16))
    if sign != b"PK\x06\x07":
        return None
    if record != locator - _RECORD_BYTES:
        raise zipfile.BadZipFile("its size is not written where it is said to be")
    file.seek(record)
    sign, count, listing_bytes = struct.unpack("<4s28xQQ", file.read(48))
    if sign != b"PK\x06\x06":
        raise zipfile.BadZipFile("its size is not written where it is said to be")
    return int(count), int(listing_bytes)


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
    with closing(_Bounded(plain, most)) as bounded, tarfile.open(fileobj=bounded, mode="r:") as archive:
        yield _tar_members(archive)


def _tar_members(archive: tarfile.TarFile) -> Iterator[Entry]:
    while (member := archive.next()) is not None:
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
    """A stream that gives no more than so much, and never much at once: a tar header can ask for any length."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADERS_AT_ONCE:
            raise tarfile.ReadError("a header is too large")
        self._require_within(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            self._require_within(offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _require_within(self, position: int) -> None:
        if position > self._most:
            raise TooLargeError("the archive grows far beyond its own size")
