"""Voxels between Slicer's process and the worker: raw arrays in private folders, mapped into memory, never pickled.

A folder tree belongs to one process, which holds a lock as long as it lives; whoever comes later removes what a killed
process has left.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..core.disk import os_errors_explained
from ..core.errors import ResourceError
from ..core.language import tr as _
from ..core.progress import Poll, never
from ..core.segmentation import Segmentation
from ..core.volume import Volume
from .protocol import ArrayFile, SegmentationRecord, VolumeRecord

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_PREFIX = "MedAISeg-"
_OWNER = "owner"
_YOUNG_S = 24 * 3600.0
_LOCKED_BYTE = 1 << 20
_PIECE_BYTES = 8 << 20
_ZEROS = bytes(1 << 20)


class Exchange:
    """Private folders (mode 0700) of this process, all of them gone after :meth:`close`."""

    def __init__(self, root: Path | None = None) -> None:
        """Makes nothing yet; ``root`` is the system's folder for temporary files where it is None."""
        self._root = root or Path(tempfile.gettempdir())
        self._home: Path | None = None
        self._lock: int | None = None

    def new_folder(self) -> Path:
        """An empty folder.

        Raises:
            ResourceError: if it cannot be made.
        """
        with os_errors_explained(self._root):
            if self._home is None:
                self._root.mkdir(parents=True, exist_ok=True)
                self._home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
                self._lock = _own(self._home / _OWNER)
            return Path(tempfile.mkdtemp(prefix="request-", dir=self._home))

    def remove(self, folder: Path) -> None:
        """Delete a folder of this exchange with all that is in it; what is mapped on Windows goes with the rest."""
        if self._home is None or folder.parent != self._home:
            raise ValueError("it is no folder of this exchange")
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Delete everything; the exchange can be used again."""
        home, self._home = self._home, None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)

    @staticmethod
    def sweep(root: Path | None = None) -> int:
        """Delete what dead processes of this user have left below a root; returns how many trees that were."""
        swept = 0
        for home in (root or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if _is_abandoned(home):
                    shutil.rmtree(home, ignore_errors=True)
                    swept += 1
        return swept


Created = tuple[ArrayFile, "np.memmap[Any, Any]"]


def create_array(folder: Path, name: str, dtype: np.dtype[Any] | type, shape: tuple[int, ...]) -> Created:
    """As :func:`create_array_in_pieces`, in one go."""
    pieces = create_array_in_pieces(folder, name, dtype, shape)
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return cast("Created", end.value)


def create_array_in_pieces(
    folder: Path, name: str, dtype: np.dtype[Any] | type, shape: tuple[int, ...]
) -> Generator[None, None, Created]:
    """A new array of zeros in a file, to be filled piece by piece through the mapping; yields after some milliseconds.

    The disk space is taken before the file is mapped: a write to a mapping that meets a full disk would kill the
    process.

    Raises:
        ResourceError: if the disk is full or the folder cannot be written.
    """
    record = ArrayFile(name, np.dtype(dtype).str, tuple(int(n) for n in shape))
    path = _path(folder, record)
    with os_errors_explained(path):
        with path.open("xb") as file:
            yield from _taken_space(file.fileno(), folder, _bytes(record))
        return record, np.memmap(path, dtype=record.dtype, mode="r+", shape=record.shape)


def open_array(folder: Path, record: ArrayFile) -> np.memmap[Any, Any]:
    """The array of a record, read-only.

    Raises:
        ResourceError: if the file is gone or is not what the record says.
    """
    path = _path(folder, record)
    with os_errors_explained(path):
        if path.stat().st_size != _bytes(record):
            raise ResourceError(_("the file of exchanged voxels has the wrong size."), where=str(path))
        return np.memmap(path, dtype=record.dtype, mode="r", shape=record.shape)


def release(array: np.memmap[Any, Any]) -> None:
    """Unmap the file, which Windows cannot delete otherwise; neither the array nor a view of it may be used again."""
    mapping: Any = getattr(array, "_mmap", None)
    if mapping is not None:
        mapping.close()


def record_array(folder: Path, name: str, array: NDArray[Any], poll: Poll = never) -> ArrayFile:
    """Write an array into a new file, slice by slice of its first axis (of its second, where the first is of layers).

    Raises:
        ResourceError: if the disk is full or the folder cannot be written.
    """
    record, mapped = create_array(folder, name, array.dtype, array.shape)
    for index in np.ndindex(array.shape[:-2]):
        mapped[index] = array[index]
        poll()
    return record


def volume_of(folder: Path, record: VolumeRecord) -> Volume:
    """The volume of a record, its voxels mapped read-only.

    Raises:
        ResourceError: if its file is gone or damaged.
    """
    return Volume(
        voxels=np.asarray(open_array(folder, record.voxels)),
        geometry=record.geometry,
        modality=record.modality,
        description=record.description,
        series=record.series,
        attributes=record.attributes,
        notices=record.notices,
    )


def segmentation_of(folder: Path, record: SegmentationRecord) -> Segmentation:
    """The segmentation of a record, its layers mapped read-only.

    Raises:
        ResourceError: if its file is gone or damaged.
    """
    layers = np.asarray(open_array(folder, record.layers))
    return Segmentation(layers, record.geometry, record.segments, record.series, record.node)


def record_segmentation(folder: Path, name: str, segmentation: Segmentation, poll: Poll = never) -> SegmentationRecord:
    """Write a segmentation's layers into a new file of the folder.

    Raises:
        ResourceError: if the disk is full or the folder cannot be written.
    """
    layers = record_array(folder, name, segmentation.layers, poll)
    return SegmentationRecord(
        layers, segmentation.geometry, segmentation.segments, segmentation.series, segmentation.node
    )


def _path(folder: Path, record: ArrayFile) -> Path:
    if Path(record.name).name != record.name or np.dtype(record.dtype).kind not in "biuf":
        raise ValueError(f"{record.name!r} of {record.dtype} cannot be exchanged")
    return folder / record.name


def _bytes(record: ArrayFile) -> int:
    return int(np.prod(record.shape, dtype=np.int64)) * np.dtype(record.dtype).itemsize


def _taken_space(file: int, folder: Path, size: int) -> Generator[None, None, None]:
    """Raises OSError where the disk has less."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    for start in range(0, size, _PIECE_BYTES):
        length = min(_PIECE_BYTES, size - start)
        if not _reserve(file, start, length):
            _write_zeros(file, start, length)
        yield


def _reserve(file: int, start: int, length: int) -> bool:
    """Whether the system took the space; not every one, and not every file system, can."""
    if not hasattr(os, "posix_fallocate"):
        return False
    try:
        os.posix_fallocate(file, start, length)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        return False
    return True


def _write_zeros(file: int, start: int, length: int) -> None:
    os.lseek(file, start, os.SEEK_SET)
    left = length
    while left:
        left -= os.write(file, _ZEROS[:left])


def _own(path: Path) -> int:
    """Lock a new file and write this process's number into it; an empty one is still being made."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _lock(file)
    os.write(file, str(os.getpid()).encode())
    return file


def _lock(file: int) -> None:
    """Raises OSError if another process holds it; the system gives the lock back when its holder ends in any way."""
    if sys.platform == "win32":
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_abandoned(home: Path) -> bool:
    """Raises OSError where it cannot be told, or another process is alive that owns it."""
    state = home.lstat()
    if home.is_symlink() or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
        return False
    owner = home / _OWNER
    if not owner.exists() or owner.stat().st_size == 0:
        return time.time() - state.st_mtime > _YOUNG_S
    file = os.open(owner, os.O_RDWR)
    try:
        _lock(file)
    finally:
        os.close(file)
    return True
