"""Where the patient is not, in a CT: its scale says what is air, and air that lies all around is not a lung.

What is dark tells nothing by itself: in a PET most of the body is, in an MR the lungs are, and a lesion may be.
"""

from __future__ import annotations

import hashlib
import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..core.volume import Volume
from .slabs import Box

_AIR_HU = -700.0
"""At most: air has -1000, a lung -850 with vessels, whose voxels have more."""

_STEP_MM = 5.0
"""From one voxel that is looked at to the next."""

_MARGIN_MM = 20.0
_EDGE_MM = 100.0
"""A cube without anything denser is larger than what a lung or a bowel has of air."""


class PatientOutline:
    """All that is denser than air in a CT, and all that this encloses.

    Attributes:
        digest: of the outline, by which an image is known again.
    """

    def __init__(self, volume: Volume) -> None:
        """Of Hounsfield units, of which one voxel in 5 mm is looked at; what is no number counts as dense."""
        geometry = volume.geometry
        self._to_index = np.linalg.inv(geometry.affine_lps)
        self._spacing_mm = geometry.spacing_mm
        self._steps = np.maximum(1, (_STEP_MM / self._spacing_mm).astype(int))
        sample = volume.voxels[tuple(slice(None, None, step) for step in self._steps)]
        self._inside = _enclosed(~(sample <= _AIR_HU), geometry)
        self.digest = hashlib.blake2b(np.packbits(self._inside).tobytes(), digest_size=8).hexdigest()

    def is_clear_of(self, box: Box, geometry: VolumeGeometry) -> bool:
        """Whether a box on some grid lies in the air around the patient, with 20 mm to spare and 100 mm wide at least.

        The box of the image's own axes that holds it is looked at; what lies beyond the image is air.
        """
        ends = [(part.start - 0.5, part.stop - 0.5) for part in box]
        corners = np.array([[*corner, 1.0] for corner in product(*ends)])
        index = (corners @ geometry.affine_lps.T @ self._to_index.T)[:, :3]
        low, high = index.min(axis=0), index.max(axis=0)
        margin = np.maximum(_MARGIN_MM, (_EDGE_MM - (high - low) * self._spacing_mm) / 2) / self._spacing_mm
        around = tuple(
            slice(max(0, math.floor((start - more) / step)), max(0, math.ceil((stop + more) / step) + 1))
            for start, stop, more, step in zip(low, high, margin, self._steps, strict=True)
        )
        return not self._inside[around].any()


def _enclosed(dense: NDArray[np.bool_], geometry: VolumeGeometry) -> NDArray[np.bool_]:
    """(k, j, i): what is dense, and all from where one meets it to the left, to the right, in front and behind.

    Not above and below: most scans end within the patient.
    """
    upright = int(np.abs(geometry.directions_lps[2]).argmax())
    inside = np.ones_like(dense)
    for axis in {0, 1, 2} - {upright}:
        for one in (dense, np.flip(dense, axis)):
            met = np.maximum.accumulate(one, axis=axis)
            inside &= met if one is dense else np.flip(met, axis)
    return inside | dense
