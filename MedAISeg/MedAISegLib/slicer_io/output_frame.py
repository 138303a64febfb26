"""The grid on which a result lies in a segmentation node, and the transform above it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import InputError
from ..core.geometry import LPS_TO_RAS, VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.resampling import sheared_grid_notice
from ..core.segmentation import Segmentation
from .geometry import placed_grid, to_world_matrix
from .labelmaps import aligned_offset, reference_grid, reference_text
from .volume_node import node_grid

_SAME_PLACE = 0.05
"""Share of a voxel within which a result lies on its source's grid: the affine of a tilted series is a fit."""


@dataclass(frozen=True, eq=False)
class OutputFrame:
    """Where labels go.

    Attributes:
        local: the grid before the node's parent transform, at right angles.
        world: the same grid in the world.
        adopted: whether node and result come to agree: the node takes this grid as its reference geometry, the source
            as its reference volume and ``parent`` as its transform. Else it keeps its own.
        parent: the transform node above the segmentation, None for none.
    """

    local: VolumeGeometry
    world: VolumeGeometry
    adopted: bool
    parent: Any = None
    notices: tuple[Notice, ...] = ()


def new_frame(geometry: VolumeGeometry, source_node: Any) -> OutputFrame:
    """For a new node: on the source's grid under its transform, where that is what places the result's grid."""
    local, parent = _place(geometry, source_node)
    if local.is_rectilinear():
        return OutputFrame(local, geometry, adopted=True, parent=parent)
    upright = local.rectilinear()
    world = upright if parent is None else placed_grid(upright, parent).world
    notices = (sheared_grid_notice(_("a segmentation in Slicer")),)
    return OutputFrame(upright, world, adopted=True, parent=parent, notices=notices)


def frame_of_node(node: Any, geometry: VolumeGeometry, source_node: Any, *, emptied: bool) -> OutputFrame:
    """For a node that is there: its own reference grid, unless it has none or ``emptied`` says that nothing stays.

    Raises:
        InputError: if a transform bends the node's grid.
    """
    if emptied or not reference_text(node):
        return new_frame(geometry, source_node)
    local = reference_grid(node)
    world = world_grid(node, local)
    what = _("The result was resampled to the grid of the segmentation that it was put into.")
    resampled = Notice("resampled-to-segmentation", what)
    notices = () if aligned_offset(world, geometry) is not None else (resampled,)
    return OutputFrame(local, world, adopted=False, parent=node.GetParentTransformNode(), notices=notices)


def world_grid(node: Any, local: VolumeGeometry) -> VolumeGeometry:
    """A grid under a node's parent transform.

    Raises:
        InputError: if the transform bends it.
    """
    grid = placed_grid(local, node.GetParentTransformNode())
    if not grid.exact:
        raise InputError(
            _("the segmentation lies under a transform that bends it, so no result can be put into it."),
            remedy=_("Choose a new segmentation as output, or harden the transform."),
        )
    return grid.world


def cut_off_notices(segmentation: Segmentation, world: VolumeGeometry) -> Generator[None, None, tuple[Notice, ...]]:
    """Whether a part of the result lies outside a grid, yielding after each slice."""
    offset = aligned_offset(world, segmentation.geometry)
    if offset == (0, 0, 0) and world.shape_kji == segmentation.geometry.shape_kji:
        return ()
    found: list[tuple[int, int, int]] = []
    for layer in segmentation.layers:
        for k, plane in enumerate(layer):
            rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
            found += [(k, int(j), int(i)) for j in rows[[0, -1]] for i in columns[[0, -1]]] if len(rows) else []
            yield
    index = world.lps_to_index(segmentation.geometry.index_to_lps(np.array(found).reshape(-1, 3)))
    if not ((index < -0.5 - 1e-6) | (index > np.array(world.shape_kji) - 0.5 + 1e-6)).any():
        return ()
    return (
        Notice(
            "cut-off",
            _(
                "A part of the result lies outside the grid of the segmentation it went into and was left out; "
                "a new segmentation would hold all of it."
            ),
        ),
    )


def _place(geometry: VolumeGeometry, source_node: Any) -> tuple[VolumeGeometry, Any]:
    """The grid before a parent transform, and that transform's node (None for none)."""
    parent = source_node.GetParentTransformNode() if source_node is not None else None
    if parent is None:
        return geometry, None
    source = node_grid(source_node)
    if source.exact and source.world.matches(geometry, tolerance_mm=_SAME_PLACE * float(geometry.spacing_mm.min())):
        return source.local, parent
    if parent.IsTransformToWorldLinear():
        from_world_ras = np.linalg.inv(to_world_matrix(parent))
        return VolumeGeometry(geometry.shape_kji, LPS_TO_RAS @ from_world_ras @ geometry.affine_ras), parent
    return geometry, None
