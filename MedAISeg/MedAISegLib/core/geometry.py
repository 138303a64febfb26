"""Where the voxels of an array are in the patient: index to LPS millimetres.

Frames: DICOM's patient frame LPS (x to the Left, y to the Posterior, z to the Superior side, PS3.3 C.7.6.2.1.1),
in millimetres. Indices are in the order of the array's axes; for an image volume that is (k, j, i): slice, row, column.
The affine may be sheared, as it is for a CT acquired with a tilted gantry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Turns LPS points into RAS points, and back."""

_LPS_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


@dataclass(frozen=True, eq=False)
class VolumeGeometry:
    """The grid of a volume.

    Attributes:
        shape_kji: number of voxels along each array axis.
        affine_lps: 4x4, maps the homogeneous array index (k, j, i, 1) of a voxel's centre to LPS mm.
    """

    shape_kji: tuple[int, int, int]
    affine_lps: Affine

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError(f"the affine must be a finite 4x4 matrix, not {affine.shape}")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError("the affine is singular: two of the volume's axes run in parallel")
        affine.setflags(write=False)
        shape = tuple(int(n) for n in self.shape_kji)
        if len(shape) != 3 or min(shape) < 1:
            raise ValueError(f"a volume has three axes of at least one voxel, not {shape}")
        object.__setattr__(self, "affine_lps", affine)
        object.__setattr__(self, "shape_kji", shape)

    @classmethod
    def from_itk(
        cls,
        size_ijk: Sequence[int],
        spacing_mm: Sequence[float],
        origin_lps: Sequence[float],
        direction_lps: ArrayLike,
    ) -> VolumeGeometry:
        """The geometry of an ITK image: size, spacing and the direction's columns in (i, j, k) order."""
        columns = np.asarray(direction_lps, dtype=np.float64).reshape(3, 3) * np.asarray(spacing_mm, dtype=np.float64)
        affine = np.eye(4)
        affine[:3, :3] = columns[:, ::-1]
        affine[:3, 3] = origin_lps
        i, j, k = size_ijk
        return cls((k, j, i), affine)

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """(3,) distance between neighbouring voxels along each array axis, mm."""
        return np.asarray(np.linalg.norm(self.affine_lps[:3, :3], axis=0))

    @property
    def directions_lps(self) -> NDArray[np.float64]:
        """(3, 3) unit vectors; column a is the direction of array axis a."""
        return np.asarray(self.affine_lps[:3, :3] / self.spacing_mm)

    @property
    def origin_lps(self) -> NDArray[np.float64]:
        """(3,) centre of the voxel at index (0, 0, 0), mm."""
        return self.affine_lps[:3, 3].copy()

    @property
    def affine_ras(self) -> Affine:
        """4x4, array index to RAS mm."""
        return np.asarray(LPS_TO_RAS @ self.affine_lps)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel, mL."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3])) / 1000.0)

    def index_to_lps(self, index: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) array indices to (..., 3) LPS mm."""
        return np.asarray(np.asarray(index, dtype=np.float64) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3])

    def lps_to_index(self, point_lps: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) LPS mm to (..., 3) continuous array indices."""
        offset = np.asarray(point_lps, dtype=np.float64) - self.affine_lps[:3, 3]
        return np.asarray(np.linalg.solve(self.affine_lps[:3, :3], offset[..., None])[..., 0])

    def index_to(self, other: VolumeGeometry) -> Affine:
        """4x4, array indices of this grid to continuous array indices of another."""
        return np.asarray(np.linalg.solve(other.affine_lps, self.affine_lps))

    def corners_lps(self) -> NDArray[np.float64]:
        """(8, 3) outer corners of the outermost voxels, mm."""
        edges = [(-0.5, n - 0.5) for n in self.shape_kji]
        return self.index_to_lps(list(product(*edges)))

    def is_rectilinear(self, tolerance: float = 1e-3) -> bool:
        """Whether the three axes stand at right angles, as formats without shear need it."""
        directions = self.directions_lps
        return bool(np.abs(directions.T @ directions - np.eye(3)).max() <= tolerance)

    def matches(self, other: VolumeGeometry, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same shape and no corner of theirs is farther apart than the tolerance."""
        if self.shape_kji != other.shape_kji:
            return False
        return bool(np.abs(self.corners_lps() - other.corners_lps()).max() <= tolerance_mm)

    def axis_codes(self) -> str:
        """Three letters, the patient side to which each array axis runs, e.g. ``SPL`` for an axial (k, j, i) volume."""
        axes, signs = self._closest_axes()
        return "".join(_LPS_LETTERS[axis][int(sign > 0)] for axis, sign in zip(axes, signs, strict=True))

    def steps_towards(self, axis_codes: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
        """How to reorder the array so that its axes run to the given sides, e.g. ``RAS``.

        Returns:
            The permutation for ``transpose``, then for each axis of the transposed array whether to flip it.

        Raises:
            ValueError: if the letters do not name three different patient axes.
        """
        wanted = [_axis_and_sign(letter) for letter in axis_codes.upper()]
        if sorted(axis for axis, _ in wanted) != [0, 1, 2]:
            raise ValueError(f"{axis_codes!r} does not name three different patient axes such as RAS or LPS")
        axes, signs = self._closest_axes()
        order = [axes.index(axis) for axis, _ in wanted]
        flips = [signs[source] != sign for source, (_, sign) in zip(order, wanted, strict=True)]
        return (order[0], order[1], order[2]), (flips[0], flips[1], flips[2])

    def transposed(self, order: Sequence[int]) -> VolumeGeometry:
        """The geometry of ``array.transpose(order)``."""
        affine = self.affine_lps.copy()
        affine[:, :3] = affine[:, list(order)]
        a, b, c = (self.shape_kji[axis] for axis in order)
        return VolumeGeometry((a, b, c), affine)

    def flipped(self, flips: Sequence[bool]) -> VolumeGeometry:
        """The geometry of the array with the marked axes reversed."""
        affine = self.affine_lps.copy()
        for axis, flip in enumerate(flips):
            if flip:
                affine[:3, 3] += affine[:3, axis] * (self.shape_kji[axis] - 1)
                affine[:3, axis] *= -1
        return VolumeGeometry(self.shape_kji, affine)

    def window(self, start: Sequence[int], shape: Sequence[int]) -> VolumeGeometry:
        """The geometry of a box of this grid; a negative start or a larger shape pads."""
        affine = self.affine_lps.copy()
        affine[:3, 3] = self.index_to_lps(start)
        a, b, c = shape
        return VolumeGeometry((a, b, c), affine)

    def rectilinear(self) -> VolumeGeometry:
        """A grid without shear that covers this one, with the same in-plane axes and spacing (sharing axes 1 and 2)."""
        row, column = self.directions_lps[:, 1], self.directions_lps[:, 2]
        normal = np.cross(row, column)
        normal *= np.sign(normal @ self.directions_lps[:, 0]) / np.linalg.norm(normal)
        column = np.cross(row, normal) * np.sign(np.cross(row, normal) @ column)
        axes = np.stack([normal, row, column], axis=1)
        step_mm = self.spacing_mm.copy()
        step_mm[0] = abs(self.affine_lps[:3, 0] @ normal)
        centres = self.index_to_lps(list(product(*[(0, n - 1) for n in self.shape_kji])))
        along = centres @ axes / step_mm
        low = along.min(axis=0)
        a, b, c = (int(n) for n in np.ceil(np.round(along.max(axis=0) - low, 3)) + 1)
        affine = np.eye(4)
        affine[:3, :3] = axes * step_mm
        affine[:3, 3] = axes @ (low * step_mm)
        return VolumeGeometry((a, b, c), affine)

    def _closest_axes(self) -> tuple[list[int], list[float]]:
        """For each array axis the LPS axis it runs along and the sign, each LPS axis taken once."""
        left, _, right = np.linalg.svd(self.directions_lps)
        rotation = left @ right
        axes, signs = [0, 0, 0], [1.0, 1.0, 1.0]
        for array_axis in np.argsort(-np.abs(rotation).max(axis=0), kind="stable"):
            lps_axis = int(np.argmax(np.abs(rotation[:, array_axis])))
            axes[array_axis] = lps_axis
            signs[array_axis] = float(np.sign(rotation[lps_axis, array_axis]))
            rotation[lps_axis, :] = 0.0
        return axes, signs


def patient_axes_lps(axis_codes: str) -> NDArray[np.float64]:
    """(3, 3) unit vectors to the given patient sides; column a is that of the letter a, e.g. of ``LIA``.

    Raises:
        ValueError: if a letter names no side of the patient.
    """
    axes = np.zeros((3, 3))
    for column, letter in enumerate(axis_codes.upper()):
        axis, sign = _axis_and_sign(letter)
        axes[axis, column] = sign
    return axes


def _axis_and_sign(letter: str) -> tuple[int, float]:
    for axis, letters in enumerate(_LPS_LETTERS):
        if letter in letters:
            return axis, 1.0 if letter == letters[1] else -1.0
    raise ValueError(f"{letter!r} is none of the patient sides L R P A S I")
