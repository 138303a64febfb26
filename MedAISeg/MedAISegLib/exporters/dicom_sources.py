"""The headers of the images that a DICOM SEG refers to, made fit for it."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ..core.errors import InputError
from ..core.volume import SeriesReference

_REMEDY = "Write another format, such as NIfTI or .seg.nrrd."

_NEEDED_UIDS = {
    "StudyInstanceUID": "Study Instance UID",
    "SeriesInstanceUID": "Series Instance UID",
    "SOPInstanceUID": "SOP Instance UID",
    "SOPClassUID": "SOP Class UID",
}

_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""Type 2 attributes of the patient and study modules (PS3.3 C.7.1.1, C.7.2.1): a derived object has to carry them."""


def read_sources(series: SeriesReference | None) -> list[Dataset]:
    """The headers of a series' instances, without pixel data, missing Type 2 attributes added empty.

    Raises:
        InputError: if the segmentation did not come from DICOM, a file is gone, or the series lacks a UID.
    """
    if series is None or not series.files:
        raise InputError(
            "a DICOM SEG refers to the DICOM images it was made from, and this image came from elsewhere.",
            remedy=_REMEDY,
        )
    sources = [_read_header(path) for path in series.files]
    for keyword, name in _NEEDED_UIDS.items():
        if any(not source.get(keyword) for source in sources):
            raise InputError(f"the images have no {name}, so that a DICOM SEG cannot refer to them.", remedy=_REMEDY)
    if _has_position(sources[0]) and not sources[0].get("FrameOfReferenceUID"):
        raise InputError(
            "the images have no Frame of Reference UID, so that a DICOM SEG cannot say where it lies.", remedy=_REMEDY
        )
    for source in sources:
        _fill_in(source)
    _share_orientation(sources)
    return sources


def _read_header(path: Path) -> Dataset:
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except (OSError, InvalidDicomError) as error:
        raise InputError("a source image can no longer be read.", where=path.name, remedy=_REMEDY) from error


def _has_position(source: Dataset) -> bool:
    """Plain radiographs have no position; their masks lie on the image itself."""
    return "ImagePositionPatient" in source or "SharedFunctionalGroupsSequence" in source


def _fill_in(source: Dataset) -> None:
    for keyword in _MAY_BE_EMPTY:
        if keyword not in source:
            setattr(source, keyword, None if keyword == "PatientBirthDate" else "")
    if not source.get("Modality"):
        source.Modality = "OT"


def _share_orientation(sources: list[Dataset]) -> None:
    """One orientation for all: highdicom compares them digit by digit, and real series differ in the last ones.

    The reader has already refused series whose orientations truly differ.
    """
    first = sources[0]
    if "ImageOrientationPatient" in first:
        for source in sources[1:]:
            source.ImageOrientationPatient = first.ImageOrientationPatient
    if "PerFrameFunctionalGroupsSequence" not in first or not first.get("SharedFunctionalGroupsSequence"):
        return
    shared, frame = first.SharedFunctionalGroupsSequence[0], first.PerFrameFunctionalGroupsSequence[0]
    for keyword in ("PlaneOrientationSequence", "PixelMeasuresSequence"):
        if keyword not in shared and keyword in frame:
            setattr(shared, keyword, frame[keyword].value)
