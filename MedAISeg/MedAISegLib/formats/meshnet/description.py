"""What the files of a MeshNet model do not say: how its input is scaled, what it is for, licence and citation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ...core.notice import Notice
from ...core.records import from_json, to_json
from ..texts import text_of

DESCRIPTION = "medaiseg.json"


class Scaling(Enum):
    """How the conformed volume is brought to 0..1."""

    MIN_MAX = "min-max"
    PERCENTILES = "percentiles 2-98"


@dataclass(frozen=True)
class Description:
    """Of one model; the texts are those of a ModelSpec."""

    name: str = ""
    version: str = ""
    description: str = ""
    anatomy: str = ""
    scaling: Scaling = Scaling.MIN_MAX
    license: str = ""
    commercial_use: bool | None = None
    citation: str = ""
    intended_use: str = ""


def complete(published: Description | None, root: Path) -> tuple[Description, tuple[Notice, ...]]:
    """What we know of published weights, with what ``medaiseg.json`` in the model's folder says instead.

    Returns:
        The description, and a notice where neither says how the input is scaled.

    Raises:
        ModelError: if ``medaiseg.json`` is damaged.
    """
    own = _own(root / DESCRIPTION)
    try:
        description = from_json(Description, to_json(published or Description()) | own)
    except ValueError as error:
        raise ModelError(f"{error}.", where=str(root / DESCRIPTION)) from error
    if published is not None or "scaling" in own:
        return description, ()
    notice = Notice(
        "unknown-scaling",
        f"Nothing says how the input of {root.name} is scaled: smallest to largest value are mapped to 0..1. "
        f"A file {DESCRIPTION} in its folder can say {' or '.join(repr(scaling.value) for scaling in Scaling)}.",
    )
    return description, (notice,)


def _own(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(text_of(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"it is not JSON: {error}.", where=str(path)) from error
    if not isinstance(content, dict):
        raise ModelError("a mapping is expected.", where=str(path))
    return content
