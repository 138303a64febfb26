"""Several trained models that paint one result, such as the parts of TotalSegmentator, as ``medaiseg.json`` says.

::

    {"name": "Trunk", "labels": {"1": "spleen", "2": "kidney_right", "3": "vertebra L5"},
     "parts": [{"folder": "Dataset291", "paints": [0, 1, 2]}, {"folder": "Dataset292", "paints": [0, 3]}],
     "orientation": "SAR", "pipeline": {"spacing_mm": [1.5, 1.5, 1.5], "step": 0.8, "mirroring": false},
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
from ...models.operations import LabelOperation
from ..own_description import FILE_NAME
from ..texts import text_of
from .choices import choose, only_folds
from .folders import TrainedModel

KEYS = ("parts", "crop", "orientation", "pipeline")
"""What ``medaiseg.json`` says here beyond what it may say beside any model."""
_LARGEST_JSON = 4 * 2**20
_MOST_MODELS = 64
"""Parts and those that look first; each is a stage, of which no model may have more."""


@dataclass(frozen=True)
class Pipeline:
    """What is done around nnU-Net, as TotalSegmentator does it.

    Attributes:
        spacing_mm: that images are brought to before nnU-Net sees them, along the axes of the orientation; labels are
            decided there and come back by the nearest voxel. None leaves images as they are.
        step: from window to window, as a share of the window, 0 < step <= 1.
        mirroring: predictions are averaged with those of mirrored windows, where the model was trained for it.
        postprocessing: of labels on the grid on which they are decided, by the part's own values.
    """

    spacing_mm: tuple[float, float, float] | None = None
    step: float = 0.5
    mirroring: bool = True
    postprocessing: tuple[LabelOperation, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.step <= 1.0 or (self.spacing_mm is not None and min(self.spacing_mm) <= 0):
            raise ValueError("the pipeline has impossible numbers")


@dataclass(frozen=True)
class PartDescription:
    """A trained model of the set.

    Attributes:
        folder: lies beside ``medaiseg.json``; where it holds several configurations, ``folder/configuration``.
        folds: that are used; all where empty.
    """

    folder: str
    paints: tuple[int, ...]
    folds: tuple[str, ...] = ()


@dataclass(frozen=True)
class CropDescription:
    """The rough model that looks first; ``labels`` are its values that count, all where empty.

    Attributes:
        whole_numbers: of a cropped image what is behind the point of a value is cut off, as TotalSegmentator does.
        crop: an even rougher one, that says where this one looks.
    """

    folder: str
    labels: tuple[int, ...] = ()
    margin_mm: float = 0.0
    whole_numbers: bool = False
    folds: tuple[str, ...] = ()
    pipeline: Pipeline = Pipeline()
    crop: CropDescription | None = None


@dataclass(frozen=True)
class PartsDescription:
    """A set of parts.

    Attributes:
        orientation: patient sides to which the image's axes run for the networks, slowest axis first, e.g. ``SAR``;
            empty where the parts take images as they are stored.
        pipeline: of all parts.
    """

    parts: tuple[PartDescription, ...]
    crop: CropDescription | None = None
    orientation: str = ""
    pipeline: Pipeline = Pipeline()

    def __post_init__(self) -> None:
        models, crop = len(self.parts), self.crop
        while crop is not None:
            models, crop = models + 1, crop.crop
        if models > _MOST_MODELS:
            raise ValueError(f"it has {models} parts and rough models, and may have {_MOST_MODELS}")


def parts_description(path: Path) -> PartsDescription | None:
    """What ``medaiseg.json`` in the folder says of parts; None where it names none.

    Raises:
        ModelError: if it is damaged, or names more parts than a model may have.
    """
    file = path / FILE_NAME
    if not file.is_file():
        return None
    try:
        if file.stat().st_size > _LARGEST_JSON:
            raise ModelError("it is too large.", where=str(file))
        content: Any = json.loads(text_of(file, _LARGEST_JSON))
        if not isinstance(content, dict) or "parts" not in content:
            return None
        return from_json(PartsDescription, {key: content[key] for key in KEYS if key in content})
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be understood: {error}.", where=str(file)) from error


def part_of(path: Path, part: PartDescription | CropDescription) -> TrainedModel:
    """The trained model of a part.

    Raises:
        ModelError: if the folder is missing or outside, or holds something else.
        NotTrustedError: if a checkpoint holds code.
    """
    place = (path / part.folder).resolve()
    if not place.is_relative_to(path.resolve()) or not (
        place.is_dir() or (place.parent.is_dir() and "/" in part.folder)
    ):
        raise ModelError(
            f"its part {part.folder!r} is missing.", where=str(path), remedy="Put its folder beside medaiseg.json."
        )
    model, *others = choose(place).members
    if model.previous is not None or others:
        what = "an ensemble" if others else "a cascade"
        raise ModelError(f"its part {part.folder!r} is {what}, which cannot be a part.", where=str(path))
    return only_folds(model, part.folds)
