"""Cleaning of finished labels, on the whole volume.

SimpleITK is imported where it is used: most runs do without its 90 MB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.operations import FillHoles, KeepLargestComponent, LabelOperation
from .pieces import Poll, never

Layers = NDArray[Any]

_FULLY_CONNECTED = {6: False, 26: True}


def clean(layers: Layers, operations: tuple[LabelOperation, ...], poll: Poll = never) -> Layers:
    """(layer, k, j, i) labels after the given operations; ``poll`` is called between labels."""
    for operation in operations:
        for layer in layers:
            for label, box in _bounding_boxes(layer, poll).items():
                if not operation.labels or label in operation.labels:
                    _clean_label(layer[box], label, operation)
                    poll()
    return layers


def _clean_label(part: Layers, label: int, operation: LabelOperation) -> None:
    mask = part == label
    if isinstance(operation, FillHoles):
        part[_filled(mask) & (part == 0)] = label
    else:
        part[mask & ~_largest_component(mask, operation)] = 0


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


def _largest_component(mask: NDArray[np.bool_], operation: KeepLargestComponent) -> NDArray[np.bool_]:
    import SimpleITK as sitk

    components = sitk.ConnectedComponent(
        sitk.GetImageFromArray(mask.astype(np.uint8)), _FULLY_CONNECTED[operation.connectivity]
    )
    numbers = sitk.GetArrayViewFromImage(components)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return np.asarray(numbers == sizes.argmax())


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import SimpleITK as sitk

    filled = sitk.BinaryFillhole(sitk.GetImageFromArray(mask.astype(np.uint8)), False, 1.0)
    return np.asarray(sitk.GetArrayFromImage(filled), dtype=bool)
