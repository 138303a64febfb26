"""``medaiseg.json`` beside the files of a format: what those do not say, in our words.

A file of this name with the key ``networks`` describes a model whole instead: see :mod:`.medaiseg_bundle.description`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ModelError
from ..core.records import from_json
from ..models.spec import Channel
from .texts import text_of

FILE_NAME = "medaiseg.json"
_LARGEST = 4 * 2**20


@dataclass(frozen=True)
class OwnDescription:
    """Texts are those of a ModelSpec, empty where nothing is said.

    Attributes:
        channels: names, modalities and units of the input channels, in the network's order.
        labels: names of the segments by label value.
        paint: of a network whose classes overlap: the label value that each class paints, later ones on top, for a
            result in which no segments overlap.
    """

    name: str = ""
    version: str = ""
    description: str = ""
    anatomy: str = ""
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""
    wants_region: bool = False
    channels: tuple[Channel, ...] = ()
    labels: Mapping[str, str] | None = None
    paint: tuple[int, ...] = ()


def own_description(folder: Path, known: tuple[str, ...] = ()) -> OwnDescription:
    """What the file says; nothing where there is none.

    Args:
        known: keys beyond these that the model's format reads itself.

    Raises:
        ModelError: if it is damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return OwnDescription()
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError("it is too large.", where=str(path))
        content = json.loads(text_of(path, _LARGEST))
        if isinstance(content, dict):
            content = {key: value for key, value in content.items() if key not in known}
        return from_json(OwnDescription, content)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it cannot be understood: {error}.", where=str(path)) from error
