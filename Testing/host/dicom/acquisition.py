"""The transform that puts the slices of a tilted or uneven series where their headers say."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from .sorting import ORIENTATION, POSITION, vector

_SPACING = "0028,0030"
_TOLERANCE_MM = 1e-3
_TO_RAS = np.array([-1.0, -1.0, 1.0])


def add_acquisition_transform(database: Any, node: Any) -> None:
    """A grid transform as the node's parent, with a vector at each corner of each slice; none where none is needed."""
    wanted = _corners_by_headers(database, node)
    if wanted is None:
        return
    found = _corners_by_matrix(node)
    if np.abs(wanted - found).max() <= _TOLERANCE_MM:
        return
    columns, rows, slices = node.GetImageData().GetDimensions()
    across, down, along = node.GetSpacing()
    grid = vtk.vtkImageData()
    grid.SetOrigin(*node.GetOrigin())
    grid.SetDimensions(2, 2, slices)
    grid.SetSpacing(across * columns, down * rows, along)
    grid.AllocateScalars(vtk.VTK_DOUBLE, 3)
    for n, row, column in np.ndindex(slices, 2, 2):
        for axis in range(3):
            shift = wanted[n, row, column, axis] - found[n, row, column, axis]
            grid.SetScalarComponentFromDouble(column, row, n, axis, shift)
    directions = vtk.vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(directions)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetGridDirectionMatrix(directions)
    transform.SetDisplacementGridData(grid)
    name = slicer.mrmlScene.GenerateUniqueName(f"{node.GetName()} acquisition transform")
    transform_node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", name)
    transform_node.SetAndObserveTransformToParent(transform)
    node.SetAndObserveTransformNodeID(transform_node.GetID())


def _corners_by_headers(database: Any, node: Any) -> Any:
    """(slice, row end, column end, 3) RAS mm; None where there is not one image with a place for each slice."""
    columns, rows, slices = node.GetImageData().GetDimensions()
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    if len(uids) != slices:
        return None
    corners = np.zeros((slices, 2, 2, 3))
    for n, uid in enumerate(uids):
        place, cosines, spacing = (
            vector(database.instanceValue(uid, tag)) for tag in (POSITION, ORIENTATION, _SPACING)
        )
        if place is None or cosines is None or spacing is None:
            return None
        along_row = cosines[:3] * _TO_RAS * spacing[1] * columns
        along_column = cosines[3:] * _TO_RAS * spacing[0] * rows
        for row, column in np.ndindex(2, 2):
            corners[n, row, column] = place * _TO_RAS + row * along_column + column * along_row
    return corners


def _corners_by_matrix(node: Any) -> Any:
    columns, rows, slices = node.GetImageData().GetDimensions()
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    corners = np.zeros((slices, 2, 2, 3))
    for n, row, column in np.ndindex(slices, 2, 2):
        corners[n, row, column] = matrix.MultiplyPoint([column * columns, row * rows, n, 1.0])[:3]
    return corners
