"""What a node's reference grid does not hold of its segments, to be told where a format stays on that grid."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from .labelmaps import is_window, labelmap_array, labelmap_grid
from .node_layers import NodeLayers

_EDGE = 0.501
"""Of a voxel, how far from its centre it reaches."""

_FINER = 0.99


def left_out(held: NodeLayers) -> Generator[None, None, tuple[Notice, ...]]:
    """Notices of voxels outside the grid, and of finer ones than the grid's, yielding after each slice."""
    grid = held.placed.local
    is_cut = is_coarsened = False
    for layer in held.layers:
        labels, own = labelmap_array(layer.image), labelmap_grid(layer.image)
        if labels is None or is_window(own, grid):
            continue
        for k, plane in enumerate(labels):
            found = np.argwhere(np.isin(plane, list(layer.new_values)))
            is_cut = is_cut or _is_any_outside(np.insert(found, 0, k, axis=1), own, grid)
            is_coarsened = is_coarsened or (len(found) > 0 and own.voxel_volume_ml < _FINER * grid.voxel_volume_ml)
            yield
    return (*([_cut()] if is_cut else []), *([_coarsened()] if is_coarsened else []))


def _is_any_outside(index: NDArray[Any], own: VolumeGeometry, grid: VolumeGeometry) -> bool:
    on_grid = grid.lps_to_index(own.index_to_lps(index))
    return bool(((on_grid < -_EDGE) | (on_grid > np.array(grid.shape_kji) - 1 + _EDGE)).any())


def _cut() -> Notice:
    return Notice(
        "outside-reference-grid",
        _("Parts of the segments lie outside the image that they belong to: only seg.nrrd and surfaces hold them."),
    )


def _coarsened() -> Notice:
    return Notice(
        "finer-than-reference-grid",
        _("Segments are finer than the image that they belong to: only seg.nrrd and surfaces keep them so."),
    )
