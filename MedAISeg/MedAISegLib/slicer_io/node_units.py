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

_NAMED_KIND = re.compile(r"suv ?(bw|lbm|ibw|bsa)", re.IGNORECASE)
_MAPPED = "DICOM.RWV.instanceUID"
"""Attribute of nodes whose values the PETDICOM extension has multiplied by a real-world value mapping."""


@dataclass(frozen=True)
class NodeUnits:
    """What the values of a node are.

    Attributes:
        units: DICOM's Units (``GML``, ``BQML``, …); empty where the node does not say, ``?`` where it says something
            that is not known or contradicts itself.
        suv_type: DICOM's SUVType.
    """

    units: str = ""
    suv_type: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """As they stand in a header."""
        found = {"Units": self.units, "SUVType": self.suv_type}
        return {keyword: value for keyword, value in found.items() if value}


UNDECIDED = NodeUnits("?")


def node_units(node: Any) -> NodeUnits:
    """By the node's coded units, which plugins set that have changed the values."""
    code = _code_of(node.GetVoxelValueUnits())
    if not code:
        return UNDECIDED if node.GetAttribute(_MAPPED) is not None else NodeUnits()
    if code not in _CODES:
        return UNDECIDED
    units, kind = _CODES[code]
    # The extension gives each of its volumes the units of the first one, but names them rightly.
    named = _NAMED_KIND.search(node.GetName() or "")
    return UNDECIDED if named and named[1].upper() != kind else NodeUnits(units, kind)


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
