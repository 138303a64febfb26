"""What the catalogue knows of a label's name: the standard codes of what it stands for, and its usual colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.terminology import UNSPECIFIED, Terminology, read_code
from .spec import SegmentSpec


@dataclass(frozen=True)
class Structure:
    """``color_rgb`` is 0 to 255 each, None where there is no usual one."""

    terminology: Terminology = UNSPECIFIED
    color_rgb: tuple[int, int, int] | None = None

    def segment(self, label_value: int, name: str) -> SegmentSpec:
        """The segment of a model that gives it this label."""
        return SegmentSpec(label_value, name, self.terminology, self.color_rgb)


UNKNOWN = Structure()


def read_structures(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Structure]:
    """Of the catalogue's ``structures``: by name the parts of a :class:`Terminology`, each as text, and a ``color``.

    Raises:
        ValueError, TypeError: if an entry does not have this shape.
    """
    return {name: _structure(**entry) for name, entry in entries.items()}


def _structure(*, color: list[int] | None = None, **codes: str) -> Structure:
    terminology = Terminology(**{part: read_code(text) for part, text in codes.items()})
    if color is None:
        return Structure(terminology)
    red, green, blue = color
    return Structure(terminology, (red, green, blue))
