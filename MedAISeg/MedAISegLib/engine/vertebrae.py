"""Vertebral bodies that a network has mixed up, told apart by where they lie along the spine.

As TotalSegmentator does it for its task ``vertebrae_pp`` (``postprocess_vertebrae_pp`` in its ``postprocessing.py``,
version of August 2026): its network was trained on bodies without their outermost millimetres, which therefore never
touch, and which are grown back in the end.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..models.operations import NumberVertebrae
from .components import components
from .pieces import Poll

Labels = NDArray[Any]

_SUPERIOR = 2
"""Of the patient's axes in LPS."""


def number_vertebrae(labels: Labels, operation: NumberVertebrae, grid: VolumeGeometry, poll: Poll) -> None:
    """Change (k, j, i) labels in place.

    Where labels touch, each component that is large enough gets one label, in the order along the axis that is nearest
    to the patient's: from the lowest one that is found upwards, or, where the topmost is found and the lowest is not,
    from the top down. What is left over when labels run out becomes background. Where none touch, labels stay.

    Args:
        grid: of the labels.
    """
    if _touch(labels, poll):
        _number(labels, operation, grid, poll)
    _grow(labels, operation, grid, poll)


def _touch(labels: Labels, poll: Poll) -> bool:
    """Whether voxels that share a face bear different labels."""
    before: Labels | None = None
    for plane in labels:
        pairs = [(plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1])]
        if before is not None:
            pairs.append((plane, before))
        if any(((a != b) & (a > 0) & (b > 0)).any() for a, b in pairs):
            return True
        before = plane
        poll()
    return False


def _number(labels: Labels, operation: NumberVertebrae, grid: VolumeGeometry, poll: Poll) -> None:
    numbers, sizes = components(labels > 0, 6)
    poll()
    voxel_mm3 = 1e3 * grid.voxel_volume_ml
    kept = np.flatnonzero((sizes * voxel_mm3 >= operation.smallest_mm3) & (sizes > 0))
    table = np.zeros(len(sizes), dtype=labels.dtype)
    order = [n for n in operation.labels if n in set(np.unique(labels[np.isin(numbers, kept)]).tolist())]
    if order:
        topmost, lowest = operation.labels[0], operation.labels[-1]
        heights = _heights(numbers, len(sizes), grid)[kept]
        if topmost in order and lowest not in order:
            upwards, given = False, operation.labels
        else:
            upwards, given = True, operation.labels[operation.labels.index(order[-1]) :: -1]
        along = kept[np.argsort(heights if upwards else -heights, kind="stable")]
        for component, label in zip(along, given, strict=False):
            table[component] = label
    labels[...] = table[numbers]


def _heights(numbers: NDArray[Any], count: int, grid: VolumeGeometry) -> NDArray[np.float64]:
    """The mean index of each component along the axis nearest to the patient's, the larger the nearer to the head."""
    direction = grid.affine_lps[_SUPERIOR, :3] / np.linalg.norm(grid.affine_lps[:3, :3], axis=0)
    axis = int(np.abs(direction).argmax())
    sums, sizes = np.zeros(count), np.zeros(count)
    for index, plane in enumerate(np.moveaxis(numbers, axis, 0)):
        found = np.bincount(plane.ravel(), minlength=count)
        sums += index * found
        sizes += found
    return np.asarray(np.sign(direction[axis]) * sums / np.maximum(sizes, 1))


def _grow(labels: Labels, operation: NumberVertebrae, grid: VolumeGeometry, poll: Poll) -> None:
    """Each body by an ellipsoid of a radius in mm, in the order of the labels' values, into background only."""
    reach = [int(operation.grown_mm / mm) for mm in grid.spacing_mm]
    offsets = [
        offset
        for offset in product(*(range(-n, n + 1) for n in reach))
        if sum((o * mm / operation.grown_mm) ** 2 for o, mm in zip(offset, grid.spacing_mm, strict=True)) <= 1.0
    ]
    before = labels.copy()
    for label in sorted(operation.labels):
        where = np.argwhere(before == label)
        if not len(where):
            continue
        low = np.maximum(where.min(axis=0) - reach, 0)
        high = np.minimum(where.max(axis=0) + reach + 1, labels.shape)
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        own, grown = before[box] == label, np.zeros(tuple(high - low), dtype=bool)
        for offset in offsets:
            to = tuple(slice(max(o, 0), n + min(o, 0)) for o, n in zip(offset, own.shape, strict=True))
            of = tuple(slice(max(-o, 0), n + min(-o, 0)) for o, n in zip(offset, own.shape, strict=True))
            grown[to] |= own[of]
        part = labels[box]
        part[grown & (part == 0)] = label
        poll()
