"""Codes and usual colours of the structures that published models find, by their names.

The table beside this module, ``terminology_table.json``, holds structures by name without side, each code as
``SCHEME VALUE MEANING``; it names its sources. What has no published code is not in it, nor has what is published with
an identifier that SNOMED CT cannot have given, or gives to something else. A code's own meaning will do as a name too.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from .terminology import (
    ANATOMICAL_STRUCTURE,
    LEFT,
    MORPHOLOGICALLY_ALTERED_STRUCTURE,
    RIGHT,
    TISSUE,
    Code,
    Terminology,
    read_code,
)

_TABLE = Path(__file__).with_suffix(".json")

_CATEGORIES = {
    "structure": ANATOMICAL_STRUCTURE,
    "tissue": TISSUE,
    "altered": MORPHOLOGICALLY_ALTERED_STRUCTURE,
    "substance": Code("91720002", "SCT", "Body Substance"),
    "object": Code("260787004", "SCT", "Physical object"),
}

_SIDES = {"left": LEFT, "lh": LEFT, "right": RIGHT, "rh": RIGHT}
_LAST_LETTER_SIDES = {"l": LEFT, "r": RIGHT}
_FILLER = re.compile(r"ctx|fdi\d+")
"""FreeSurfer's mark of cortical parcels, as in ``ctx-lh-cuneus``, and a tooth's number behind its name."""
_ABBREVIATION = re.compile(r"-(?:[A-Za-z]{2,4}-{2,4}|[A-Z][A-Za-z]*[A-Z]{2}-)")
"""BrainCOLOR's, before the name: ``Left-AnG---angular-gyrus``, ``Left-OpIFG-opercular-part-of-the-IFG``."""


def terminology_for(name: str) -> Terminology | None:
    """What a structure's name says, e.g. of ``kidney_left`` or ``Left-Hippocampus``; None where it is not known.

    The side becomes a modifier of the type, or of the region for something found in a paired organ.
    """
    found = _find(name)
    if found is None:
        return None
    entry, side = found
    category = _CATEGORIES[entry.get("category", "structure")]
    kind = read_code(entry["type"])
    modifier = read_code(entry["modifier"]) if "modifier" in entry else None
    region = read_code(entry["region"]) if "region" in entry else None
    of_the_region = side if region else None
    if category is not ANATOMICAL_STRUCTURE:
        return Terminology(category, kind, modifier, region, of_the_region)
    return Terminology(category, kind, modifier or side, region, of_the_region)


def color_for(name: str) -> tuple[int, int, int] | None:
    """The colour in which a structure is usually shown, 0 to 255 each; None where there is none."""
    found = _find(name)
    color = found[0].get("color") if found else None
    return None if color is None else (int(color[0]), int(color[1]), int(color[2]))


def _find(name: str) -> tuple[dict[str, Any], Code | None] | None:
    """The table's entry of a name, and the side that the name says beyond it."""
    structures, aliases = _table()
    for spelled in dict.fromkeys((name, _ABBREVIATION.sub("-", name))):
        for kept, side in _readings(_words(spelled)):
            text = " ".join(kept)
            text = aliases.get(text, text)
            if text in structures:
                return structures[text], side
    return None


def _words(name: str) -> list[str]:
    words = re.split(r"[^a-z0-9]+", name.lower())
    return [word for word in words if word and not _FILLER.fullmatch(word)]


def _readings(words: list[str]) -> list[tuple[list[str], Code | None]]:
    """The name as it stands first, since ``heart atrium left`` is a structure of its own; then without its side."""
    readings: list[tuple[list[str], Code | None]] = [(words, None)]
    sided = [word for word in words if word in _SIDES]
    if len(sided) == 1:
        readings.append(([word for word in words if word not in _SIDES], _SIDES[sided[0]]))
    elif not sided and len(words) > 1 and words[-1] in _LAST_LETTER_SIDES:
        readings.append((words[:-1], _LAST_LETTER_SIDES[words[-1]]))
    return readings


@cache
def _table() -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Structures, and other names of them; a code's meaning names what needs no further code to be told."""
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    structures: dict[str, dict[str, Any]] = table["structures"]
    alone = {name: entry for name, entry in structures.items() if not {"region", "modifier"} & set(entry)}
    meanings = {" ".join(_words(read_code(entry["type"]).meaning)): name for name, entry in reversed(alone.items())}
    return structures, meanings | table["aliases"] | {name: name for name in structures}
