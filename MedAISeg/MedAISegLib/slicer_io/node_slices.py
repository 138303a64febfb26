"""Which DICOM image became which slice of a volume node, and whether its values are still that image's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .geometry import geometry_from_matrix
from .scene import vtk_arrays, vtk_module

if TYPE_CHECKING:
    from ..readers.dicom_records import Frame

_SAME_VALUES = 0.01
"""Relative difference of two slices' mean values within which they count as the same image."""


def in_slice_order(node: Any, frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Frames in the order of the node's slices.

    By where they lie; for a node that was moved since, or shows other slices, in the order of their places.
    """
    frames = tuple(frames)
    if len(frames) < 2 or any(frame.position_lps is None for frame in frames):
        return frames
    matrix = vtk_module().vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    i, j, k = node.GetImageData().GetDimensions()
    geometry = geometry_from_matrix(matrix, (k, j, i))
    places = geometry.lps_to_index(np.array([frame.position_lps for frame in frames]))[:, 0]
    if places.min() < -1.0 or places.max() > k or len(np.unique(np.round(places, 3))) < len(frames):
        return frames
    return tuple(frames[n] for n in np.argsort(places, kind="stable"))


def values_agree(node: Any, ordered: Sequence[Frame]) -> bool | None:
    """Whether a node's middle slice holds the values of its DICOM image, rescaled as its header says.

    Returns:
        None where that cannot be told: not one image for each slice, or pixels that Slicer's Python cannot decode.
    """
    image = node.GetImageData()
    i, j, k = image.GetDimensions()
    if len(ordered) != k or not all(frame.index == 0 for frame in ordered):
        return None
    expected = _rescaled_pixels(ordered[k // 2])
    if expected is None or expected.shape != (j, i):
        return None
    scalars = vtk_arrays().vtk_to_numpy(image.GetPointData().GetScalars())
    found = scalars.reshape(k, j, i)[k // 2].astype(np.float64)
    scale = np.abs(expected).mean()
    return bool(abs(found.mean() - expected.mean()) <= _SAME_VALUES * scale + 1e-9)


def _rescaled_pixels(frame: Frame) -> Any:
    from pydicom import dcmread

    from ..readers.dicom_header import BROKEN

    try:
        stored = dcmread(frame.path, force=True).pixel_array
    except (*BROKEN, RuntimeError):
        return None
    return stored * frame.slope + frame.intercept
