"""One DICOM file's header to an Instance, whatever state the file is in."""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from ..core.errors import InputError
from ..core.language import tr as _
from .dicom_attributes import KEYWORDS, MARKS, PRIVATE_TAGS, collect, items_of, numbers, spacing_of, text, value_of
from .dicom_multiframe import FUNCTIONAL_GROUPS, frames_of
from .dicom_plain import PLAIN_TAGS, PlainPixels, plain_pixels
from .dicom_records import Frame, Instance

BROKEN = (
    InvalidDicomError, OSError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError,
    NotImplementedError, OverflowError, struct.error, zlib.error,
)  # fmt: skip
"""What pydicom lets through when a file is damaged: it has no error of its own for that."""

_NAMES: tuple[str | int, ...] = (
    *KEYWORDS, *MARKS, *PRIVATE_TAGS, *FUNCTIONAL_GROUPS, "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID",
    "SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation",
    "PixelPresentation", "NumberOfFrames", "BitsAllocated", "PixelRepresentation", "PixelSpacing",
    "ImagerPixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept",
    "PixelPaddingValue", "PixelPaddingRangeLimit", *PLAIN_TAGS,
)  # fmt: skip
_TAGS = [Tag(name) for name in _NAMES]

_PREAMBLE_BYTES = 132
_FIRST_GROUPS = (0x0002, 0x0008)


def is_dicom(path: Path) -> bool:
    """Whether the file starts as DICOM does: with the preamble, or without it in group 2 or 8."""
    try:
        with path.open("rb") as file:
            start = file.read(_PREAMBLE_BYTES)
    except OSError:
        return False
    return start[128:132] == b"DICM" or _starts_with_element(start)


