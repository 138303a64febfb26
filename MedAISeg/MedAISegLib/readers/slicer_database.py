"""The series of 3D Slicer's DICOM database (``ctkDICOM.sql``), read without Slicer and without changing anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import InputError, UsageError

DATABASE_FILE = "ctkDICOM.sql"

_SCHEMA = (0, 8)
"""Of Slicer 5.2 and later; the third number of a version changes no column that is read here."""

_SECONDS_TO_WAIT = 5.0
_SERIES = """
    SELECT Series.SeriesInstanceUID, Series.StudyInstanceUID, Series.Modality, Series.SeriesDescription,
           Series.SeriesNumber, Studies.StudyDate, Studies.StudyDescription
    FROM Series JOIN Studies ON Studies.StudyInstanceUID = Series.StudyInstanceUID
    ORDER BY Studies.StudyDate DESC, Series.StudyInstanceUID, Series.SeriesNumber
"""
_FILES = "SELECT SeriesInstanceUID, Filename FROM Images"


@dataclass(frozen=True)
class DatabaseSeries:
    """A series by the database's columns; nothing that tells who the patient is.

    Attributes:
        study_date: ``YYYY-MM-DD``, empty where unknown.
        files: of its images that are on this computer, whether they are still there or not.
        remote: number of its images that are on a server only.
    """

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    description: str
    number: str
    study_date: str
    study_description: str
    files: tuple[Path, ...]
    remote: int = 0

    @property
    def missing(self) -> int:
        """Number of files that are no longer where they were."""
        return sum(not file.is_file() for file in self.files)


def list_series(path: Path) -> tuple[DatabaseSeries, ...]:
    """All series, the latest study first; no DICOM file is opened.

    Args:
        path: the database's folder, or the file ``ctkDICOM.sql`` in it.

    Raises:
        InputError: if it is no such database, one of another version, or another program keeps it locked.
    """
    file = _database_file(path)
    with _connected(file) as connection:
        rows = connection.execute(_SERIES).fetchall()
        names: dict[str, list[str]] = {}
        for series, name in connection.execute(_FILES):
            names.setdefault(series, []).append(name or "")
    return tuple(_series_of(row, names.get(row["SeriesInstanceUID"], []), file.parent) for row in rows)


def series_files(path: Path, series_uid: str) -> tuple[Path, ...]:
    """The files of a series.

    Raises:
        UsageError: if the database does not have it.
        InputError: if files are gone or were never retrieved, or as :func:`list_series`.
    """
    found = next((series for series in list_series(path) if series.series_instance_uid == series_uid), None)
    if found is None:
        raise UsageError(
            f"there is no series {series_uid} in the database.",
            where=str(path),
            remedy="'medaiseg inspect --slicer-database PATH' lists its series.",
        )
    where = f"series {series_uid}"
    if found.missing:
        raise InputError(
            f"{found.missing} of its {len(found.files)} files are no longer where they were when Slicer imported them.",
            where=where,
            remedy="Put them back, or import the study again in Slicer from where it is now.",
        )
    if found.remote or not found.files:
        raise InputError(
            f"{found.remote} of its images are on a server and were not retrieved yet.",
            where=where,
            remedy="Retrieve the series in Slicer's module DICOM.",
        )
    return found.files


def _database_file(path: Path) -> Path:
    file = path / DATABASE_FILE if path.is_dir() else path
    if not file.is_file():
        raise InputError(
            f"there is no Slicer DICOM database ({DATABASE_FILE}) there.",
            where=str(path),
            remedy="Slicer shows the folder of its database in the module DICOM.",
        )
    return file


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    """Read-only; every failure of SQLite as what it means to a user."""
    try:
        address = file.resolve().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_SECONDS_TO_WAIT)) as connection:
            connection.row_factory = sqlite3.Row
            connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            _check_schema(connection, file)
            yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise InputError(
                "another program is writing to the database and keeps it locked.",
                where=str(file),
                remedy="Wait until Slicer has finished its import, and try again.",
            ) from error
        raise _unreadable(file, error) from error
    except sqlite3.DatabaseError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: sqlite3.Error) -> InputError:
    return InputError(
        f"it cannot be read as a Slicer DICOM database ({error}).",
        where=str(file),
        remedy="Check the path, and that Slicer itself can open the database.",
    )


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables >= {"SchemaInfo", "Images", "Series", "Studies"}:
        raise InputError(
            "it is a database, but not Slicer's DICOM database.",
            where=str(file),
            remedy=f"That is the file {DATABASE_FILE} in the folder that Slicer shows in the module DICOM.",
        )
    row = connection.execute("SELECT Version FROM SchemaInfo").fetchone()
    version = str(row[0]) if row else ""
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())[:2]
    if numbers == _SCHEMA:
        return
    newer = numbers > _SCHEMA
    raise InputError(
        f"the database has the schema {version or 'of no version'}, {'newer' if newer else 'older'} than what is known "
        f"here ({'.'.join(str(number) for number in _SCHEMA)}).",
        where=str(file),
        remedy="Update MedAISeg." if newer else "Let Slicer 5.10 or later update the database (module DICOM).",
    )


def _series_of(row: Any, names: list[str], folder: Path) -> DatabaseSeries:
    date = str(row["StudyDate"] or "")
    return DatabaseSeries(
        series_instance_uid=row["SeriesInstanceUID"],
        study_instance_uid=row["StudyInstanceUID"],
        modality=row["Modality"] or "",
        description=row["SeriesDescription"] or "",
        number="" if row["SeriesNumber"] is None else str(row["SeriesNumber"]),
        study_date=f"{date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 and date.isdigit() else date,
        study_description=row["StudyDescription"] or "",
        # Names are relative to the database where it holds the files itself.
        files=tuple(folder / name for name in sorted(names) if name),
        remote=names.count(""),
    )
