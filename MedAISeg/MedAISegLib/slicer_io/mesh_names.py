"""File names for surfaces, one a segment."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_LONGEST = 80


def mesh_file_names(kind: str, segment_names: Sequence[str], stem: str = "segmentation") -> list[str]:
    """``STEM_NAME.KIND`` for each segment, in their order, all different on every file system.

    Letters and digits of any script stay; what a file name cannot hold becomes an underscore.
    """
    names: list[str] = []
    taken: set[str] = set()
    for segment_name in segment_names:
        base = f"{stem}_{_safe(segment_name)}"
        candidate, number = base, 2
        while candidate.casefold() in taken:
            candidate, number = f"{base}_{number}", number + 1
        taken.add(candidate.casefold())
        names.append(f"{candidate}.{kind}")
    return names


def _safe(name: str) -> str:
    letters = unicodedata.normalize("NFC", name)
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in letters)
    return kept[:_LONGEST].strip("._") or "unnamed"
