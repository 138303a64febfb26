"""A database with imported series, for tests of what reads it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def import_into(folder: Path, *sources: Path, copy: bool = False) -> Any:
    """Slicer's database, opened in a folder, with the series of the sources."""
    import slicer
    from DICOMLib import DICOMUtils

    folder.mkdir(parents=True, exist_ok=True)
    assert DICOMUtils.openDatabase(str(folder))
    for source in sources:
        assert DICOMUtils.importDicom(str(source), copyFiles=copy)
    return slicer.dicomDatabase


def all_series(database: Any) -> dict[str, str]:
    """Series UID by description."""
    studies = [study for patient in database.patients() for study in database.studiesForPatient(patient)]
    uids = [uid for study in studies for uid in database.seriesForStudy(study)]
    return {database.fieldForSeries("SeriesDescription", uid): uid for uid in uids}


def finish(work: Generator[None, None, T]) -> T:
    """A generator run to its end; it has to give the caller time on its way."""
    turns = 0
    while True:
        try:
            next(work)
            turns += 1
        except StopIteration as end:
            assert turns > 1
            return end.value
