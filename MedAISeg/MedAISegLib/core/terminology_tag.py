"""Slicer's text form of a segment's codes, as it stands in a tag of the segment."""

from __future__ import annotations

from .characters import shown
from .terminology import UNSPECIFIED, Code, Terminology

TERMINOLOGY = "TerminologyEntry"
"""The tag's name."""

_TYPE_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"


def terminology_to_tag(terminology: Terminology) -> str:
    """``context~category~type~modifier~region context~region~modifier``, each code as ``scheme^value^meaning``."""
    codes = (terminology.category, terminology.type, terminology.modifier)
    regions = (terminology.region, terminology.region_modifier)
    return "~".join([_TYPE_CONTEXT, *map(_code_to_text, codes), _REGION_CONTEXT, *map(_code_to_text, regions)])


def terminology_from_tag(text: str) -> Terminology:
    """The codes of a tag; unspecified where it holds none."""
    parts = [*text.split("~"), *[""] * 7]
    category, kind = _code_from_text(parts[1]), _code_from_text(parts[2])
    if category is None or kind is None:
        return UNSPECIFIED
    return Terminology(category, kind, _code_from_text(parts[3]), _code_from_text(parts[5]), _code_from_text(parts[6]))


def _code_to_text(code: Code | None) -> str:
    return "^^" if code is None else "^".join(_plain(text) for text in (code.scheme, code.value, code.meaning))


def _plain(text: str) -> str:
    """Without the letters that divide a tag, or the tags in a file."""
    return "".join(" " if letter in "~^|" else letter for letter in shown(text))


def _code_from_text(text: str) -> Code | None:
    scheme, value, meaning = (*text.split("^"), "", "", "")[:3]
    return Code(value, scheme, meaning) if value else None
