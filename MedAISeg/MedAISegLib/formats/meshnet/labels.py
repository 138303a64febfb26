"""Names and colours of a model's classes from brainchop's ``colormap.json``: lists R, G, B and labels by class."""

from __future__ import annotations

import json
from pathlib import Path

from ...core.errors import ModelError
from ...core.records import from_json
from ...core.terminology import UNSPECIFIED
from ...core.terminology_table import terminology_for
from ...models.spec import SegmentSpec
from ..texts import text_of


def find_color_map(root: Path, classes: int | None) -> Path | None:
    """The colour map that names as many labels as there are classes, None where the folder has no colour map.

    A network that tells tissues apart may come with one more, for its use as a brain mask.

    Raises:
        ModelError: if none fits or one is damaged, or if several would do.
    """
    counts = {path: len(_read(path)[0]) for path in sorted(root.glob("colormap*.json"))}
    if not counts:
        return None
    fitting = [path for path, count in counts.items() if classes in (None, count)]
    if len(fitting) == 1:
        return fitting[0]
    found = ", ".join(f"{path.name} {count}" for path, count in counts.items())
    wanted = "its number of classes is not stated" if classes is None else f"it has {classes} classes"
    raise ModelError(f"{wanted}, and its colour maps name: {found}.", where=str(root))


def read_segments(root: Path, color_map: Path | None, classes: int | None) -> tuple[SegmentSpec, ...]:
    """All classes but the background, class 0; the label value is the class.

    Raises:
        ModelError: if neither a colour map nor the architecture says how many there are, or two are called alike.
    """
    if color_map is None:
        if classes is None:
            raise ModelError("nothing says how many classes it has; its colormap.json is missing.", where=str(root))
        return tuple(SegmentSpec(value, f"label {value}") for value in range(1, classes))
    names, colors = _read(color_map)
    if len(set(names)) != len(names):
        raise ModelError("two labels are called alike.", where=str(color_map))
    return tuple(
        SegmentSpec(value, names[value], terminology_for(names[value]) or UNSPECIFIED, colors[value])
        for value in range(1, len(names))
    )


def _read(path: Path) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
    try:
        content = json.loads(text_of(path))
        # FreeSurfer marks a name that it changed once with an asterisk.
        names = tuple(name.strip().rstrip("*") for name in from_json(tuple[str, ...], content["labels"]))
        red, green, blue = (from_json(tuple[int, ...], content[channel]) for channel in "RGB")
        colors = tuple(zip(red, green, blue, strict=True))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"it is no colour map: {error}.", where=str(path)) from error
    if not len(colors) == len(names) > 1 or not all(0 <= v <= 255 for color in colors for v in color):
        raise ModelError(f"{len(names)} labels and {len(colors)} colours of 0 to 255 do not fit.", where=str(path))
    return names, colors
