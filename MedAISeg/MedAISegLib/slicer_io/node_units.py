"""What the voxels of a volume node measure, by what the node itself says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_CODES = {
    "{suvbw}g/ml": ("GML", "BW"),
    "{suvlbm}g/ml": ("GML", "LBM"),
    "{suvibw}g/ml": ("GML", "IBW"),
    "{suvbsa}cm2/ml": ("CM2ML", "BSA"),
    "bq/ml": ("BQML", ""),
    "{counts}": ("CNTS", ""),
}
"""UCUM codes of PET images (PS3.16 CID 84), in lower case, to Units and SUVType (PS3.3 C.8.9.1)."""

_SILENT = ("", "1")
"""No code, or that of no units."""

_NAMED = {
    "IBW": r"suv ?ibw|ideal[ _]body",
    "LBM": r"suv ?lbm|lean[ _]body",
    "BSA": r"suv ?bsa|body[ _]surface",
    "BW": r"suv ?bw|body[ _]weight",
}
"""How extensions name the kinds of SUV; the last is part of the first."""

_MAPPED = "DICOM.RWV.instanceUID"
"""Attribute of nodes whose values the PETDICOM extension has multiplied by a real-world value mapping."""


@dataclass(frozen=True)
class NodeUnits:
    """What the values of a node are.

    Attributes:
        units: DICOM's Units (``GML``, ``BQML``, …); empty where the node does not say.
        suv_type: DICOM's SUVType.
    """

    units: str = ""
    suv_type: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """As they stand in a header."""
        found = {"Units": self.units, "SUVType": self.suv_type}
        return {keyword: value for keyword, value in found.items() if value}


def node_units(node: Any) -> NodeUnits | None:
    """By the node's coded units, which plugins set that have changed the values.

    Returns:
        None where the node says something that is not known, or contradicts itself.
    """
    code = _code_of(node.GetVoxelValueUnits())
    if code in _SILENT:
        return None if node.GetAttribute(_MAPPED) is not None else NodeUnits()
    if code not in _CODES:
        return None
    units, kind = _CODES[code]
    # The extension gives each of its volumes the units of the first one, but names them rightly.
    named = suv_type_in(node.GetName() or "")
    return None if named and named != kind else NodeUnits(units, kind)


def suv_type_in(name: str) -> str:
    """The kind of SUV that a node's name speaks of, as DICOM's SUVType; empty if of none."""
    return next((kind for kind, pattern in _NAMED.items() if re.search(pattern, name, re.IGNORECASE)), "")


def node_modality(node: Any) -> str:
    """By the codes that Slicer's scalar volume plugin leaves on a node; empty where they say nothing."""
    units, quantity = _code_of(node.GetVoxelValueUnits()), _code_of(node.GetVoxelValueQuantity())
    if units == "[hnsf'u]":
        return "CT"
    if quantity == "110852":
        return "MR"
    return "PT" if units in _CODES else ""


def _code_of(entry: Any) -> str:
    return (entry.GetCodeValue() or "").lower() if entry is not None else ""
