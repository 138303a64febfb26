"""The instances of a series in Slicer's DICOM database: where their files are, and what their headers say.

Everything here is a generator that yields after each file or look-up, so that the caller can spread the work.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from ..core.language import tr as _

if TYPE_CHECKING:
    from ..readers.dicom_records import Frame, Instance

MODALITY, SOP_CLASS, SERIES_UID = "0008,0060", "0008,0016", "0020,000E"
_IMAGE_TYPE, _POSITION, _ORIENTATION = "0008,0008", "0020,0032", "0020,0037"
_ROWS, _COLUMNS = "0028,0010", "0028,0011"

_MARKERS = ("__TAG_NOT_IN_INSTANCE__", "__VALUE_IS_EMPTY_STRING__", "__VALUE_IS_NOT_STORED__")
"""What ctkDICOMDatabase's tag cache holds where there is no value."""


@dataclass(frozen=True)
class InstanceFiles:
    """The files of instances, in the order of the UIDs.

    Attributes:
        paths: None for an instance that lies on a server only.
        missing: number of files that are no longer where they were.
    """

    uids: tuple[str, ...]
    paths: tuple[Path | None, ...]
    missing: int

    @property
    def remote(self) -> int:
        """Number of instances that lie on a server only."""
        return sum(path is None for path in self.paths)

    @property
    def complete(self) -> bool:
        return not self.missing and not self.remote


def locate(database: Any, uids: Sequence[str]) -> Generator[None, None, InstanceFiles]:
    """Where the files of instances are, and whether they are there."""
    paths: list[Path | None] = []
    missing = 0
    for uid in uids:
        name = database.fileForInstance(uid)
        path = Path(name) if name else None
        paths.append(path)
        missing += path is not None and not path.is_file()
        yield
    return InstanceFiles(tuple(uids), tuple(paths), missing)


def files_problem(files: InstanceFiles, title: str) -> InputError | None:
    """Why a series cannot be read, and what to do about it; None if all its files are there."""
    total = len(files.uids)
    if not total:
        return InputError(
            _("the series is no longer in Slicer's DICOM database."), where=title, remedy=_("Import its study again.")
        )
    if files.missing:
        what = (
            _("none of its files is where it was when the study was imported; they were moved or deleted.")
            if files.missing == total
            else _(
                "{count} of its {total} files are not where it was when the study was imported; they were moved or "
                "deleted."
            )
        )
        return InputError(
            what.format(count=files.missing, total=total),
            where=title,
            remedy=_("Put them back, or import the study again from where it is now (module DICOM)."),
        )
    if files.remote:
        return InputError(
            _("{count} of its {total} images are on a server and were not retrieved yet.").format(
                count=files.remote, total=total
            ),
            where=title,
            remedy=_("Retrieve the series in the module DICOM."),
        )
    return None


def cached_value(database: Any, uid: str, tag: str) -> str | None:
    """A tag's value from the database's cache, which opens no file; empty if it has none, None if it is not cached."""
    value: str = database.cachedTag(uid, tag)
    return None if not value else "" if value in _MARKERS else value


def read_headers(files: InstanceFiles) -> Generator[None, None, tuple[Instance, ...]]:
    """All headers.

    Raises:
        InputError: if a file is gone or damaged.
    """
    from ..readers.dicom_header import read_header

    instances = []
    for path in files.paths:
        instance = read_header(path) if path is not None else None
        if instance is not None:
            instances.append(instance)
        yield
    return tuple(instances)


def sketch_headers(database: Any, files: InstanceFiles) -> Generator[None, None, tuple[Instance, ...]]:
    """The header of one file; of the others of the series only what the cache knows, as far as it does.

    Good for matching and for the grid, not for values: rescale and times are those of the first file.

    Raises:
        InputError: if a file that has to be opened is gone or damaged.
    """
    from ..readers.dicom_header import read_header

    instances: list[Instance] = []
    for uid, path in zip(files.uids, files.paths, strict=True):
        first = instances[0] if instances else None
        sketched = _sketched(database, uid, path, first) if first is not None and path is not None else None
        instance = sketched or (read_header(path) if path is not None else None)
        if instance is not None:
            instances.append(instance)
        yield
    return tuple(instances)


def _sketched(database: Any, uid: str, path: Path, first: Instance) -> Instance | None:
    """The first instance at another place; None where the cache does not know the place."""
    values = [cached_value(database, uid, tag) for tag in (_POSITION, _ORIENTATION, _ROWS, _COLUMNS)]
    if first.frame_count > 1 or any(value is None for value in values):
        return None
    position, orientation, rows, columns = (value or "" for value in values)
    if not (rows.isdigit() and columns.isdigit()):
        return None
    frame = _placed(first.frames[0], uid, path, position, orientation)
    kind = tuple((cached_value(database, uid, _IMAGE_TYPE) or "").split("\\"))
    return replace(
        first,
        path=path,
        sop_instance_uid=uid,
        rows=int(rows),
        columns=int(columns),
        image_type=kind,
        frames=(frame,),
    )


def _placed(frame: Frame, uid: str, path: Path, position: str, orientation: str) -> Frame:
    from ..readers.dicom_attributes import numbers

    def vector(text: str, count: int) -> Any:
        try:
            return numbers([float(item) for item in text.split("\\")], count) if text else None
        except ValueError:
            return None

    return replace(
        frame,
        path=path,
        sop_instance_uid=uid,
        position_lps=vector(position, 3),
        orientation=vector(orientation, 6),
        marks={},
    )


def cached_header(path: str) -> Instance | None:
    """The header of a file, None where it is gone or damaged; remembered, since panels ask often."""
    try:
        changed = Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return None
    return _header(path, changed) if path else None


@lru_cache(maxsize=256)
def _header(path: str, changed: int) -> Instance | None:  # noqa: ARG001  # another time is another content
    from ..readers.dicom_header import read_header

    try:
        return read_header(Path(path))
    except InputError:
        return None
