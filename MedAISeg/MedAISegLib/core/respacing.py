"""The grids that preparation leads to, from the image's own grid alone."""

from __future__ import annotations

import numpy as np

from .geometry import VolumeGeometry, patient_axes_lps

SPACING_TOLERANCE_MM = 1e-3
"""MONAI keeps a spacing that differs by no more than this (its AFFINE_TOL)."""


def respaced(
    geometry: VolumeGeometry, spacing_mm: tuple[float, float, float], tolerance: float = 0.0
) -> VolumeGeometry:
    """The grid that MONAI's Spacing makes: first voxel kept, last one rounded to the nearest whole voxel.

    Args:
        spacing_mm: along each array axis; a value of 0 keeps that axis.
        tolerance: a spacing that differs by no more than this share of the wanted one stays.

    Returns:
        A rectilinear grid, also of a sheared one.
    """
    present = geometry.spacing_mm
    wanted = np.where(np.asarray(spacing_mm) > 0, spacing_mm, present)
    wanted = np.where(np.abs(wanted - present) <= SPACING_TOLERANCE_MM + tolerance * wanted, present, wanted)
    columns = geometry.affine_lps[:3, :3]
    # For orthogonal columns the Cholesky factor is the diagonal of spacings; for sheared ones this removes the shear.
    factor = np.linalg.cholesky(columns.T @ columns).T
    affine = np.eye(4)
    affine[:3, :3] = columns @ np.linalg.inv(factor) * (np.sign(np.diag(factor)) * wanted)
    last = np.asarray(geometry.shape_kji) - 1.0
    corners = np.array([[*np.where(bits, last, 0.0), 1.0] for bits in np.ndindex(2, 2, 2)]).T
    # Where a half has to be rounded (every other slice of an even number is kept), MONAI's rounding errors decide, so
    # the origin is taken along as it does.
    in_target = (np.linalg.solve(affine, geometry.affine_lps) @ corners)[:3].T
    a, b, c = (int(n) for n in np.round(np.ptp(in_target, axis=0) + 1.0))
    smallest = [n for n, corner in enumerate(in_target) if np.allclose((in_target - corner).min(axis=0), 0.0)]
    if smallest:
        affine[:3, 3] = (geometry.affine_lps @ corners)[:3, smallest[0]]
    else:
        centre = geometry.index_to_lps(np.asarray(geometry.shape_kji) / 2.0)
        affine[:3, 3] = centre - affine[:3, :3] @ (np.array([a, b, c]) / 2.0)
    return VolumeGeometry((a, b, c), affine)


def cube_about(geometry: VolumeGeometry, size: int, spacing_mm: float, axis_codes: str) -> VolumeGeometry:
    """A cube of ``size`` voxels along each of the patient's axes, about a volume's centre."""
    affine = np.eye(4)
    affine[:3, :3] = patient_axes_lps(axis_codes) * spacing_mm
    centre = geometry.index_to_lps((np.asarray(geometry.shape_kji) - 1.0) / 2.0)
    affine[:3, 3] = centre - affine[:3, :3] @ np.full(3, (size - 1.0) / 2.0)
    return VolumeGeometry((size, size, size), affine)


def edges_kept(geometry: VolumeGeometry, shape: tuple[int, int, int]) -> VolumeGeometry:
    """The grid of so many voxels with the same outer edges."""
    scale = np.asarray(geometry.shape_kji) / np.asarray(shape)
    to_source = np.diag([*scale, 1.0])
    to_source[:3, 3] = 0.5 * scale - 0.5
    return VolumeGeometry(shape, geometry.affine_lps @ to_source)
