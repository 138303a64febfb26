"""Standard codes of what a segment is (DICOM PS3.3 C.8.20.2, PS3.16 CID 7150 ff.; SNOMED CT)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Code:
    """A coded concept: value, coding scheme designator (``SCT``, ``DCM``, …) and meaning (PS3.3 8.8)."""

    value: str
    scheme: str
    meaning: str


@cache
def read_code(text: str) -> Code:
    """The code that is written as ``SCHEME VALUE MEANING``, as our tables do.

    Raises:
        ValueError: if one of the three is missing.
    """
    scheme, value, meaning = text.split(" ", 2)
    return Code(value, scheme, meaning)


ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
TISSUE = Code("85756007", "SCT", "Tissue")
MORPHOLOGICALLY_ALTERED_STRUCTURE = Code("49755003", "SCT", "Morphologically Altered Structure")

RIGHT = Code("24028007", "SCT", "Right")
LEFT = Code("7771000", "SCT", "Left")


@dataclass(frozen=True)
class Terminology:
    """What a segment shows: property category, property type, their modifier, and the anatomic region it lies in."""

    category: Code
    type: Code
    modifier: Code | None = None
    region: Code | None = None
    region_modifier: Code | None = None


UNSPECIFIED = Terminology(TISSUE, Code("85756007", "SCT", "Tissue"))
"""For labels whose meaning the model does not say."""
