"""Zip files whose list of files is bounded before it is read: each of millions takes a hundred bytes of it."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MOST_RECORDS = 50_000
"""Of a network in torch, one for each tensor: the largest have 2,000, and with the state of their training 6,000."""

_BYTES_A_FILE = 256
_END_BYTES, _LOCATOR_BYTES, _RECORD_BYTES, _ENTRY_BYTES = 22, 20, 56, 46
_LENGTHS_AT = 28


class TooManyFilesError(zipfile.BadZipFile):
    """Says how many there may be."""


@contextmanager
def opened_zip(path: Path, most: int = MOST_RECORDS) -> Iterator[zipfile.ZipFile]:
    """A zip file for reading.

    Raises:
        TooManyFilesError: if it has more than ``most`` files, or they have endless names.
        zipfile.BadZipFile: if it is none.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        require_few_files(file, most)
        with zipfile.ZipFile(file) as archive:
            yield archive


def require_few_files(file: IO[bytes], most: int) -> None:
    """Look at the list of files (APPNOTE 4.3.12 to 4.3.16) at the place where zipfile does, before zipfile does.

    Raises:
        TooManyFilesError: if it tells of more than ``most`` files, or is too large for so many.
        zipfile.BadZipFile: if it is no zip file.
    """
    count, listing_bytes, end = _announced(file)
    # The number that is announced need not be true: zipfile goes by the size.
    if max(count, listing_bytes // _BYTES_A_FILE) > most or _counted(file, end, listing_bytes, most) > most:
        raise TooManyFilesError(f"it has more than {most} files")
    file.seek(0)


def _counted(file: IO[bytes], end: int, listing_bytes: int, most: int) -> int:
    if listing_bytes > end:
        raise zipfile.BadZipFile("its list of files is cut off")
    file.seek(end - listing_bytes)
    listing = file.read(listing_bytes)
    place = count = 0
    while place + _ENTRY_BYTES <= len(listing) and count <= most:
        place += _ENTRY_BYTES + sum(struct.unpack_from("<3H", listing, place + _LENGTHS_AT))
        count += 1
    return count


def _announced(file: IO[bytes]) -> tuple[int, int, int]:
    """Number of files, bytes of the list of them, and where that ends."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _END_BYTES - 65535)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) - end < _END_BYTES:
        raise zipfile.BadZipFile("no end of a zip file")
    count, listing_bytes = struct.unpack_from("<HI", tail, end + 10)
    return _announced_by_large(file, start + end - _LOCATOR_BYTES) or (int(count), int(listing_bytes), start + end)


def _announced_by_large(file: IO[bytes], locator: int) -> tuple[int, int, int] | None:
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
    return int(count), int(listing_bytes), record
