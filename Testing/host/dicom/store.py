"""The content of a ctkDICOMDatabase: two SQLite files and the DICOM files they speak of. No Qt."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from . import schema, tags
from .displayed_fields import update_displayed_fields

TABLE_KEYS = {"Patients": "UID", "Studies": "StudyInstanceUID", "Series": "SeriesInstanceUID"}


class Store:
    """One database in a folder.

    Attributes:
        opened: the DICOM files whose headers were read, for tests that want none to be.
    """

    def __init__(self, file: Path) -> None:
        """Raises sqlite3.Error if it can be neither opened nor made."""
        self.folder = file.parent
        self._rows = sqlite3.connect(file)
        self._cache = sqlite3.connect(self.folder / "ctkDICOMTagCache.sql")
        for connection in (self._rows, self._cache):
            connection.execute("PRAGMA synchronous = OFF")
        self.opened: list[Path] = []
        if not self._rows.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self.initialize()
        if not self._cache.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._cache.execute(schema.TAG_CACHE)

    def close(self) -> None:
        self._rows.close()
        self._cache.close()

    def initialize(self) -> None:
        """Make all tables anew, empty."""
        self._rows.executescript(schema.script())
        self._rows.commit()

    def column(self, query: str, *values: object) -> tuple[str, ...]:
        """The first column of a query as texts."""
        return tuple("" if row[0] is None else str(row[0]) for row in self._rows.execute(query, values))

    def value(self, query: str, *values: object) -> str:
        """The first value of a query, empty where there is none."""
        return next(iter(self.column(query, *values)), "")

    def field(self, table: str, name: str, key: str) -> str:
        """A column's value by name; empty for a column that the table has not."""
        if name not in self.field_names(table):
            return ""
        return self.value(f"SELECT {name} FROM {table} WHERE {TABLE_KEYS[table]} = ?", key)

    def field_names(self, table: str) -> tuple[str, ...]:
        return tuple(row[1] for row in self._rows.execute(f"PRAGMA table_info('{table}')"))

    def files(self, condition: str, *values: object) -> tuple[str, ...]:
        """Absolute names of images' files."""
        return tuple(self.absolute(name) for name in self.column(f"SELECT Filename FROM Images {condition}", *values))

    def absolute(self, name: str) -> str:
        return name if not name or Path(name).is_absolute() else (self.folder / name).as_posix()

    def internal(self, name: str) -> str:
        """As the Images table writes a file's name: relative inside the database's folder."""
        path = Path(name)
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else name

    def instance_of(self, file: str) -> str:
        return self.value("SELECT SOPInstanceUID FROM Images WHERE Filename = ?", self.internal(file))

    # Tags

    def cached(self, instance: str, tag: str) -> str:
        """Empty where the cache has nothing; else a value or a marker."""
        query = "SELECT Value FROM TagCache WHERE SOPInstanceUID = ? AND Tag = ?"
        row = self._cache.execute(query, (instance, tag)).fetchone()
        return "" if row is None else row[0] or tags.EMPTY

    def cache(self, instance: str, values: dict[str, str]) -> None:
        rows = [(instance, tag, value or tags.NOT_IN_INSTANCE) for tag, value in values.items()]
        self._cache.executemany("INSERT OR REPLACE INTO TagCache VALUES (?, ?, ?)", rows)
        self._cache.commit()

    def forget(self, instance: str) -> None:
        self._cache.execute("DELETE FROM TagCache WHERE SOPInstanceUID = ?", (instance,))
        self._cache.commit()

    def read_tag(self, file: str, instance: str, tag: str) -> str:
        """From the file itself; the cache remembers it."""
        dataset = self.read(file)
        if dataset is None:
            return ""
        value = tags.text_of(dataset, tag)
        if instance:
            self.cache(instance, {tag: value})
        return value

    def read(self, file: str, *, pixels: bool = False) -> Dataset | None:
        self.opened.append(Path(file))
        return tags.read(Path(file), pixels=pixels)

    # Changes

    def insert(self, file: str, precached: Sequence[str], *, copy: bool) -> tuple[tuple[str, object], ...]:
        """Index a file, or store a copy of it and index that.

        Returns:
            What came new, for the signals: ("patient", …), ("study", …), ("series", …), ("instance", …).
        """
        dataset = self.read(file, pixels=True)
        if dataset is None or self.is_up_to_date(file):
            return ()
        study, instance = (tags.name_of(dataset, word) for word in ("StudyInstanceUID", "SOPInstanceUID"))
        patient_id = tags.name_of(dataset, "PatientID") or study
        if not (patient_id and study):
            return ()
        series = tags.name_of(dataset, "SeriesInstanceUID")
        self._rows.execute("DELETE FROM Images WHERE SOPInstanceUID = ?", (instance,))
        added = [*self._insert_patient(dataset, patient_id)]
        patient = self.value("SELECT UID FROM Patients WHERE PatientID = ? AND PatientsName = ?", *_who(dataset, study))
        added += self._insert_row("Studies", _study_values(dataset, patient), "study")
        if series:
            added += self._insert_row("Series", _series_values(dataset), "series")
        if series and instance:
            name = self._stored(file, study, series, instance) if copy else file
            self._insert(
                "Images", {"SOPInstanceUID": instance, "Filename": name, "URL": "", "SeriesInstanceUID": series}
            )
            added.append(("instance", instance))
            self.cache(instance, {tag: _precached(dataset, tag) for tag in precached})
        self._rows.commit()
        return tuple(added)

    def update_displayed_fields(self) -> None:
        update_displayed_fields(self._rows, self.cached)

    def remove_series(self, series: str) -> None:
        """With the copies of its files that the database owns, and rows that become empty by it."""
        for instance in self.column("SELECT SOPInstanceUID FROM Images WHERE SeriesInstanceUID = ?", series):
            name = self.value("SELECT Filename FROM Images WHERE SOPInstanceUID = ?", instance)
            if name and not Path(name).is_absolute():
                Path(self.absolute(name)).unlink(missing_ok=True)
            self.forget(instance)
        self._rows.execute("DELETE FROM Images WHERE SeriesInstanceUID = ?", (series,))
        self._rows.execute("DELETE FROM Series WHERE SeriesInstanceUID = ?", (series,))
        self._rows.execute("DELETE FROM Studies WHERE StudyInstanceUID NOT IN (SELECT StudyInstanceUID FROM Series)")
        self._rows.execute("DELETE FROM Patients WHERE UID NOT IN (SELECT PatientsUID FROM Studies)")
        self._rows.commit()

    def is_up_to_date(self, file: str) -> bool:
        known = self.value("SELECT InsertTimestamp FROM Images WHERE Filename = ?", self.internal(file))
        return bool(known) and _timestamp(Path(file).stat().st_mtime) < known

    def _insert_patient(self, dataset: Dataset, patient_id: str) -> Iterator[tuple[str, object]]:
        who = _who(dataset, tags.name_of(dataset, "StudyInstanceUID"))
        if self.value("SELECT UID FROM Patients WHERE PatientID = ? AND PatientsName = ?", *who):
            return
        birth = tags.name_of(dataset, "PatientBirthDate")
        values = {
            "PatientsName": who[1],
            "PatientID": patient_id,
            "PatientsBirthDate": _date(birth),
            "PatientsSex": tags.name_of(dataset, "PatientSex") or None,
        }
        yield "patient", (self._insert("Patients", values), patient_id, who[1], birth)

    def _insert_row(self, table: str, values: dict[str, Any], what: str) -> Iterator[tuple[str, object]]:
        key = TABLE_KEYS[table]
        if not self.value(f"SELECT {key} FROM {table} WHERE {key} = ?", values[key]):
            self._insert(table, values)
            yield what, values[key]

    def _insert(self, table: str, values: dict[str, Any]) -> int:
        values = values | {"InsertTimestamp": _timestamp(datetime.now(tz=UTC).timestamp())}
        columns, marks = ", ".join(values), ", ".join("?" for _ in values)
        cursor = self._rows.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(values.values()))
        return int(cursor.lastrowid or 0)

    def _stored(self, file: str, study: str, series: str, instance: str) -> str:
        """The name of the copy, relative to the database's folder; the path is short, of hashes."""
        parts = [hashlib.md5(uid.encode()).hexdigest() for uid in (study, series, instance)]
        name = f"dicom/{parts[0][:8]}/{parts[1][:8]}/{parts[2]}.dcm"
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, self.folder / name)
        return name


