"""What the names of the catalogue's labels stand for, as ``MedAISegLib.models.structures`` reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from MedAISegLib.core.terminology import Terminology
from MedAISegLib.core.terminology_table import color_for, terminology_for


def structures_of(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The names in the entries' labels that have a code, in the alphabet's order; the others are absent."""
    names = {name for entry in entries for name in entry.get("labels", {}).values()}
    known = {name: terminology_for(name) for name in sorted(names)}
    return {name: _entry(name, terminology) for name, terminology in known.items() if terminology}


def _entry(name: str, terminology: Terminology) -> dict[str, Any]:
    codes = {part.name: getattr(terminology, part.name) for part in fields(terminology)}
    entry: dict[str, Any] = {part: f"{code.scheme} {code.value} {code.meaning}" for part, code in codes.items() if code}
    color = color_for(name)
    return entry if color is None else entry | {"color": list(color)}
