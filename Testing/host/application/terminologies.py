"""Small terminologies in the files and under the names of the application's: a few entries, in SNOMED CT's codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SCHEMAS = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas"
_TISSUE = ("85756007", "Tissue")
_STRUCTURE = ("123037004", "Anatomical Structure")
_ALTERED = ("49755003", "Morphologically Altered Structure")
_TYPES: dict[tuple[str, str], tuple[tuple[str, str, tuple[int, int, int]], ...]] = {
    _TISSUE: (("85756007", "Tissue", (128, 174, 128)),),
    _STRUCTURE: (
        ("12738006", "Brain", (250, 250, 225)),
        ("10200004", "Liver", (221, 130, 101)),
        ("78961009", "Spleen", (157, 108, 162)),
        ("64033007", "Kidney", (185, 102, 83)),
        ("39607008", "Lung", (197, 165, 145)),
        ("80891009", "Heart", (206, 110, 84)),
        ("272673000", "Bone", (241, 214, 145)),
    ),
    _ALTERED: (("4147007", "Mass", (144, 238, 144)), ("79654002", "Edema", (140, 224, 228))),
}


def _code(value: str, meaning: str) -> dict[str, Any]:
    return {"CodingSchemeDesignator": "SCT", "CodeValue": value, "CodeMeaning": meaning}


def _context(name: str) -> dict[str, Any]:
    categories = [
        {
            **_code(*category),
            "showAnatomy": category != _STRUCTURE,
            "Type": [{**_code(value, meaning), "recommendedDisplayRGBValue": color} for value, meaning, color in types],
        }
        for category, types in _TYPES.items()
    ]
    return {
        "SegmentationCategoryTypeContextName": name,
        "@schema": f"{_SCHEMAS}/segment-context-schema.json#",
        "SegmentationCodes": {"Category": categories},
    }


def _regions(name: str) -> dict[str, Any]:
    regions = [_code(value, meaning) for value, meaning, _ in _TYPES[_STRUCTURE]]
    return {
        "AnatomicContextName": name,
        "@schema": f"{_SCHEMAS}/anatomic-context-schema.json#",
        "AnatomicCodes": {"AnatomicRegion": regions},
    }


def write_terminologies(folder: Path) -> None:
    files = {
        "SegmentationCategoryTypeModifier-SlicerGeneralAnatomy": _context(
            "Segmentation category and type - 3D Slicer General Anatomy list"
        ),
        "SegmentationCategoryTypeModifier-DICOM-Master": _context("Segmentation category and type - DICOM master list"),
        "AnatomicRegionAndModifier-DICOM-Master": _regions("Anatomic codes - DICOM master list"),
    }
    for name, content in files.items():
        (folder / f"{name}.term.json").write_text(json.dumps(content), encoding="utf-8")
