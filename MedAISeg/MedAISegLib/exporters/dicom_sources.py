"""The headers of the images that a DICOM SEG refers to, made fit for it."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ..core.errors import InputError
from ..core.progress import Poll, never
from ..core.volume import SeriesReference

_REMEDY = "Write another format, such as NIfTI or .seg.nrrd."

_AGE = re.compile(r"\d{3}[DWMY]")
"""Value representation AS (PS3.5 6.2)."""

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


def read_sources(series: SeriesReference | None, poll: Poll = never) -> list[Dataset]:
    """The headers of a series' instances, without pixel data, made fit to derive from.

    Missing Type 2 attributes are added empty, an invalid age is left out.

    Raises:
        InputError: if the segmentation did not come from DICOM, a file is gone, or the series lacks a UID.
    """
    if series is None or not series.files:
        raise InputError(
            "a DICOM SEG refers to the DICOM images it was made from, and this image came from elsewhere.",
            remedy=_REMEDY,
        )
    sources = []
    for path in series.files:
        sources.append(_read_header(path))
        poll()
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


def state_slice_step(sources: list[Dataset], slice_step_mm: float) -> None:
    """Readers that go by Spacing Between Slices get the true one; a Slice Thickness is only added where none is."""
    for source in sources:
        for item in _pixel_measures(source):
            item.SpacingBetweenSlices = slice_step_mm
            item.SliceThickness = item.get("SliceThickness") or slice_step_mm


def _pixel_measures(source: Dataset) -> list[Dataset]:
    """The data sets of an instance that hold its spacing (PS3.3 C.7.6.16.2.1)."""
    if "SharedFunctionalGroupsSequence" not in source:
        return [source]
    groups = [*source.SharedFunctionalGroupsSequence, *source.get("PerFrameFunctionalGroupsSequence", [])]
    return [item for group in groups for item in group.get("PixelMeasuresSequence", [])]


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
    if not _AGE.fullmatch(str(source.get("PatientAge", "")) or "000Y"):
        del source.PatientAge


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
