"""Whether a file that VTK wrote is whole: its writers report success although the disk was full."""

from __future__ import annotations

import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import IO

_BYTES = {
    "uchar": 1, "unsigned char": 1, "uint8": 1, "uint8_t": 1, "signed char": 1, "int8": 1, "int8_t": 1,
    "short": 2, "int16": 2, "int16_t": 2, "ushort": 2, "unsigned short": 2, "uint16": 2, "uint16_t": 2,
    "int": 4, "int32": 4, "int32_t": 4, "uint": 4, "unsigned int": 4, "uint32": 4, "uint32_t": 4,
    "longlong": 8, "long long": 8, "int64": 8, "int64_t": 8, "uint64": 8, "uint64_t": 8, "float": 4, "double": 8,
}  # fmt: skip
"""Bytes of the types of a NRRD file, under the names that the format knows (NRRD 1.3)."""

_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 2**20


def nrrd_is_complete(file: IO[bytes]) -> bool:
    """Whether a NRRD file with attached data holds as many bytes as its header promises."""
    fields: dict[str, str] = {}
    while (line := file.readline().strip()) != b"":
        key, separator, value = line.decode("utf-8", "replace").partition(": ")
        if separator:
            fields[key] = value.strip()
    if "sizes" not in fields or fields.get("type") not in _BYTES:
        return False
    expected = prod(int(size) for size in fields["sizes"].split()) * _BYTES[fields["type"]]
    try:
        return _data_bytes(file, compressed=fields.get("encoding") in ("gzip", "gz")) == expected
    except zlib.error:
        return False


def bundle_is_complete(path: Path) -> bool:
    """Whether a zip archive is sound, and so is every NRRD file in it."""
    try:
        with zipfile.ZipFile(path) as bundle:
            if bundle.testzip() is not None:
                return False
            for name in bundle.namelist():
                if name.endswith(".nrrd"):
                    with bundle.open(name) as member:
                        if not nrrd_is_complete(member):
                            return False
    except zipfile.BadZipFile:
        return False
    return True


def stl_is_complete(path: Path, triangles: int) -> bool:
    """Whether a binary STL file holds that many triangles: 80 bytes, a number, 50 bytes each."""
    return path.stat().st_size == 84 + 50 * triangles


def obj_is_complete(path: Path, triangles: int) -> bool:
    """Whether an OBJ file holds that many faces and ends with a line."""
    with path.open("rb") as file:
        last, faces = b"\n", 0
        for line in file:
            faces += line.startswith(b"f ")
            last = line
    return faces == triangles and last.endswith(b"\n")


def _data_bytes(file: IO[bytes], *, compressed: bool) -> int:
    """How many bytes follow, after decompression; raises zlib.error where the checksum is wrong."""
    total = 0
    decoder = zlib.decompressobj(_GZIP) if compressed else None
    while chunk := file.read(_CHUNK):
        total += len(decoder.decompress(chunk)) if decoder else len(chunk)
    return -1 if decoder and not decoder.eof else total