def _precached(dataset: Dataset, tag: str) -> str:
    # The genuine database writes the beginning of the pixels' text where it precaches them.
    if tags.key_of(tag) == tags.PIXEL_DATA:
        return "0000" if "PixelData" in dataset else ""
    return tags.text_of(dataset, tag)


def _who(dataset: Dataset, study: str) -> tuple[str, str]:
    """PatientID and PatientsName, which stand in for each other where one is empty."""
    identifier = tags.name_of(dataset, "PatientID") or study
    return identifier, tags.name_of(dataset, "PatientName") or identifier


def _study_values(dataset: Dataset, patient: str) -> dict[str, Any]:
    words = {
        "StudyID": "StudyID", "StudyTime": "StudyTime", "StudyDescription": "StudyDescription",
        "AccessionNumber": "AccessionNumber", "ModalitiesInStudy": "ModalitiesInStudy",
        "InstitutionName": "InstitutionName", "ReferringPhysician": "ReferringPhysicianName",
        "PerformingPhysiciansName": "PerformingPhysicianName",
    }  # fmt: skip
    return {
        "StudyInstanceUID": tags.name_of(dataset, "StudyInstanceUID"),
        "PatientsUID": int(patient),
        "StudyDate": _date(tags.name_of(dataset, "StudyDate")),
        **{column: tags.name_of(dataset, word) or None for column, word in words.items()},
    }


def _series_values(dataset: Dataset) -> dict[str, Any]:
    words = {
        "SeriesTime": "SeriesTime", "SeriesDescription": "SeriesDescription", "Modality": "Modality",
        "BodyPartExamined": "BodyPartExamined", "FrameOfReferenceUID": "FrameOfReferenceUID",
        "ContrastAgent": "ContrastBolusAgent", "ScanningSequence": "ScanningSequence",
    }  # fmt: skip
    numbers = {
        "SeriesNumber": "SeriesNumber", "AcquisitionNumber": "AcquisitionNumber", "EchoNumber": "EchoNumbers",
        "TemporalPosition": "TemporalPositionIdentifier",
    }  # fmt: skip
    return {
        "SeriesInstanceUID": tags.name_of(dataset, "SeriesInstanceUID"),
        "StudyInstanceUID": tags.name_of(dataset, "StudyInstanceUID"),
        "SeriesDate": _date(tags.name_of(dataset, "SeriesDate")),
        **{column: tags.name_of(dataset, word) or None for column, word in words.items()},
        **{column: tags.number_of(dataset, word) for column, word in numbers.items()},
    }


def _date(text: str) -> str | None:
    """A DICOM date as Qt writes it into SQLite."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else None


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
