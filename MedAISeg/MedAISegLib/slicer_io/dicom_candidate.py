"""A series of Slicer's DICOM database as something a model's channel can be matched with, before it is loaded."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import SeriesReference
from .dicom_database import SeriesRow, open_database, series_row, series_title
from .dicom_instances import SOP_CLASS, InstanceFiles, cached_value, files_problem, locate, sketch_headers
from .dicom_scan import scan


@dataclass(frozen=True, eq=False)
class SeriesCandidate:
    """A ``fit.Candidate`` made from tags alone.

    Attributes:
        geometry: the grid that the volume will have, LPS mm, as far as the headers tell.
        series: its instances in the order of the slices.
        notices: what is odd about it.
        problem: why it cannot serve, with the remedy: its files are gone, it is no volume, and the like.
    """

    row: SeriesRow
    modality: str
    description: str
    attributes: Mapping[str, str]
    geometry: VolumeGeometry | None
    series: SeriesReference | None
    notices: tuple[Notice, ...] = ()
    problem: InputError | None = None


def series_candidate(series_uid: str) -> Generator[None, None, SeriesCandidate]:
    """Read the tags of a series; yields after each file or look-up, a millisecond or two apart.

    One file is opened; of the others the database's cache tells where they lie, and a file is opened only where it does
    not know.

    Raises:
        ResourceError: if the database is not open.
        InputError: if the series is no longer in it.
    """
    database = open_database()
    row = series_row(series_uid, database)
    if not row.study_uid:
        raise InputError(_("the series is no longer in Slicer's DICOM database."), remedy=_("Import its study again."))
    yield
    files = yield from locate(database, database.instancesForSeries(series_uid))
    problem = files_problem(files, series_title(row))
    if problem is not None:
        return _from_columns(database, row, files, problem)
    try:
        instances = yield from sketch_headers(database, files)
        found = scan(instances, series_title(row))
    except InputError as error:
        return _from_columns(database, row, files, error)
    return SeriesCandidate(
        row=row,
        modality=row.modality or instances[0].modality,
        description=row.description or instances[0].description,
        attributes=found.attributes,
        geometry=found.geometry,
        series=found.series,
        notices=found.notices,
        problem=found.problem,
    )


def column_attributes(database: Any, series_uid: str) -> dict[str, str]:
    """What the database's columns know of the words that matching needs."""
    columns = {
        "SeriesNumber": "SeriesNumber",
        "SeriesDescription": "SeriesDescription",
        "Modality": "Modality",
        "BodyPartExamined": "BodyPartExamined",
        "ContrastBolusAgent": "ContrastAgent",
        "ScanningSequence": "ScanningSequence",
    }
    found = {keyword: database.fieldForSeries(column, series_uid) for keyword, column in columns.items()}
    return {keyword: value for keyword, value in found.items() if value}


def reference(database: Any, row: SeriesRow, uids: tuple[str, ...]) -> SeriesReference:
    """A series without its files."""
    return SeriesReference(
        study_instance_uid=row.study_uid,
        series_instance_uid=row.series_uid,
        frame_of_reference_uid=database.fieldForSeries("FrameOfReferenceUID", row.series_uid),
        sop_class_uid=(cached_value(database, uids[0], SOP_CLASS) or "") if uids else "",
        sop_instance_uids=uids,
    )


def _from_columns(database: Any, row: SeriesRow, files: InstanceFiles, problem: InputError) -> SeriesCandidate:
    return SeriesCandidate(
        row=row,
        modality=row.modality,
        description=row.description,
        attributes=column_attributes(database, row.series_uid),
        geometry=None,
        series=reference(database, row, files.uids),
        problem=problem,
    )
