"""Between volume nodes and volumes in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.characters import shown
from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import Volume, Voxels
from .geometry import (
    PlacedGrid,
    geometry_from_matrix,
    matrix_from_array,
    matrix_from_geometry,
    placed_grid,
)
from .resampling import covering_grid, image_from_voxels, resample_image
from .scene import vtk_arrays, vtk_module


def resampled_notice() -> Notice:
    """For an image that does not lie on the grid of its node."""
    what = _("The image lies under a transform that bends it: it was resampled in world space.")
    return Notice("transform-resampled", what)


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
    target = covering_grid(grid, node.GetParentTransformNode())
    resampled = resample_image(node.GetImageData(), grid.local, node.GetParentTransformNode(), target)
    return Volume(resampled, target, description=node.GetName() or "", notices=(resampled_notice(),))


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
    pixels = node_pixels(node)
    if pixels.shape[-1] != 1:
        raise InputError(
            _("it is a colour or vector volume; a scalar volume is needed."),
            where=node.GetName() or "",
            remedy=_("Choose another volume."),
        )
    return pixels[..., 0]


def node_pixels(node: Any) -> Voxels:
    """(k, j, i, component), a view of a volume node's values.

    Raises:
        InputError: if the node has no image.
    """
    image = node.GetImageData() if node is not None else None
    if image is None or image.GetPointData().GetScalars() is None:
        raise InputError(_("the volume is empty."), remedy=_("Choose another volume."))
    i, j, k = image.GetDimensions()
    pixels: Voxels = vtk_arrays().vtk_to_numpy(image.GetPointData().GetScalars())
    return pixels.reshape(k, j, i, image.GetNumberOfScalarComponents())


def is_picture(node: Any) -> bool:
    """Whether the values of a volume node are red, green and blue: whole numbers from 0, perhaps with transparency."""
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfScalarComponents() not in (3, 4):
        return False
    return image.GetScalarType() in (vtk_module().VTK_UNSIGNED_CHAR, vtk_module().VTK_UNSIGNED_SHORT)


def volume_to_node(volume: Volume, scene: Any, name: str) -> Any:
    """A new ``vtkMRMLScalarVolumeNode`` with a copy of the voxels.

    A sheared grid, which a volume node cannot hold, is put under a linear transform that shears an upright one.
    """
    name = shown(name)
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
