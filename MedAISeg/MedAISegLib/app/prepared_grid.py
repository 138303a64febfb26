"""The grid that a stage's network is moved over, from the image's grid alone."""

from __future__ import annotations

import numpy as np

from ..core.geometry import VolumeGeometry
from ..core.respacing import cube_about, edges_kept, respaced
from ..models.operations import (
    Conform,
    Operation,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    Resize,
    ResizeTo,
    ReverseAxes,
    Transpose,
    Zoom,
)
from ..models.spec import InferenceStage

Shape = tuple[int, int, int]


def source_grid(stage: InferenceStage, geometry: VolumeGeometry) -> VolumeGeometry:
    """The grid that is prepared at one time: the image's, or a slice of it."""
    _, rows, columns = geometry.shape_kji
    return geometry.window((0, 0, 0), (1, rows, columns)) if stage.slicewise else geometry


def prepared_grid(stage: InferenceStage, geometry: VolumeGeometry) -> VolumeGeometry:
    """After all steps; what cropping to the foreground will take away is not known yet."""
    grid = source_grid(stage, geometry)
    for operation in stage.preprocessing:
        grid = _after(operation, grid)
    return grid


def _after(operation: Operation, grid: VolumeGeometry) -> VolumeGeometry:
    if isinstance(operation, ReverseAxes):
        return grid.transposed((2, 1, 0))
    if isinstance(operation, Transpose):
        return grid.transposed(operation.order)
    if isinstance(operation, Orient):
        order, flips = grid.steps_towards(operation.axis_codes)
        return grid.transposed(order).flipped(flips)
    if isinstance(operation, Resample):
        return respaced(grid, operation.spacing_mm, operation.tolerance)
    if isinstance(operation, (Resize, Zoom)):
        present = grid.spacing_mm
        wanted = np.where(np.asarray(operation.spacing_mm) > 0, operation.spacing_mm, present)
        return edges_kept(grid, _shape(np.maximum(np.rint(present / wanted * grid.shape_kji), 1)))
    if isinstance(operation, Conform):
        return cube_about(grid, operation.size, operation.spacing_mm, operation.axis_codes)
    if isinstance(operation, ResizeTo):
        return edges_kept(grid, _shape(np.where(np.asarray(operation.size) > 0, operation.size, grid.shape_kji)))
    if isinstance(operation, PadToMultiple):
        multiples = [max(m, 1) for m in operation.multiple]
        return _padded(grid, [-(-n // m) * m for n, m in zip(grid.shape_kji, multiples, strict=True)])
    if isinstance(operation, PadToSize):
        return _padded(grid, np.maximum(grid.shape_kji, operation.size))
    return grid


def _padded(grid: VolumeGeometry, lengths: object) -> VolumeGeometry:
    """On both sides, the odd voxel at the end."""
    shape = _shape(lengths)
    a, b, c = (-((wanted - n) // 2) for n, wanted in zip(grid.shape_kji, shape, strict=True))
    return grid.window((a, b, c), shape)


def _shape(lengths: object) -> Shape:
    a, b, c = (int(n) for n in np.asarray(lengths))
    return a, b, c
