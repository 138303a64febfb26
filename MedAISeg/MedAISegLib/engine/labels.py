"""Cleaning of finished labels, on the whole volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..models.operations import FillHoles, KeepLargestComponent, LabelOperation

Layers = NDArray[Any]

_FULLY_CONNECTED = {6: False, 26: True}


def clean(layers: Layers, operations: tuple[LabelOperation, ...]) -> Layers:
    """(layer, k, j, i) labels after the given operations."""
    for operation in operations:
        for layer in layers:
            present = [int(label) for label in np.unique(layer) if label]
            for label in present:
                if not operation.labels or label in operation.labels:
                    _clean_label(layer, label, operation)
    return layers


def _clean_label(layer: Layers, label: int, operation: LabelOperation) -> None:
    box = _bounding_box(layer == label)
    part = layer[box]
    mask = part == label
    if isinstance(operation, FillHoles):
        part[_filled(mask) & (part == 0)] = label
    else:
        part[mask & ~_largest_component(mask, operation)] = 0


def _bounding_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    box = []
    for axis in range(mask.ndim):
        others = tuple(a for a in range(mask.ndim) if a != axis)
        present = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(present[0]), int(present[-1]) + 1))
    return tuple(box)


def _largest_component(mask: NDArray[np.bool_], operation: KeepLargestComponent) -> NDArray[np.bool_]:
    components = sitk.ConnectedComponent(
        sitk.GetImageFromArray(mask.astype(np.uint8)), _FULLY_CONNECTED[operation.connectivity]
    )
    numbers = sitk.GetArrayViewFromImage(components)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return np.asarray(numbers == sizes.argmax())


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    filled = sitk.BinaryFillhole(sitk.GetImageFromArray(mask.astype(np.uint8)), False, 1.0)
    return np.asarray(sitk.GetArrayFromImage(filled), dtype=bool)
