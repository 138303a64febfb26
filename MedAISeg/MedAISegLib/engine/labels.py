"""Cleaning of finished labels, on the whole volume.

SimpleITK is imported where it is used: most runs do without its 90 MB.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..models.operations import (
    FillHoles,
    KeepLargestComponent,
    LabelOperation,
    NumberVertebrae,
    RemoveSmallComponents,
)
from .components import components
from .pieces import Poll
from .vertebrae import number_vertebrae

Layers = NDArray[Any]


def clean(layers: Layers, operations: tuple[LabelOperation, ...], poll: Poll, geometry: VolumeGeometry) -> Layers:
    """(layer, k, j, i) labels after the given operations; ``poll`` is called between labels.

    Args:
        geometry: of the grid of the labels.
    """
    for operation in operations:
        for layer in layers:
            if isinstance(operation, NumberVertebrae):
                number_vertebrae(layer, operation, geometry, poll)
                continue
            boxes = {
                label: box
                for label, box in _bounding_boxes(layer, poll).items()
                if not operation.labels or label in operation.labels
            }
            if isinstance(operation, KeepLargestComponent) and operation.together:
                _keep_largest_of_all(layer, boxes, operation)
                continue
            for label, box in boxes.items():
                _clean_label(layer[box], label, operation, 1e3 * geometry.voxel_volume_ml)
                poll()
    return layers


def _clean_label(
    part: Layers, label: int, operation: KeepLargestComponent | RemoveSmallComponents | FillHoles, voxel_mm3: float
) -> None:
    mask = part == label
    if isinstance(operation, FillHoles):
        part[_filled(mask)] = label
        return
    numbers, sizes = components(mask, operation.connectivity)
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
    numbers, sizes = components(mask, operation.connectivity)
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


def _filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With its cavities; what an edge or a corner leads out of is none."""
    import SimpleITK as sitk

    filled = sitk.BinaryFillhole(sitk.GetImageFromArray(mask.astype(np.uint8)), True, 1.0)
    return np.asarray(sitk.GetArrayFromImage(filled), dtype=bool)
