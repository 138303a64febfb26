"""Slicer's labelmaps as arrays on a grid, plane by plane, so that a large one need not be handled in one go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..core.node_description import BINARY_LABELMAP
from ..core.resampling import resampled_planes
from ..core.segmentation import Layers
from .geometry import geometry_from_matrix, matrix_from_geometry
from .scene import slicer_module, vtk_arrays, vtk_module

CLOSED_SURFACE = "Closed surface"

_ALIGNED = 1e-3
"""Share of a voxel by which two grids may differ and still be the same."""


def labelmap_grid(image: Any) -> VolumeGeometry:
    """Of a ``vtkOrientedImageData``, whose extent may start anywhere; before a parent transform."""
    matrix = vtk_module().vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    full = geometry_from_matrix(matrix, (max(k1 - k0 + 1, 1), max(j1 - j0 + 1, 1), max(i1 - i0 + 1, 1)))
    return full.window((k0, j0, i0), full.shape_kji)


def labelmap_array(image: Any) -> Layers | None:
    """(k, j, i), a view of a labelmap's memory; None where it holds no voxel."""
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None or image.IsEmpty():
        return None
    labels: Layers = vtk_arrays().vtk_to_numpy(scalars).reshape(labelmap_grid(image).shape_kji)
    return labels


def new_labelmap(grid: VolumeGeometry, dtype: Any) -> tuple[Any, Layers]:
    """A ``vtkOrientedImageData`` on a grid, and the view (k, j, i) through which it is to be filled."""
    image = slicer_module().vtkOrientedImageData()
    image.SetDimensions(*grid.shape_kji[::-1])
    image.SetGeometryFromImageToWorldMatrix(matrix_from_geometry(grid))
    image.AllocateScalars(vtk_arrays().get_vtk_array_type(np.dtype(dtype)), 1)
    labels: Layers = vtk_arrays().vtk_to_numpy(image.GetPointData().GetScalars()).reshape(grid.shape_kji)
    return image, labels


def aligned_offset(grid: VolumeGeometry, other: VolumeGeometry) -> tuple[int, int, int] | None:
    """The index (k, j, i) in another grid of this grid's first voxel; None where they are no windows of one lattice."""
    to_other = grid.index_to(other)
    offset = np.round(to_other[:3, 3])
    lattice = np.eye(4)
    lattice[:3, 3] = offset
    reach = np.array([*grid.shape_kji, 1.0])
    if (np.abs(to_other - lattice) @ reach)[:3].max() > _ALIGNED:
        return None
    k, j, i = (int(n) for n in offset)
    return k, j, i


def is_window(grid: VolumeGeometry, other: VolumeGeometry) -> bool:
    """Whether each voxel of a grid is one of the other's."""
    offset = aligned_offset(grid, other)
    return offset is not None and all(
        0 <= start <= size - own for start, size, own in zip(offset, other.shape_kji, grid.shape_kji, strict=True)
    )


def labels_on_grid(labels: Layers | None, own: VolumeGeometry, grid: VolumeGeometry) -> Iterator[NDArray[Any]]:
    """(j, i), the planes of labels (k, j, i) as they lie on another grid, in turn; 0 outside their own.

    A window of the same lattice is exact, anything else is the nearest neighbour's label.
    """
    if labels is None:
        nothing = np.zeros(grid.shape_kji[1:], np.uint8)
        yield from (nothing for _ in range(grid.shape_kji[0]))
        return
    offset = aligned_offset(grid, own)
    if offset is None:
        yield from (planes[0] for planes in resampled_planes(labels[None], own, grid))
    elif offset == (0, 0, 0) and own.shape_kji == grid.shape_kji:
        yield from labels
    else:
        yield from _windowed(labels, offset, grid.shape_kji)


def _windowed(labels: Layers, offset: tuple[int, int, int], shape_kji: tuple[int, int, int]) -> Iterator[NDArray[Any]]:
    first, rows, columns = (
        (max(0, -start), min(size, own - start))
        for start, size, own in zip(offset, shape_kji, labels.shape, strict=True)
    )
    for k in range(shape_kji[0]):
        plane = np.zeros(shape_kji[1:], labels.dtype)
        if first[0] <= k < first[1] and rows[0] < rows[1] and columns[0] < columns[1]:
            plane[slice(*rows), slice(*columns)] = labels[
                k + offset[0], slice(*(n + offset[1] for n in rows)), slice(*(n + offset[2] for n in columns))
            ]
        yield plane


def reference_text(node: Any) -> str:
    """A segmentation's reference geometry as Slicer writes it; empty where none is set."""
    name = slicer_module().vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    return str(node.GetSegmentation().GetConversionParameter(name) or "")


def reference_grid(node: Any) -> VolumeGeometry:
    """The reference geometry of a segmentation, or what covers its segments where none is set."""
    content = node.GetSegmentation()
    return _grid_from_text(
        reference_text(node) or content.DetermineCommonLabelmapGeometry(content.EXTENT_UNION_OF_SEGMENTS, None)
    )


def common_grid(node: Any) -> VolumeGeometry:
    """What Slicer writes a file on: the reference grid and whatever of the segments lies beyond it, as fine as these.

    Slicer looks at all voxels for that, so it is asked only of labelmaps that are no window of the reference grid.
    """
    content, reference = node.GetSegmentation(), reference_grid(node)
    beyond = vtk_module().vtkStringArray()
    for n in range(content.GetNumberOfLayers(BINARY_LABELMAP)):
        image = content.GetLayerDataObject(n, BINARY_LABELMAP)
        if not image.IsEmpty() and not is_window(labelmap_grid(image), reference):
            for segment_id in content.GetSegmentIDsForLayer(n, BINARY_LABELMAP):
                beyond.InsertNextValue(segment_id)
    if beyond.GetNumberOfValues() == 0:
        return reference
    mode = content.EXTENT_UNION_OF_EFFECTIVE_SEGMENTS_AND_REFERENCE_GEOMETRY
    asked = beyond if reference_text(node) else None
    return _grid_from_text(content.DetermineCommonLabelmapGeometry(mode, asked))


def _grid_from_text(text: str) -> VolumeGeometry:
    image = slicer_module().vtkOrientedImageData()
    if text:
        slicer_module().vtkSegmentationConverter.DeserializeImageGeometry(text, image, False)
    return labelmap_grid(image)


def set_reference_text(node: Any, text: str) -> None:
    """The inverse of :func:`reference_text`."""
    name = slicer_module().vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(name, text)


def set_reference(node: Any, grid: VolumeGeometry) -> None:
    """Make a grid a segmentation's reference geometry."""
    k, j, i = grid.shape_kji
    serialize = slicer_module().vtkSegmentationConverter.SerializeImageGeometry
    set_reference_text(node, serialize(matrix_from_geometry(grid), [0, i - 1, 0, j - 1, 0, k - 1]))
