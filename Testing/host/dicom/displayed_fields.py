"""The columns that the DICOM browser shows, made from the tags after an import."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable


def update_displayed_fields(rows: sqlite3.Connection, cached: Callable[[str, str], str]) -> None:
    """Fill the ``Displayed…`` columns of all rows; studies' dates become plain DICOM dates by it.

    Args:
        rows: the database.
        cached: SOP instance UID and tag to the tag's value.
    """
    rows.execute("UPDATE Studies SET StudyDate = replace(StudyDate, '-', '')")
    rows.execute(
        "UPDATE Series SET DisplayedCount = "
        "(SELECT count(*) FROM Images WHERE Images.SeriesInstanceUID = Series.SeriesInstanceUID)"
    )
    rows.execute(
        "UPDATE Studies SET DisplayedNumberOfSeries = "
        "(SELECT count(*) FROM Series WHERE Series.StudyInstanceUID = Studies.StudyInstanceUID)"
    )
    rows.execute(
        "UPDATE Patients SET "
        "DisplayedNumberOfStudies = (SELECT count(*) FROM Studies WHERE PatientsUID = Patients.UID), "
        "DisplayedLastStudyDate = (SELECT max(StudyDate) FROM Studies WHERE PatientsUID = Patients.UID)"
    )
    for series, instance in rows.execute(
        "SELECT SeriesInstanceUID, min(SOPInstanceUID) FROM Images GROUP BY 1"
    ).fetchall():
        columns, height = cached(instance, "0028,0011"), cached(instance, "0028,0010")
        size = f"{columns}x{height}" if columns.isdigit() and height.isdigit() else None
        rows.execute("UPDATE Series SET DisplayedSize = ? WHERE SeriesInstanceUID = ?", (size, series))
    for uid, name in rows.execute("SELECT UID, PatientsName FROM Patients").fetchall():
        rows.execute("UPDATE Patients SET DisplayedPatientsName = ? WHERE UID = ?", (_displayed_name(name), uid))
    for table in ("Patients", "Studies", "Series"):
        rows.execute(f"UPDATE {table} SET DisplayedFieldsUpdatedTimestamp = CURRENT_TIMESTAMP")
    rows.commit()


def _displayed_name(name: str) -> str:
    """``Family, Given Middle`` of DICOM's ``Family^Given^Middle``."""
    family, *others = name.split("^")
    given = " ".join(part for part in others if part)
    return f"{family}, {given}" if given else family
