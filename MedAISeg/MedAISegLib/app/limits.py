"""A run within a region: crop the case to the box, put the labels back, mask them to the box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..core.case import Case
from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.progress import Poll, never
from ..core.region import OrientedBox
from ..core.segmentation import Layers
from ..core.volume import Volume
from ..models.extent import is_clearly_larger, window_extent_mm
from ..models.spec import ModelSpec

Start = tuple[int, int, int]

_INTERPOLATION_MARGIN = 2
"""Voxels kept around the crop of a further channel: resampling it onto the first one's grid needs the neighbours."""


def grid_within(geometry: VolumeGeometry, region: OrientedBox | None) -> VolumeGeometry:
    """The part of a grid that a run within a region works on.

    Raises:
        UsageError: if the region does not meet it.
    """
    return geometry if region is None else geometry.window(*region.voxel_bounds(geometry))


def crop_case(case: Case, region: OrientedBox) -> tuple[Case, Start]:
    """The case within the region's voxel bounds, and the index (k, j, i) in the full grid where it starts.

    The first channel is cropped on its own grid; the others to what covers that crop in world space.

    Raises:
        UsageError: if the region does not meet the image.
        InputError: if another channel does not reach into the region.
    """
    start, shape = region.voxel_bounds(case.geometry)
    first_name, *_ = case.channels
    first = case.first.window(start, shape)
    others = {name: _cover(name, volume, first) for name, volume in case.channels.items() if name != first_name}
    return replace(case, channels={first_name: first} | others), start


def paste_labels(
    layers: Layers,
    geometry: VolumeGeometry,
    start: Start,
    full: VolumeGeometry,
    box: OrientedBox,
    poll: Poll = never,
) -> Layers:
    """The labels of a crop on the full grid, those outside the (possibly rotated) box removed.

    Args:
        layers: (layer, k, j, i) of the crop.
        geometry: of the crop.
        start: where the crop starts in the full grid.
        full: the full grid.
        box: the region.
        poll: called between slices.
    """
    pasted = np.zeros((layers.shape[0], *full.shape_kji), dtype=layers.dtype)
    k, j, i = (slice(a, a + n) for a, n in zip(start, geometry.shape_kji, strict=True))
    crop = pasted[:, k, j, i]
    for n, inside in enumerate(box.mask_planes(geometry)):
        np.multiply(layers[:, n], inside, out=crop[:, n])
        poll()
    return pasted


def exceeds_training_crop(spec: ModelSpec, geometry: VolumeGeometry) -> bool:
    """Whether a model that was trained on crops meets an image that is clearly more than such a crop.

    The network's window in mm stands for the crop; where the model fixes no window or spacing, any image may be.
    """
    window_mm = window_extent_mm(spec)
    return window_mm is None or is_clearly_larger(geometry, window_mm)


def _cover(name: str, volume: Volume, first: Volume) -> Volume:
    index = volume.geometry.lps_to_index(first.geometry.corners_lps())
    low = np.maximum(np.floor(index.min(axis=0)) - _INTERPOLATION_MARGIN, 0).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0)) + _INTERPOLATION_MARGIN + 1, volume.geometry.shape_kji).astype(int)
    if (high <= low).any():
        raise InputError(
            "it does not reach into the region.",
            where=f"channel {name}",
            remedy="Move the region, or give another image for this channel.",
        )
    a, b, c = (int(n) for n in low)
    u, v, w = (int(n) for n in high - low)
    return volume.window((a, b, c), (u, v, w))
