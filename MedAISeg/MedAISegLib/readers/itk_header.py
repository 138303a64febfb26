"""What the headers of NRRD and MetaImage say of unit and frame, which ITK passes over, and what they leave open.

NRRD: Teem's "Definition of NRRD File Format", 4 (per-axis fields) and 5 (space and orientation).
MetaImage: the ITK wiki's "MetaIO/Documentation", its tables of tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..core.geometry import Affine
from ..core.notice import Notice

_LONGEST_HEADER_BYTES = 4 << 20

_UNIT_MM = {
    "nm": 1e-6, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "micrometer": 1e-3, "micrometre": 1e-3,
    "mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "cm": 10.0, "centimeter": 10.0, "centimetre": 10.0, "dm": 100.0,
    "m": 1000.0, "meter": 1000.0, "metre": 1000.0,
}  # fmt: skip
_UNKNOWN_UNIT = ("", "?", "unknown", "none")

_SIGNS_TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "left-posterior-superior-time": (1.0, 1.0, 1.0),
    "right-anterior-superior-time": (-1.0, -1.0, 1.0),
    "left-anterior-superior-time": (1.0, -1.0, 1.0),
}
"""The patient's frames, as ITK hands them on: it turns those without time into LPS, those with time it leaves."""

_ITK_LETTERS_OF_LPS = "RAI"
"""MetaImage's letters are the sides that axes come from."""

_SCALES = ("ElementSpacing", "ElementSize")
_MATRICES = ("TransformMatrix", "Rotation", "Orientation")


@dataclass(frozen=True)
class StatedFrame:
    """What a header says of the frame that its numbers are in, and what has to be assumed.

    Attributes:
        to_lps_mm: turns the file's lengths and directions, as ITK gives them, into LPS mm.
        questions: assumptions that the user has to accept.
    """

    to_lps_mm: Affine = field(default_factory=lambda: np.eye(4))
    notices: tuple[Notice, ...] = ()
    questions: tuple[str, ...] = ()


def nrrd_frame(path: Path, space: str, dimension: int) -> StatedFrame:
    """Of a NRRD.

    Args:
        path: the file, or its detached header.
        space: as ITK gives it, empty where the file has none.
        dimension: number of the image's axes.
    """
    fields = dict(_fields(path, ":"))
    axes = min(dimension, 3)
    signs = _SIGNS_TO_LPS.get(space.lower(), (1.0, 1.0, 1.0))
    frame = StatedFrame(np.diag([*signs, 1.0]))
    units = fields.get("space units", fields.get("units", ""))
    frame = _in_mm(frame, list(dict.fromkeys(_quoted(units)[:axes])))
    spacings = fields.get("spacings", "").lower().split()[:axes]
    if "space directions" not in fields and (not spacings or "nan" in spacings):
        frame = _asking(frame, _NO_SPACING)
    if space.lower() == "3d-left-handed":
        return _asking(
            frame,
            "its frame is left-handed (3D-left-handed), which is no patient's; LPS is assumed, and left and right may "
            "be exchanged.",
        )
    return frame if space.lower() in _SIGNS_TO_LPS else _saying(frame, _no_orientation(space))


def metaimage_frame(path: Path) -> StatedFrame:
    """Of a MetaImage, by its file or the header beside its voxels."""
    fields = dict(_fields(path, "="))
    frame = _in_mm(StatedFrame(), [fields.get("distanceunits", "")])
    if not any(name.lower() in fields for name in _SCALES):
        frame = _asking(frame, _NO_SPACING)
    letters = fields.get("anatomicalorientation", "").upper().replace("?", "")
    if any(name.lower() in fields for name in _MATRICES) or letters == _ITK_LETTERS_OF_LPS:
        return frame
    if not letters:
        return _saying(frame, _no_orientation(""))
    return _asking(
        frame,
        f"it says how it lies by AnatomicalOrientation {letters} only, which programs read in opposite ways; LPS is "
        "assumed.",
    )


_NO_SPACING = "it does not say how far its voxels are apart; 1 mm is assumed, and all lengths and volumes depend on it."


def _no_orientation(space: str) -> Notice:
    if not space:
        message = "The file does not say how it lies in the patient; LPS was assumed."
    else:
        message = f"The file gives places in a frame that is not the patient's ({space}); LPS was assumed."
    return Notice("no-orientation", message)


def _in_mm(frame: StatedFrame, units: list[str]) -> StatedFrame:
    """With the lengths converted; a unit that is not given is mm, as both formats' own programs take it."""
    known = [unit for unit in units if unit.lower() not in _UNKNOWN_UNIT]
    if not known:
        return frame
    lengths = {_UNIT_MM.get(unit.lower(), _UNIT_MM.get(unit.lower().removesuffix("s"))) for unit in known}
    factor = lengths.pop()
    if factor is None or lengths or len(known) != len(units):
        named = ", ".join(unit or "none" for unit in units)[:60]
        return _asking(frame, f"its lengths are in {named}, which is no one unit of length; mm is assumed.")
    if factor == 1.0:
        return frame
    scaled = np.diag([factor, factor, factor, 1.0]) @ frame.to_lps_mm
    return _saying(
        replace(frame, to_lps_mm=scaled), Notice("units", f"Its lengths are in {known[0]}; they were converted to mm.")
    )


def _asking(frame: StatedFrame, question: str) -> StatedFrame:
    return replace(frame, questions=(*frame.questions, question))


def _saying(frame: StatedFrame, notice: Notice) -> StatedFrame:
    return replace(frame, notices=(*frame.notices, notice))


def _quoted(text: str) -> list[str]:
    """The texts between quotation marks."""
    return [part.strip() for part in text.split('"')[1::2]]


def _fields(path: Path, separator: str) -> Iterator[tuple[str, str]]:
    """Names, in small letters, and values of the header's fields, one a line, up to the voxels."""
    with path.open("rb") as file:
        left = _LONGEST_HEADER_BYTES
        while left > 0 and (line := file.readline(left)):
            left -= len(line)
            text = line.decode("utf-8", errors="replace").strip()
            name, found, value = text.partition(separator)
            if found:
                yield name.strip().lower(), value.strip()
            if not text or name.strip() == "ElementDataFile":
                return
