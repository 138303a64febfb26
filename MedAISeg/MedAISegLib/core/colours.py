"""Colours of pictures: red, green and blue as images of their own, or their luminance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .language import tr as _
from .notice import Notice

COLOURS = ("R, red", "G, green", "B, blue")
"""What stands behind the name of a picture that only one of its colours is taken of."""

PHOTOMETRIC, RGB = "PhotometricInterpretation", "RGB"
"""DICOM's keyword among a volume's attributes, and its word for red, green and blue."""

_NAMES = (("r", "red"), ("g", "green"), ("b", "blue"))
_LUMA = np.array([0.2126, 0.7152, 0.0722])
"""ITU-R BT.709"""


def colour_number(channel_name: str) -> int | None:
    """0, 1 or 2 where a channel is named after red, green or blue; else None."""
    word = channel_name.strip().casefold()
    return next((number for number, names in enumerate(_NAMES) if word in names), None)


def grey_notice() -> Notice:
    """For an image that only the luminance is taken of."""
    return Notice("colour-to-grey", _("The colour image was turned to grey by its luminance."))


def is_grey(pixels: NDArray[Any]) -> bool:
    """Whether (…, 3 or more) red, green and blue are the same everywhere."""
    return bool((pixels[..., 1:3] == pixels[..., :1]).all())


def luminance(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """(…,) of (…, 3 or more) red, green and blue, in the pixels' own range (ITU-R BT.709)."""
    return np.asarray(pixels[..., :3] @ _LUMA, dtype=np.float32)
