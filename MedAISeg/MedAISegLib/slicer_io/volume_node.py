"""Between volume nodes and volumes in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.volume import Volume, Voxels
from .geometry import (
    PlacedGrid,
    geometry_from_matrix,
    matrix_from_array,
    matrix_from_geometry,
    placed_grid,
    to_world,
    transform_points,
)
from .scene import vtk_arrays, vtk_module


def volume_from_node(node: Any) -> Volume:
    """A scalar volume node's image where it is in the world, its parent transform applied.

    Linear transforms, and others that are affine over the image, such as the acquisition transform of a series with a
    tilted gantry, only change the geometry; under any other the image is resampled in the world, with a notice.

    Returns:
        The voxels are a view of the node's memory unless they were resampled: read them before the node changes.

    Raises:
        InputError: if the node has no image, or one with several values a voxel.
    """
    voxels = node_voxels(node)
    grid = node_grid(node)
    if grid.exact:
        return Volume(voxels, grid.world, description=node.GetName() or "")
    target = _covering_grid(grid, node.GetParentTransformNode())
    notice = Notice(
        "transform-resampled",
        f"{node.GetName()} lies under a transform that bends it: the image was resampled in world space.",
    )
    resampled = _resampled(node, target, float(voxels.min()))
    return Volume(resampled, target, description=node.GetName() or "", notices=(notice,))


def node_grid(node: Any) -> PlacedGrid:
    """Where the grid of a volume node is, before and after its parent transform."""
    matrix = vtk_module().vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    i, j, k = node.GetImageData().GetDimensions()
    return placed_grid(geometry_from_matrix(matrix, (k, j, i)), node.GetParentTransformNode())


def node_voxels(node: Any) -> Voxels:
    """(k, j, i), a view of a volume node's values.

    Raises:
        InputError: if the node has no image, or one with several values a voxel.
    """
    image = node.GetImageData() if node is not None else None
    if image is None or image.GetPointData().GetScalars() is None:
        raise InputError("the volume is empty.", remedy="Choose another volume.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            "it is a colour or vector volume; a scalar volume is needed.",
            where=node.GetName() or "",
            remedy="Choose another volume.",
        )
    i, j, k = image.GetDimensions()
    voxels: Voxels = vtk_arrays().vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
    return voxels


def volume_to_node(volume: Volume, scene: Any, name: str) -> Any:
    """A new ``vtkMRMLScalarVolumeNode`` with a copy of the voxels.

    A sheared grid, which a volume node cannot hold, is put under a linear transform that shears an upright one.
    """
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    upright = volume.geometry if volume.geometry.is_rectilinear() else _unsheared(volume.geometry)
    node.SetIJKToRASMatrix(matrix_from_geometry(upright))
    node.SetAndObserveImageData(image_from_voxels(volume.voxels))
    if upright is not volume.geometry:
        transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", f"{name} acquisition transform")
        shear_ras = volume.geometry.affine_ras @ np.linalg.inv(upright.affine_ras)
        transform.SetMatrixTransformToParent(matrix_from_array(shear_ras))
        node.SetAndObserveTransformNodeID(transform.GetID())
    node.CreateDefaultDisplayNodes()
    return node


def image_from_voxels(voxels: Voxels, image: Any = None) -> Any:
    """A ``vtkImageData`` (or the given one, filled) with a copy of (k, j, i) voxels."""
    image = image if image is not None else vtk_module().vtkImageData()
    image.SetDimensions(*voxels.shape[::-1])
    image.GetPointData().SetScalars(vtk_arrays().numpy_to_vtk(np.ascontiguousarray(voxels).ravel(), deep=True))
    return image


def _unsheared(geometry: VolumeGeometry) -> VolumeGeometry:
    """A grid of the same shape, spacing and in-plane axes, its slices stacked along the normal."""
    affine = geometry.affine_lps.copy()
    normal = np.cross(affine[:3, 1], affine[:3, 2])
    normal *= np.sign(normal @ affine[:3, 0]) / np.linalg.norm(normal)
    row = affine[:3, 1]
    column = np.cross(normal, row)
    column *= np.sign(column @ affine[:3, 2]) / np.linalg.norm(column)
    affine[:3, 0] = normal * (affine[:3, 0] @ normal)
    affine[:3, 2] = column * geometry.spacing_mm[2]
    return VolumeGeometry(geometry.shape_kji, affine)


def _covering_grid(grid: PlacedGrid, parent: Any) -> VolumeGeometry:
    """An upright grid in the world, of about the image's spacing, that covers where the transform takes the image."""
    base = grid.world.rectilinear()
    shape = np.array(grid.local.shape_kji)
    index = np.stack(np.meshgrid(*[np.unique(np.linspace(0, n - 1, 17)) for n in shape], indexing="ij"), axis=-1)
    moved = transform_points(to_world(parent), grid.local.index_to_lps(index.reshape(-1, 3)))
    at = base.lps_to_index(moved)
    low, high = np.floor(at.min(axis=0) + 1e-3).astype(int), np.ceil(at.max(axis=0) - 1e-3).astype(int)
    return base.window([int(n) for n in low], [int(n) for n in high - low + 1])


def _resampled(node: Any, target: VolumeGeometry, background: float) -> Voxels:
    """(k, j, i) float32, the node's image on a grid in the world, linearly interpolated by VTK."""
    vtk = vtk_module()
    ras_to_ijk = vtk.vtkMatrix4x4()
    node.GetRASToIJKMatrix(ras_to_ijk)
    from_world = to_world(node.GetParentTransformNode()).GetInverse()
    target_to_source = vtk.vtkGeneralTransform()
    target_to_source.PostMultiply()
    target_to_source.Concatenate(matrix_from_geometry(target))
    target_to_source.Concatenate(from_world)
    target_to_source.Concatenate(ras_to_ijk)
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(node.GetImageData())
    reslice.SetResliceTransform(target_to_source)
    reslice.SetInterpolationModeToLinear()
    reslice.SetBackgroundLevel(background)
    reslice.SetOutputScalarType(vtk.VTK_FLOAT)
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    k, j, i = target.shape_kji
    reslice.SetOutputExtent(0, i - 1, 0, j - 1, 0, k - 1)
    reslice.Update()
    voxels: Voxels = vtk_arrays().vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars()).reshape(k, j, i)
    return voxels
