"""Cleaning of finished labels, on the whole volume.

SimpleITK is imported where it is used: most runs do without its 90 MB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.operations import FillHoles, KeepLargestComponent, LabelOperation, RemoveSmallComponents
from .pieces import Poll, never

Layers = NDArray[Any]

_FULLY_CONNECTED = {6: False, 26: True}


def clean(
    layers: Layers, operations: tuple[LabelOperation, ...], poll: Poll = never, *, voxel_mm3: float = 1.0
) -> Layers:
    """(layer, k, j, i) labels after the given operations; ``poll`` is called between labels."""
    for operation in operations:
        for layer in layers:
            boxes = {
                label: box
                for label, box in _bounding_boxes(layer, poll).items()
                if not operation.labels or label in operation.labels
            }
            if isinstance(operation, KeepLargestComponent) and operation.together:
                _keep_largest_of_all(layer, boxes, operation)
                continue
            for label, box in boxes.items():
                _clean_label(layer[box], label, operation, voxel_mm3)
                poll()
    return layers


def _clean_label(part: Layers, label: int, operation: LabelOperation, voxel_mm3: float) -> None:
    mask = part == label
    if isinstance(operation, FillHoles):
        part[_filled(mask) & (part == 0)] = label
        return
    numbers, sizes = _components(mask, operation.connectivity)
    if isinstance(operation, RemoveSmallComponents):
        kept = np.flatnonzero(sizes > operation.volume_mm3 / voxel_mm3)
    else:
        kept = np.array([sizes.argmax()])
    part[mask & ~np.isin(numbers, kept)] = 0


def _keep_largest_of_all(layer: Layers, boxes: dict[int, tuple[slice, ...]], operation: KeepLargestComponent) -> None:
    """Of the structure that some labels make up together; nnU-Net keeps all components of the largest size."""
    if not boxes:
        return
    ends = zip(*boxes.values(), strict=True)
    part = layer[tuple(slice(min(s.start for s in along), max(s.stop for s in along)) for along in ends)]
    mask = np.isin(part, list(boxes))
    numbers, sizes = _components(mask, operation.connectivity)
    part[mask & ~np.isin(numbers, np.flatnonzero(sizes == sizes.max()))] = 0


def _bounding_boxes(layer: Layers, poll: Poll) -> dict[int, tuple[slice, ...]]:
    """Of every label in a (k, j, i) layer, found in one pass."""
    ends: dict[int, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}
    for k, plane in enumerate(layer):
        for label in map(int, np.flatnonzero(np.bincount(plane.ravel()))):
            mask = plane == label
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            first, last = np.array([k, rows[0], columns[0]]), np.array([k, rows[-1], columns[-1]])
            low, high = ends.get(label, (first, last))
            ends[label] = np.minimum(low, first), np.maximum(high, last)
        poll()
    return {
        label: tuple(slice(int(a), int(b) + 1) for a, b in zip(*ends[label], strict=True))
        for label in sorted(ends)
        if label
    }


def _components(mask: NDArray[np.bool_], connectivity: int) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The number of each voxel's component, from 1, and the voxels of each; what is not in the mask counts as none."""
    import SimpleITK as sitk

    components = sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), _FULLY_CONNECTED[connectivity])
    numbers = sitk.GetArrayFromImage(components)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return numbers, sizes


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import SimpleITK as sitk

    filled = sitk.BinaryFillhole(sitk.GetImageFromArray(mask.astype(np.uint8)), False, 1.0)
    return np.asarray(sitk.GetArrayFromImage(filled), dtype=bool)
