"""Between MRML's RAS matrices and transforms and the library's LPS grids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import LPS_TO_RAS, Affine, VolumeGeometry
from .scene import vtk_arrays, vtk_module

_REVERSED = np.eye(4)[:, [2, 1, 0, 3]]
"""(i, j, k) index to (k, j, i) index, and back."""

_SAMPLES_PER_AXIS = 9
_AFFINE_TOLERANCE = 0.01
"""Share of a voxel by which a transform may leave the affine that stands for it."""


@dataclass(frozen=True, eq=False)
class PlacedGrid:
    """A node's grid in the world.

    Attributes:
        local: the grid before the parent transform.
        world: the grid in the world where an affine, perhaps a sheared one, says it; else the nearest affine.
        exact: whether ``world`` is where the voxels are; else the image has to be resampled.
    """

    local: VolumeGeometry
    world: VolumeGeometry
    exact: bool


def geometry_from_matrix(ijk_to_ras: Any, shape_kji: tuple[int, int, int]) -> VolumeGeometry:
    """From a ``vtkMatrix4x4`` that maps (i, j, k) to RAS mm."""
    return VolumeGeometry(shape_kji, LPS_TO_RAS @ array_from_matrix(ijk_to_ras) @ _REVERSED)


def matrix_from_geometry(geometry: VolumeGeometry) -> Any:
    """A ``vtkMatrix4x4`` that maps (i, j, k) to RAS mm."""
    return matrix_from_array(geometry.affine_ras @ _REVERSED)


def array_from_matrix(matrix: Any) -> Affine:
    """(4, 4), the elements of a ``vtkMatrix4x4``."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrix_from_array(array: Affine) -> Any:
    """A ``vtkMatrix4x4`` of (4, 4) elements."""
    matrix = vtk_module().vtkMatrix4x4()
    for row, column in product(range(4), range(4)):
        matrix.SetElement(row, column, float(array[row, column]))
    return matrix


def placed_grid(local: VolumeGeometry, parent: Any) -> PlacedGrid:
    """Where a grid is under a parent transform node (None for no transform).

    A transform that is affine over the grid, such as the grid transform of a series with a tilted gantry, is
    understood as that affine.
    """
    if parent is None:
        return PlacedGrid(local, local, exact=True)
    if parent.IsTransformToWorldLinear():
        return PlacedGrid(local, _under(local, to_world_matrix(parent)), exact=True)
    index = _sample_index(local.shape_kji)
    moved_lps = transform_points(to_world(parent), local.index_to_lps(index))
    # A flat grid leaves the direction across it open, so the fit starts from the grid itself.
    unmoved = local.index_to_lps(index)
    homogeneous = np.column_stack([index, np.ones(len(index))])
    shift, *_ = np.linalg.lstsq(homogeneous, moved_lps - unmoved, rcond=None)
    affine = local.affine_lps.copy()
    affine[:3] += shift.T
    world = VolumeGeometry(local.shape_kji, affine)
    distance_mm = np.linalg.norm(world.index_to_lps(index) - moved_lps, axis=1).max()
    return PlacedGrid(local, world, exact=bool(distance_mm <= _AFFINE_TOLERANCE * local.spacing_mm.min()))


def to_world_matrix(parent: Any) -> Affine:
    """(4, 4), a linear transform node's way to the world, RAS to RAS mm."""
    matrix = vtk_module().vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return array_from_matrix(matrix)


def to_world(parent: Any) -> Any:
    """Any transform node's way to the world as a ``vtkGeneralTransform``, RAS to RAS mm."""
    transform = vtk_module().vtkGeneralTransform()
    parent.GetTransformToWorld(transform)
    return transform


def transform_points(transform: Any, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) LPS mm through a ``vtkAbstractTransform`` that maps RAS to RAS."""
    flip = LPS_TO_RAS[:3, :3]
    source, target = vtk_module().vtkPoints(), vtk_module().vtkPoints()
    source.SetData(vtk_arrays().numpy_to_vtk(np.ascontiguousarray(points_lps @ flip), deep=True))
    transform.TransformPoints(source, target)
    return np.asarray(vtk_arrays().vtk_to_numpy(target.GetData()).astype(np.float64) @ flip)


def _under(local: VolumeGeometry, to_world_ras: Affine) -> VolumeGeometry:
    return VolumeGeometry(local.shape_kji, LPS_TO_RAS @ to_world_ras @ LPS_TO_RAS @ local.affine_lps)


def _sample_index(shape_kji: tuple[int, int, int]) -> NDArray[np.float64]:
    """(n, 3) indices: all slices, since a series may be uneven along them, and a few places across each."""
    k = np.arange(shape_kji[0])
    across = [np.unique(np.linspace(0, n - 1, _SAMPLES_PER_AXIS)) for n in shape_kji[1:]]
    return np.stack(np.meshgrid(k, *across, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)
