"""Images under a transform that no affine stands for, resampled in the world by VTK."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.geometry import VolumeGeometry
from ..core.volume import Voxels
from .geometry import PlacedGrid, matrix_from_geometry, to_world, transform_points
from .scene import vtk_arrays, vtk_module

_SAMPLES_PER_AXIS = 17


def covering_grid(grid: PlacedGrid, parent: Any) -> VolumeGeometry:
    """An upright grid in the world, of about the image's spacing, that covers where the transform takes the image."""
    base = grid.world.rectilinear()
    across = [np.unique(np.linspace(0, n - 1, _SAMPLES_PER_AXIS)) for n in grid.local.shape_kji]
    index = np.stack(np.meshgrid(*across, indexing="ij"), axis=-1).reshape(-1, 3)
    at = base.lps_to_index(transform_points(to_world(parent), grid.local.index_to_lps(index)))
    low, high = np.floor(at.min(axis=0) + 1e-3).astype(int), np.ceil(at.max(axis=0) - 1e-3).astype(int)
    return base.window([int(n) for n in low], [int(n) for n in high - low + 1])


def resample_image(
    image: Any, local: VolumeGeometry, parent: Any, target: VolumeGeometry, *, labels: bool = False
) -> Voxels:
    """(k, j, i), a ``vtkImageData`` that lies on a local grid under a transform node, on a grid in the world.

    Linearly interpolated as float32, outside the image its smallest value; labels by nearest neighbour in their own
    type, 0 outside.
    """
    vtk = vtk_module()
    local_to_index = matrix_from_geometry(local)
    local_to_index.Invert()
    target_to_source = vtk.vtkGeneralTransform()
    target_to_source.PostMultiply()
    target_to_source.Concatenate(matrix_from_geometry(target))
    target_to_source.Concatenate(to_world(parent).GetInverse())
    target_to_source.Concatenate(local_to_index)
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(image)
    reslice.SetResliceTransform(target_to_source)
    if labels:
        reslice.SetInterpolationModeToNearestNeighbor()
        reslice.SetBackgroundLevel(0)
    else:
        reslice.SetInterpolationModeToLinear()
        reslice.SetBackgroundLevel(image.GetScalarRange()[0])
        reslice.SetOutputScalarType(vtk.VTK_FLOAT)
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    k, j, i = target.shape_kji
    reslice.SetOutputExtent(0, i - 1, 0, j - 1, 0, k - 1)
    reslice.Update()
    voxels: Voxels = vtk_arrays().vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars()).reshape(k, j, i)
    return voxels


def image_from_voxels(voxels: Voxels) -> Any:
    """A ``vtkImageData`` with a copy of (k, j, i) voxels."""
    image = vtk_module().vtkImageData()
    image.SetDimensions(*voxels.shape[::-1])
    image.GetPointData().SetScalars(vtk_arrays().numpy_to_vtk(np.ascontiguousarray(voxels).ravel(), deep=True))
    return image
