"""The tables of ctkDICOM.sql, schema 0.8.1, and of its tag cache, as the genuine application makes them."""

from __future__ import annotations

VERSION = "0.8.1"

_TEXT = "VARCHAR(255) NULL"
_WHEN = "'InsertTimestamp' VARCHAR(20) NOT NULL"
_SHOWN = "'DisplayedFieldsUpdatedTimestamp' DATETIME NULL"


def _columns(*columns: str) -> str:
    """Columns given as ``Name`` (a text of 255), ``Name TYPE``, or a whole definition."""
    definitions = []
    for column in columns:
        name, _, kind = column.partition(" ")
        definitions.append(column if column.startswith("'") else f"'{name}' {kind or _TEXT}")
    return ", ".join(definitions)


TABLES = {
    "SchemaInfo": _columns("Version VARCHAR(1024) NOT NULL"),
    "Images": _columns(
        "SOPInstanceUID VARCHAR(64) NOT NULL PRIMARY KEY",
        "Filename VARCHAR(1024) NULL",
        "URL VARCHAR(2048) NULL",
        "SeriesInstanceUID VARCHAR(64) NOT NULL",
        _WHEN,
        _SHOWN,
    ),
    "Patients": _columns(
        "UID INTEGER PRIMARY KEY AUTOINCREMENT",
        "PatientsName",
        "PatientID",
        "PatientsBirthDate DATE NULL",
        "PatientsBirthTime TIME NULL",
        "PatientsSex VARCHAR(1) NULL",
        "PatientsAge VARCHAR(10) NULL",
        "PatientsComments",
        _WHEN,
        "DisplayedPatientsName",
        "DisplayedNumberOfStudies INT NULL",
        "DisplayedLastStudyDate DATE NULL",
        _SHOWN,
        "Connections VARCHAR(2048) NULL",
    ),
    "Studies": _columns(
        "StudyInstanceUID VARCHAR(64) NOT NULL PRIMARY KEY",
        "PatientsUID INT NOT NULL",
        "StudyID",
        "StudyDate DATE NULL",
        "StudyTime VARCHAR(20) NULL",
        "StudyDescription",
        "AccessionNumber",
        "ModalitiesInStudy",
        "InstitutionName",
        "ReferringPhysician",
        "PerformingPhysiciansName",
        _WHEN,
        "DisplayedNumberOfSeries INT NULL",
        _SHOWN,
    ),
    "Series": _columns(
        "SeriesInstanceUID VARCHAR(64) NOT NULL PRIMARY KEY",
        "StudyInstanceUID VARCHAR(64) NOT NULL",
        "SeriesNumber INT NULL",
        "SeriesDate DATE NULL",
        "SeriesTime VARCHAR(20) NULL",
        "SeriesDescription",
        "Modality VARCHAR(20) NULL",
        "BodyPartExamined",
        "FrameOfReferenceUID VARCHAR(64) NULL",
        "AcquisitionNumber INT NULL",
        "ContrastAgent",
        "ScanningSequence VARCHAR(45) NULL",
        "EchoNumber INT NULL",
        "TemporalPosition INT NULL",
        _WHEN,
        "DisplayedCount INT NULL",
        "DisplayedSize VARCHAR(20) NULL",
        "DisplayedNumberOfFrames INT NULL",
        _SHOWN,
    ),
    "Directories": _columns("Dirname VARCHAR(1024) PRIMARY KEY"),
    "ColumnDisplayProperties": _columns(
        "TableName VARCHAR(64) NOT NULL",
        "FieldName VARCHAR(64) NOT NULL",
        "DisplayedName",
        "Visibility INT NULL DEFAULT 1",
        "Weight INT NULL",
        "Format",
    )
    + ", PRIMARY KEY ('TableName', 'FieldName')",
    "DisplayedFieldGeneratorRules": _columns(
        "Name VARCHAR(64) NOT NULL PRIMARY KEY", "Enabled INT NULL DEFAULT 1", "Options"
    ),
}

_INDEXES = {
    "ImagesFilenameIndex": "Images (Filename)",
    "ImagesSeriesIndex": "Images (SeriesInstanceUID)",
    "SeriesStudyIndex": "Series (StudyInstanceUID)",
    "StudiesPatientIndex": "Studies (PatientsUID)",
}
"""They decide the order in which rows come out of a query that asks for none."""

TAG_CACHE = "CREATE TABLE TagCache (SOPInstanceUID, Tag, Value, PRIMARY KEY (SOPInstanceUID, Tag))"


def script() -> str:
    """SQL that makes the tables anew, empty."""
    lines = [
        f"DROP TABLE IF EXISTS '{table}'; CREATE TABLE '{table}' ({columns});" for table, columns in TABLES.items()
    ]
    lines += [f"CREATE INDEX '{name}' ON {columns};" for name, columns in _INDEXES.items()]
    return "\n".join([*lines, f"INSERT INTO SchemaInfo VALUES ('{VERSION}');"])
