"""Values of DICOM files as the texts that ctkDICOMDatabase gives."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

NOT_IN_INSTANCE = "__TAG_NOT_IN_INSTANCE__"
EMPTY = "__VALUE_IS_EMPTY_STRING__"
NOT_STORED = "__VALUE_IS_NOT_STORED__"
MARKERS = (NOT_IN_INSTANCE, EMPTY, NOT_STORED)

PIXEL_DATA = 0x7FE00010

PRECACHED = (
    "0008,0008", "0008,0016", "0008,0018", "0008,0021", "0008,0033", "0008,0060", "0008,103E", "0008,103e",
    "0008,1090", "0018,1060", "0018,9089", "0020,000E", "0020,0010", "0020,0011", "0020,0012", "0020,0013",
    "0020,0031", "0020,0032", "0020,0037", "0020,0052", "0028,0004", "0028,0008", "0028,0010", "0028,0011",
    "0028,1050", "0028,1051", "7fe0,0010", "cadb,0010", "cadb,1008", "cadb,1010", "0010,0020", "0010,0010",
    "0010,0030", "0010,0032", "0010,0040", "0010,1010", "0010,4000", "0020,000D", "0008,0020", "0008,0030",
    "0008,0050", "0008,0061", "0008,0080", "0008,1050", "0008,0090", "0008,1030", "0008,0031", "0018,0015",
    "0018,0010", "0018,0020", "0018,0086", "0020,0100", "300A,0003", "300A,0002", "3006,0004", "3006,0002",
    "3002,0003", "3002,0002", "3002,0004",
)  # fmt: skip
"""What Slicer 5.10 with its core plugins keeps in the cache of every instance."""


def read(path: Path, *, pixels: bool = False) -> Dataset | None:
    """A file's data set; None where it is no DICOM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dcmread(path, stop_before_pixels=not pixels, force=False)
        except (InvalidDicomError, OSError):
            return None


def key_of(tag: str) -> int | None:
    """``gggg,eeee`` in hexadecimal digits as a number; None for another form."""
    group, comma, element = tag.partition(",")
    try:
        return (int(group, 16) << 16) + int(element, 16) if comma else None
    except ValueError:
        return None


def text_of(dataset: Dataset, tag: str) -> str:
    """A tag's value; empty for sequences, binary values and what is not there."""
    key = key_of(tag)
    if key is None or key not in dataset:
        return ""
    element = dataset[key]
    if element.VR in ("SQ", "OB", "OW", "OF", "OD", "OL", "UN"):
        return ""
    return _text(element.value)


def name_of(dataset: Dataset, keyword: str) -> str:
    """The text of a keyword's value."""
    return _text(dataset.get(keyword))


def number_of(dataset: Dataset, keyword: str) -> int:
    """A whole number, 0 where there is none."""
    try:
        return int(str(dataset.get(keyword)).split("\\")[0])
    except ValueError:
        return 0


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (MultiValue, list, tuple)):
        return "\\".join(_text(item) for item in value)
    # Decimal strings as they stand in the file; a person's name has its bytes there.
    original = getattr(value, "original_string", None)
    return (original if isinstance(original, str) else str(value)).strip()
