"""Slicer's DICOM database: its patients, studies and series, from its columns alone; no DICOM file is opened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ..core.errors import InputError, ResourceError
from ..core.language import tr as _
from .scene import slicer_module


class DatabaseState(Enum):
    """NONE: Slicer has no database yet; CLOSED: it could not be opened, or was closed."""

    NONE = "none"
    CLOSED = "closed"
    EMPTY = "empty"
    READY = "ready"


@dataclass(frozen=True)
class PatientRow:
    """A patient; the label is for the user's eyes in the picker and nowhere else.

    Attributes:
        patient: the database's own number for it.
    """

    patient: str
    label: str


@dataclass(frozen=True)
class StudyRow:
    """A study; the date is ``YYYY-MM-DD``, empty where unknown."""

    study_uid: str
    patient: str
    description: str
    date: str


@dataclass(frozen=True)
class SeriesRow:
    """A series, as far as the database's columns know it; ``instances`` is the number of its files."""

    series_uid: str
    study_uid: str
    patient: str
    modality: str
    description: str
    number: str
    instances: int


def database_state() -> DatabaseState:
    """What can be done with Slicer's DICOM database now."""
    database = getattr(slicer_module(), "dicomDatabase", None)
    if database is None:
        return DatabaseState.NONE
    if not database.isOpen:
        file = database.databaseFilename
        return DatabaseState.CLOSED if file and Path(file).is_file() else DatabaseState.NONE
    return DatabaseState.READY if database.patients() else DatabaseState.EMPTY


def database_problem(state: DatabaseState) -> InputError | None:
    """Why no series can be chosen, and what to do about it; None where they can."""
    if state is DatabaseState.READY:
        return None
    what, remedy = _problem(state)
    return InputError(what, remedy=remedy)


def open_database() -> Any:
    """The ``ctkDICOMDatabase`` of the application.

    Raises:
        ResourceError: if it is not open.
    """
    state = database_state()
    if state in (DatabaseState.NONE, DatabaseState.CLOSED):
        what, remedy = _problem(state)
        raise ResourceError(what, remedy=remedy)
    return slicer_module().dicomDatabase


def patients() -> tuple[PatientRow, ...]:
    """All patients, by label; none where the database is not open."""
    database = _open_or_none()
    if database is None:
        return ()
    rows = [PatientRow(patient, _patient_label(database, patient)) for patient in database.patients()]
    return tuple(sorted(rows, key=lambda row: row.label.casefold()))


def studies(patient: str) -> tuple[StudyRow, ...]:
    """A patient's studies, the latest first."""
    database = _open_or_none()
    if database is None:
        return ()
    rows = [
        StudyRow(
            study_uid=uid,
            patient=patient,
            description=database.fieldForStudy("StudyDescription", uid),
            date=_iso_date(database.fieldForStudy("StudyDate", uid)),
        )
        for uid in database.studiesForPatient(patient)
    ]
    return tuple(sorted(rows, key=lambda row: row.date, reverse=True))


def series(study_uid: str) -> tuple[SeriesRow, ...]:
    """A study's series, by number."""
    database = _open_or_none()
    if database is None:
        return ()
    rows = [series_row(uid, database) for uid in database.seriesForStudy(study_uid)]
    return tuple(sorted(rows, key=lambda row: (_as_number(row.number), row.description)))


def series_row(series_uid: str, database: Any) -> SeriesRow:
    """One series of an open database; empty values where it is not there."""
    study_uid = database.studyForSeries(series_uid)
    return SeriesRow(
        series_uid=series_uid,
        study_uid=study_uid,
        patient=database.patientForStudy(study_uid) if study_uid else "",
        modality=database.fieldForSeries("Modality", series_uid),
        description=database.fieldForSeries("SeriesDescription", series_uid),
        number=database.fieldForSeries("SeriesNumber", series_uid),
        instances=len(database.instancesForSeries(series_uid)),
    )


def series_title(row: SeriesRow) -> str:
    """How Slicer names the volume of a series: ``number: description``."""
    description = row.description or _("Unnamed series")
    return f"{row.number}: {description}" if row.number else description


def _problem(state: DatabaseState) -> tuple[str, str]:
    """What is wrong, and the remedy."""
    if state is DatabaseState.NONE:
        remedy = _("Open the module “Add DICOM Data” (DICOM), which creates one, and import a study.")
        return _("Slicer has no DICOM database yet."), remedy
    if state is DatabaseState.CLOSED:
        remedy = _("Open the module “Add DICOM Data” (DICOM), and choose or update the database folder there.")
        return _("Slicer's DICOM database is not open."), remedy
    remedy = _("Import a study: drag its folder into Slicer, or open the module “Add DICOM Data” (DICOM).")
    return _("Slicer's DICOM database is empty."), remedy


def _open_or_none() -> Any:
    database = getattr(slicer_module(), "dicomDatabase", None)
    return database if database is not None and database.isOpen else None


def _patient_label(database: Any, patient: str) -> str:
    name = database.displayedNameForPatient(patient) or database.fieldForPatient("PatientsName", patient)
    identifier = database.fieldForPatient("PatientID", patient)
    if identifier and identifier != name:
        return f"{name} ({identifier})" if name else identifier
    return name or _("No name")


def _iso_date(text: str) -> str:
    # The database writes dates in one form, and its browser rewrites some of them in DICOM's.
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")