def read_header(path: Path) -> Instance | None:
    """The header of a file without its pixels; None for a DICOMDIR, which only lists other files.

    Raises:
        InputError: if the file is damaged.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(file, stop_before_pixels=True, force=True, specific_tags=_TAGS)
            if text(dataset.file_meta.get("MediaStorageSOPClassUID")) == "1.2.840.10008.1.3.10":
                return None
            pixels_at = file.tell()
            plain = plain_pixels(file, dataset)
            file.seek(pixels_at)
            return _instance(path, dataset, _bytes_left(file, dataset), plain)
    except BROKEN as error:
        raise InputError(
            _("the file is damaged: its header cannot be read."),
            where=path.name,
            remedy=_("Copy it again from its source."),
        ) from error


def _starts_with_element(start: bytes) -> bool:
    """Whether a first data element stands at the very beginning, in either encoding (PS3.5 7.1)."""
    if len(start) < 8:
        return False
    group, element = struct.unpack("<HH", start[:4])
    if group not in _FIRST_GROUPS or element > 0x0100:
        return False
    explicit = start[4:6].isalpha() and start[4:6].isupper()
    return explicit or struct.unpack("<I", start[4:8])[0] < 1024


def _bytes_left(file: BinaryIO, dataset: FileDataset) -> int | None:
    """Bytes from the value of the pixel data element to the end of the file, negative where there is none."""
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return None
    here = file.tell()
    return file.seek(0, 2) - here - (8 if _is_implicit(dataset) else 12)


def _is_implicit(dataset: FileDataset) -> bool:
    # pydicom 2.4, which Slicer 5.10 brings, has the older name only.
    encoding = getattr(dataset, "original_encoding", None)
    return bool(encoding[0] if encoding else dataset.read_implicit_vr)


def _instance(path: Path, dataset: FileDataset, bytes_left: int | None, pixels: PlainPixels | None) -> Instance:
    meta = dataset.file_meta
    uids = {
        "SOPClassUID": text(dataset.get("SOPClassUID")) or text(meta.get("MediaStorageSOPClassUID")),
        "SOPInstanceUID": text(dataset.get("SOPInstanceUID")) or text(meta.get("MediaStorageSOPInstanceUID")),
        "StudyInstanceUID": text(dataset.get("StudyInstanceUID")),
        "SeriesInstanceUID": text(dataset.get("SeriesInstanceUID")),
    }
    if not (uids["SOPClassUID"] or dataset.get("Modality") or dataset.get("Rows")):
        raise ValueError("no element says what it is")
    frame_count = int(dataset.get("NumberOfFrames") or 1)
    first = _first_frame(path, dataset, uids["SOPInstanceUID"], pixels)
    groups = [items_of(dataset, name)[:1] for name in FUNCTIONAL_GROUPS]
    first_groups = [item for items in reversed(groups) for item in items]
    syntax = meta.get("TransferSyntaxUID")
    attributes = collect(dataset, first_groups)
    thickness_mm = _positive(dataset.get("SpacingBetweenSlices")) or _positive(attributes.get("SliceThickness"))
    return Instance(
        path=path,
        sop_class_uid=uids["SOPClassUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        frame_of_reference_uid=text(dataset.get("FrameOfReferenceUID")),
        modality=text(dataset.get("Modality")),
        description=text(dataset.get("SeriesDescription")),
        image_type=tuple(text(dataset.get("ImageType")).split("\\")),
        rows=int(dataset.get("Rows") or 0),
        columns=int(dataset.get("Columns") or 0),
        samples=int(dataset.get("SamplesPerPixel") or 1),
        photometric=text(dataset.get("PhotometricInterpretation")),
        colour_map=text(dataset.get("PixelPresentation")) in ("COLOR", "MIXED", "TRUE_COLOR"),
        frame_count=frame_count,
        frames=frames_of(dataset, first, frame_count),
        slice_thickness_mm=thickness_mm,
        stored_bytes=bytes_left,
        expected_bytes=None if syntax and UID(syntax).is_compressed else _expected_bytes(dataset, frame_count),
        padding_stored=_padding(dataset),
        attributes=attributes,
        missing=tuple(keyword for keyword, value in uids.items() if not value),
    )


def _first_frame(path: Path, dataset: Dataset, sop_instance_uid: str, pixels: PlainPixels | None) -> Frame:
    """The file's first frame, as far as the top level of the header describes it."""
    spacing, at_detector = spacing_of(dataset.get("PixelSpacing")), spacing_of(dataset.get("ImagerPixelSpacing"))
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    return Frame(
        path=path,
        sop_instance_uid=sop_instance_uid,
        position_lps=numbers(dataset.get("ImagePositionPatient"), 3),
        orientation=numbers(dataset.get("ImageOrientationPatient"), 6),
        pixel_spacing_mm=spacing or at_detector,
        spacing_is_at_detector=spacing is None and at_detector is not None,
        slope=1.0 if slope in (None, "") else float(slope),
        intercept=0.0 if intercept in (None, "") else float(intercept),
        is_rescaled=intercept not in (None, "") or "ModalityLUTSequence" in dataset,
        marks={keyword: text(value_of(dataset, keyword)) for keyword in MARKS},
        plain=pixels,
    )


def _positive(value: object) -> float | None:
    number = float(str(value)) if value not in (None, "") else 0.0
    return number if 0 < number < math.inf else None


def _expected_bytes(dataset: Dataset, frame_count: int) -> int:
    pixels = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0) * int(dataset.get("SamplesPerPixel") or 1)
    return pixels * frame_count * int(dataset.get("BitsAllocated") or 0) // 8


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    value = dataset.get("PixelPaddingValue")
    if value in (None, ""):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_as_stored(dataset, int(end)) for end in (value, value if limit in (None, "") else limit)]
    return min(ends), max(ends)


def _as_stored(dataset: Dataset, value: int) -> int:
    """The element's VR is US or SS; writers pick the wrong one, the bits are those of a stored value."""
    bits = int(dataset.get("BitsAllocated") or 16)
    value %= 1 << bits
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    return value - (1 << bits) if signed and value >= 1 << (bits - 1) else value
