"""ctkDICOMIndexer: folders and files into a database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from .database import ctkDICOMDatabase


class ctkDICOMIndexer(QObject):
    """Its work is done when a call returns; the genuine one may do it in a thread of its own."""

    indexingComplete = Signal(int, int, int, int)

    def addDirectory(
        self,
        db: ctkDICOMDatabase,
        directoryName: str,
        copyFile: bool = False,
        includeHidden: bool = True,
    ) -> None:
        """A folder that is not there adds nothing, and nothing is said."""
        files = sorted(path for path in Path(directoryName).rglob("*") if path.is_file())
        self._add(db, [str(path) for path in files], copy=copyFile)

    def addListOfFiles(self, db: ctkDICOMDatabase, listOfFiles: list[str], copyFile: bool = False) -> None:
        self._add(db, listOfFiles, copy=copyFile)

    def addFile(self, db: ctkDICOMDatabase, filePath: str, copyFile: bool = False) -> None:
        self._add(db, [filePath], copy=copyFile)

    def waitForImportFinished(self, msecTimeout: int = -1) -> None:
        """There is nothing left to wait for."""

    def _add(self, db: ctkDICOMDatabase, files: Sequence[str], *, copy: bool) -> None:
        counts = [db.patientsCount(), db.studiesCount(), db.seriesCount(), db.imagesCount()]
        for file in files:
            db._insert(file, copy=copy)
        db.updateDisplayedFields()
        now = [db.patientsCount(), db.studiesCount(), db.seriesCount(), db.imagesCount()]
        db.databaseChanged.emit()
        self.indexingComplete.emit(*(after - before for after, before in zip(now, counts, strict=True)))
