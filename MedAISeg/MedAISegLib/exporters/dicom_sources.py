"""The headers of the images that a DICOM SEG refers to, made fit for it."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.config import RAISE
from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.valuerep import DA, TM, validate_value

from ..core.errors import InputError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import SeriesReference

_REMEDY = "Write another format, such as NIfTI or .seg.nrrd."

_NEEDED_UIDS = {
    "StudyInstanceUID": "Study Instance UID",
    "SeriesInstanceUID": "Series Instance UID",
    "SOPInstanceUID": "SOP Instance UID",
    "SOPClassUID": "SOP Class UID",
}

_ONE_IN_ALL_IMAGES = {"StudyInstanceUID": "studies", "FrameOfReferenceUID": "frames of reference"}

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

_PATIENT_GROUP = 0x0010

_CHECKED = {"DA": DA, "TM": TM, "AS": str, "CS": str, "DS": float, "IS": int}
"""Value representations that say how a text has to look (PS3.5 6.2), and what takes it."""

_SEXES = ("M", "F", "O")
"""Enumerated values of Patient's Sex (PS3.3 C.7.1.1)."""


def read_sources(series: SeriesReference | None, poll: Poll = never) -> tuple[list[Dataset], tuple[Notice, ...]]:
    """The headers of a series' instances, without pixel data, made fit to derive from.

    Missing Type 2 attributes are added empty; what is said of patient and study in no valid way is left out.

    Returns:
        The headers, and a notice where something was left out.

    Raises:
        InputError: if the segmentation did not come from DICOM, a file is gone, or the series lacks a UID or is of
            several studies or frames of reference.
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
    for keyword, name in _ONE_IN_ALL_IMAGES.items():
        if len({source.get(keyword) for source in sources}) > 1:
            raise InputError(f"the images are of several {name}, and a DICOM SEG refers to one.", remedy=_REMEDY)
    invalid = dict.fromkeys(name for source in sources for name in _leave_out_invalid(source))
    for source in sources:
        _fill_in(source)
    _share_orientation(sources)
    if not invalid:
        return sources, ()
    text = f"Left out of the DICOM SEG, for the images do not say it as the standard asks: {', '.join(invalid)}."
    return sources, (Notice("dicom-seg-header", text),)


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


def _leave_out_invalid(source: Dataset) -> list[str]:
    """Remove what is said of patient, study and series number in no valid way; its names, never its values."""
    further = {tag_for_keyword(keyword) for keyword in (*_MAY_BE_EMPTY, "SeriesNumber")}
    names = []
    for tag in list(source.keys()):
        if (tag.group == _PATIENT_GROUP or tag in further) and not _is_valid(source, tag):
            names.append(dictionary_description(tag))
            del source[tag]
    return names


def _is_valid(source: Dataset, tag: int) -> bool:
    """Of the text as it is in the file: pydicom gives no value where it cannot make one of it."""
    raw = source.get_item(tag)
    vr, value = str(raw.VR or dictionary_VR(tag)), raw.value
    if vr not in _CHECKED or not value:
        return True
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    text = text.strip(" \0")
    if tag == tag_for_keyword("PatientSex"):
        return text in ("", *_SEXES)
    try:
        for part in filter(None, text.split("\\")):
            validate_value(vr, part, RAISE)
            _CHECKED[vr](part)
    except ValueError:
        return False
    return True


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
