"""Several trained models that paint one result, such as the parts of TotalSegmentator, as ``medaiseg.json`` says.

::

    {"name": "Trunk", "labels": {"1": "spleen", "2": "kidney_right", "3": "vertebra L5"},
     "parts": [{"folder": "Dataset291", "paints": [0, 1, 2]}, {"folder": "Dataset292", "paints": [0, 3]}],
     "crop": {"folder": "Dataset297", "labels": [1], "margin_mm": 20}}

``paints`` gives the final value of each label of a part, the background's first; 0 drops a label. Later parts paint
over earlier ones. With ``crop``, a rough model looks first, and the parts see only the box of what it finds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ...core.records import from_json
from ..own_description import FILE_NAME
from .folders import TrainedModel, find_trained_model

KEYS = ("parts", "crop", "orientation")
"""What ``medaiseg.json`` says here beyond what it may say beside any model."""
_LARGEST_JSON = 4 * 2**20


@dataclass(frozen=True)
class PartDescription:
    """A trained model of the set; ``folder`` lies beside ``medaiseg.json``."""

    folder: str
    paints: tuple[int, ...]


@dataclass(frozen=True)
class CropDescription:
    """The rough model that looks first; ``labels`` are its values that count, all where empty."""

    folder: str
    labels: tuple[int, ...] = ()
    margin_mm: float = 0.0


@dataclass(frozen=True)
class PartsDescription:
    """A set of parts.

    Attributes:
        orientation: patient sides to which the image's axes run for the networks, slowest axis first, e.g. ``SAR``;
            empty where the parts take images as they are stored.
    """

    parts: tuple[PartDescription, ...]
    crop: CropDescription | None = None
    orientation: str = ""


def parts_description(path: Path) -> PartsDescription | None:
    """What ``medaiseg.json`` in the folder says of parts; None where it names none.

    Raises:
        ModelError: if it is damaged.
    """
    file = path / FILE_NAME
    if not file.is_file():
        return None
    try:
        if file.stat().st_size > _LARGEST_JSON:
            raise ModelError("it is too large.", where=str(file))
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or "parts" not in content:
            return None
        return from_json(PartsDescription, {key: content[key] for key in KEYS if key in content})
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be understood: {error}.", where=str(file)) from error


def part_of(path: Path, folder: str) -> TrainedModel:
    """The trained model of a part.

    Raises:
        ModelError: if the folder is missing or outside, or holds something else.
        NotTrustedError: if a checkpoint holds code.
    """
    place = (path / folder).resolve()
    if not place.is_relative_to(path.resolve()) or not place.is_dir():
        raise ModelError(
            f"its part {folder!r} is missing.", where=str(path), remedy="Put its folder beside medaiseg.json."
        )
    model = find_trained_model(place)
    if model.previous is not None:
        raise ModelError(f"its part {folder!r} is a cascade, which cannot be a part.", where=str(path))
    return model
