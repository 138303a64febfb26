"""FreeSurfer's conform: one grid and one range of intensities for every head."""

from __future__ import annotations

import numpy as np
import torch

from ...core.geometry import VolumeGeometry
from ...core.notice import Notice
from ...core.respacing import cube_about
from ...models.operations import Conform, Interpolation, Orient, ScaleRange
from ..pieces import Poll, extremes, pieces, values_at_ranks
from ..prepared import Prepared
from ..resampling import Outside
from .intensity import mapped
from .spatial import orient, resampled

_LARGEST = 255.0
_EDGE = 1e-3


def conform(operation: Conform, prepared: Prepared) -> Prepared:
    """A cube along the patient's axes about the volume's centre, values from 0 to 255; zero outside the volume."""
    turned = orient(Orient(operation.axis_codes), prepared)
    target = cube_about(turned.geometry, operation.size, operation.spacing_mm, operation.axis_codes)
    on_grid = target.matches(turned.geometry)
    if on_grid and _is_of_bytes(turned.values, turned.poll):
        return turned
    # The top is looked for in the volume as it came: the zeros around it and interpolation would move it.
    scaled = turned.with_values(_robustly_scaled(turned.values, operation.clipped, turned.poll))
    if on_grid:
        return scaled
    cube = resampled(scaled, target, Interpolation.LINEAR, Outside.ZERO)
    return cube.with_notice(_beyond(operation)) if _is_longer(turned.geometry, target) else cube


def _is_longer(volume: VolumeGeometry, cube: VolumeGeometry) -> bool:
    """Whether the middle of a face lies beyond the cube; an oblique volume's corners, mostly air, may."""
    half = np.asarray(volume.shape_kji) / 2.0
    faces = half - 0.5 + np.concatenate([np.diag(half), -np.diag(half)])
    index = cube.lps_to_index(volume.index_to_lps(faces))
    return bool((index < -0.5 - _EDGE).any() or (index > np.asarray(cube.shape_kji) - 0.5 + _EDGE).any())


def _beyond(operation: Conform) -> Notice:
    edge_mm = operation.size * operation.spacing_mm
    return Notice(
        "beyond-cube",
        f"The image is longer than the {edge_mm:g} mm that the model looks at; farther from its middle is no label.",
    )


def _is_of_bytes(values: torch.Tensor, poll: Poll) -> bool:
    return all(
        bool(((piece >= 0.0) & (piece <= _LARGEST) & (piece == piece.round())).all()) for piece in pieces(values, poll)
    )


def _robustly_scaled(values: torch.Tensor, clipped: float, poll: Poll) -> torch.Tensor:
    top = values_at_ranks(values, lambda count: [count - 1 - int(clipped * count)], nonzero=True, poll=poll)
    if not top:
        return values
    low, _ = extremes(values, poll)
    return mapped(values, ScaleRange(low, top[0], 0.0, _LARGEST, clip=True), poll)
