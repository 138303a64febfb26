"""ctkDICOMDatabase on SQLite: what it stores lies in files that the genuine one could open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, Signal

from . import schema, tags
from .store import Store


class ctkDICOMDatabase(QObject):
    """Closed until ``openDatabase``; while it is closed every list is empty and every text too."""

    ABSENT = ("descriptionForFile",)

    patientAdded = Signal(int, str, str, str)
    studyAdded = Signal(str)
    seriesAdded = Signal(str)
    instanceAdded = Signal(str)
    patientRemoved = Signal(str)
    studyRemoved = Signal(str)
    seriesRemoved = Signal(str)
    opened = Signal()
    closed = Signal()
    databaseChanged = Signal()
    tagsToPrecacheChanged = Signal()
    displayedFieldsUpdateStarted = Signal()
    displayedFieldsUpdated = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store: Store | None = None
        self._file = ""
        self._last_error = ""
        self._precached = list(tags.PRECACHED)

    def _get(self, read: Callable[[Store], Any], default: Any = "") -> Any:
        """From the store, or what a closed database answers."""
        if self._store is None:
            self._last_error = "unable to open database file Error opening database"
            return default
        return read(self._store)

    # Properties

    isOpen = Property(bool, lambda self: self._store is not None)
    isInMemory = Property(bool, lambda self: self._file == ":memory:")
    lastError = Property(str, lambda self: self._last_error)
    databaseFilename = Property(str, lambda self: self._file)
    databaseDirectory = Property(str, lambda self: Path(self._file).parent.as_posix() if self._file else "")
    patientFieldNames = Property("QStringList", lambda self: self._field_names("Patients"))
    studyFieldNames = Property("QStringList", lambda self: self._field_names("Studies"))
    seriesFieldNames = Property("QStringList", lambda self: self._field_names("Series"))

    def _tags_to_precache(self) -> list[str]:
        return self._precached

    def _set_tags_to_precache(self, values: list[str]) -> None:
        if list(values) != self._precached:
            self._precached = list(values)
            self.tagsToPrecacheChanged.emit()

    tagsToPrecache = Property("QStringList", _tags_to_precache, _set_tags_to_precache)

    def _field_names(self, table: str) -> list[str]:
        return list(self._get(lambda store: store.field_names(table), ()))

    # Opening and closing

    def openDatabase(self, databaseFile: str, connectionName: str = "") -> bool:
        was_open = self._close()
        self._file = databaseFile
        try:
            self._store = Store(Path(databaseFile).absolute())
        except sqlite3.Error as error:
            self._last_error = f"{error} Error opening database"
            if was_open:
                self.closed.emit()
            return False
        self.opened.emit()
        return True

    def closeDatabase(self) -> None:
        if self._close():
            self.closed.emit()

    def _close(self) -> bool:
        store, self._store = self._store, None
        if store is not None:
            store.close()
        return store is not None

    def initializeDatabase(self) -> bool:
        self._get(lambda store: store.initialize())
        self.databaseChanged.emit()
        return self._store is not None

    def schemaVersion(self) -> str:
        return schema.VERSION

    def schemaVersionLoaded(self) -> str:
        return self._value("SELECT Version FROM SchemaInfo")

    # Patients, studies, series, images

    def _column(self, query: str, *values: object) -> list[str]:
        return list(self._get(lambda store: store.column(query, *values), ()))

    def _value(self, query: str, *values: object) -> str:
        return str(self._get(lambda store: store.value(query, *values)))

    def patients(self) -> list[str]:
        return self._column("SELECT UID FROM Patients")

    def studiesForPatient(self, dbPatientID: str) -> list[str]:
        return self._column("SELECT StudyInstanceUID FROM Studies WHERE PatientsUID = ?", dbPatientID)

    def seriesForStudy(self, studyUID: str) -> list[str]:
        return self._column("SELECT SeriesInstanceUID FROM Series WHERE StudyInstanceUID = ?", studyUID)

    def instancesForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        return self._column("SELECT SOPInstanceUID FROM Images WHERE SeriesInstanceUID = ? LIMIT ?", seriesUID, hits)

    def studyForSeries(self, seriesUID: str) -> str:
        return self._value("SELECT StudyInstanceUID FROM Series WHERE SeriesInstanceUID = ?", seriesUID)

    def patientForStudy(self, studyUID: str) -> str:
        return self._value("SELECT PatientsUID FROM Studies WHERE StudyInstanceUID = ?", studyUID)

    def patientsCount(self) -> int:
        return len(self.patients())

    def studiesCount(self) -> int:
        return len(self._column("SELECT 1 FROM Studies"))

    def seriesCount(self) -> int:
        return len(self._column("SELECT 1 FROM Series"))

    def imagesCount(self) -> int:
        return len(self._column("SELECT 1 FROM Images"))

    def nameForPatient(self, patientUID: str) -> str:
        return self.fieldForPatient("PatientsName", patientUID)

    def displayedNameForPatient(self, patientUID: str) -> str:
        return self.fieldForPatient("DisplayedPatientsName", patientUID)

    def descriptionForStudy(self, studyUID: str) -> str:
        return self.fieldForStudy("StudyDescription", studyUID)

    def descriptionForSeries(self, seriesUID: str) -> str:
        return self.fieldForSeries("SeriesDescription", seriesUID)

    def fieldForPatient(self, field: str, patientUID: str) -> str:
        return str(self._get(lambda store: store.field("Patients", field, patientUID)))

    def fieldForStudy(self, field: str, studyInstanceUID: str) -> str:
        return str(self._get(lambda store: store.field("Studies", field, studyInstanceUID)))

    def fieldForSeries(self, field: str, seriesInstanceUID: str) -> str:
        return str(self._get(lambda store: store.field("Series", field, seriesInstanceUID)))

    # Files

    def _files(self, condition: str, *values: object) -> list[str]:
        return list(self._get(lambda store: store.files(condition, *values), ()))

    def allFiles(self) -> list[str]:
        return self._files("")

    def filesForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        return self._files("WHERE SeriesInstanceUID = ? LIMIT ?", seriesUID, hits)

    def urlsForSeries(self, seriesUID: str, hits: int = -1) -> list[str]:
        return self._column("SELECT URL FROM Images WHERE SeriesInstanceUID = ? LIMIT ?", seriesUID, hits)

    def fileForInstance(self, sopInstanceUID: str) -> str:
        return next(iter(self._files("WHERE SOPInstanceUID = ?", sopInstanceUID)), "")

    def urlForInstance(self, sopInstanceUID: str) -> str:
        return self._value("SELECT URL FROM Images WHERE SOPInstanceUID = ?", sopInstanceUID)

    def instanceForFile(self, fileName: str) -> str:
        return str(self._get(lambda store: store.instance_of(fileName)))

    def seriesForFile(self, fileName: str) -> str:
        query = "SELECT SeriesInstanceUID FROM Images WHERE SOPInstanceUID = ?"
        return self._value(query, self.instanceForFile(fileName))

    # Values of tags

    def cachedTag(self, sopInstanceUID: str, tag: str) -> str:
        return str(self._get(lambda store: store.cached(sopInstanceUID, tag)))

    def cacheTag(self, sopInstanceUID: str, tag: str, value: str) -> bool:
        self._get(lambda store: store.cache(sopInstanceUID, {tag: value}))
        return self._store is not None

    def removeCachedTags(self, sopInstanceUID: str) -> None:
        self._get(lambda store: store.forget(sopInstanceUID))

    def instanceValue(self, sopInstanceUID: str, tag: Any, element: int = -1) -> str:
        return self._tag_value(self.fileForInstance(sopInstanceUID), sopInstanceUID, _tag(tag, element))

    def fileValue(self, fileName: str, tag: Any, element: int = -1) -> str:
        return self._tag_value(fileName, self.instanceForFile(fileName), _tag(tag, element))

    def _tag_value(self, file: str, instance: str, tag: str) -> str:
        """From the cache; what it does not have is read from the file, and kept."""
        cached = self.cachedTag(instance, tag)
        if cached or not file:
            return "" if cached in tags.MARKERS else cached
        return str(self._get(lambda store: store.read_tag(file, instance, tag)))

    def instanceValueExists(self, sopInstanceUID: str, tag: Any, element: int = -1) -> bool:
        return self._exists(self.fileForInstance(sopInstanceUID), sopInstanceUID, _tag(tag, element))

    def fileValueExists(self, fileName: str, tag: Any, element: int = -1) -> bool:
        return self._exists(fileName, self.instanceForFile(fileName), _tag(tag, element))

    def _exists(self, file: str, instance: str, tag: str) -> bool:
        cached = self.cachedTag(instance, tag)
        if cached:
            return cached == tags.NOT_STORED or cached not in tags.MARKERS
        pixels = tags.key_of(tag) == tags.PIXEL_DATA
        dataset = self._get(lambda store: store.read(file, pixels=pixels), None) if file else None
        key = tags.key_of(tag)
        return dataset is not None and key is not None and key in dataset

    def groupElementToTag(self, group: int, element: int) -> str:
        return f"{group:04X},{element:04X}"

    # Changes

    def prepareInsert(self) -> None:
        """Nothing is remembered between insertions here."""

    def insert(
        self,
        filePath: str,
        storeFile: bool = True,
        generateThumbnail: bool = True,
        createHierarchy: bool = True,
        destinationDirectoryName: str = "",
    ) -> None:
        if self._insert(filePath, copy=storeFile):
            self.databaseChanged.emit()

    def _insert(self, file: str, *, copy: bool) -> bool:
        """Whether anything came new."""
        added = self._get(lambda store: store.insert(file, self._precached, copy=copy), ())
        signals = {"study": self.studyAdded, "series": self.seriesAdded, "instance": self.instanceAdded}
        for what, value in added:
            if what == "patient":
                self.patientAdded.emit(*value)
            else:
                signals[what].emit(value)
        return bool(added)

    def updateDisplayedFields(self) -> None:
        self.displayedFieldsUpdateStarted.emit()
        self._get(lambda store: store.update_displayed_fields())
        self.displayedFieldsUpdated.emit()

    def fileExistsAndUpToDate(self, filePath: str) -> bool:
        return bool(self._get(lambda store: store.is_up_to_date(filePath), False))

    def removeSeries(self, seriesInstanceUID: str, clearCachedTags: bool = False, cleanup: bool = True) -> bool:
        known = bool(self.studyForSeries(seriesInstanceUID))
        if known:
            self._get(lambda store: store.remove_series(seriesInstanceUID))
            self.seriesRemoved.emit(seriesInstanceUID)
            self.databaseChanged.emit()
        return known

    def removeStudy(self, studyInstanceUID: str, cleanup: bool = True) -> bool:
        removed = [self.removeSeries(series) for series in self.seriesForStudy(studyInstanceUID)]
        if removed:
            self.studyRemoved.emit(studyInstanceUID)
        return bool(removed) and all(removed)

    def removePatient(self, patientID: str, cleanup: bool = True) -> bool:
        removed = [self.removeStudy(study) for study in self.studiesForPatient(patientID)]
        if removed:
            self.patientRemoved.emit(patientID)
        return bool(removed) and all(removed)


def _tag(tag: Any, element: int) -> str:
    """``gggg,eeee`` of a text, or of a group and an element as numbers."""
    return str(tag) if element < 0 else f"{int(tag):04X},{element:04X}"
