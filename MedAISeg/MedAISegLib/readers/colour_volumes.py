"""Red, green and blue of a picture as a volume each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.colours import COLOURS, PHOTOMETRIC, RGB
from ..core.volume import Volume


def volumes_of_colours(like: Volume, pixels: NDArray[Any]) -> tuple[Volume, ...]:
    """A volume a colour, each named after it; their attributes tell that they belong together.

    Args:
        like: the picture's grid and all that is known of it.
        pixels: (k, j, i, 3 or more) red, green and blue.
    """
    attributes = {**like.attributes, PHOTOMETRIC: RGB}
    return tuple(
        replace(
            like,
            voxels=np.ascontiguousarray(pixels[..., number]),
            description=f"{like.description} ({colour})".strip(),
            attributes=attributes,
        )
        for number, colour in enumerate(COLOURS)
    )
