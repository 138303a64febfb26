"""The channels of a case as one array."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ..core.case import Case
from ..core.geometry import VolumeGeometry
from ..core.volume import Volume
from ..models.operations import Interpolation
from .pieces import Poll
from .prepared import Prepared
from .resampling import Outside, resample


def stacked(case: Case, poll: Poll, device: torch.device) -> Prepared:
    """(channel, k, j, i) on the grid of the first channel; the others are sampled in world space."""
    channels = [_sampled(volume, case.geometry, Outside.ZERO, poll, device) for volume in case.channels.values()]
    values = channels[0] if len(channels) == 1 else torch.cat(channels)
    return Prepared(values, case.geometry, label_grid=case.geometry, poll=poll)


def first_of(case: Case, poll: Poll, device: torch.device) -> Prepared:
    """(1, k, j, i), the first channel alone."""
    name, volume = next(iter(case.channels.items()))
    return stacked(replace(case, channels={name: volume}), poll, device)


def joined(prepared: Prepared, case: Case) -> Prepared:
    """The first channel, prepared so far, with the others; each is sampled once, its edge voxels repeated beyond."""
    _, *others = case.channels.values()
    grid, device = prepared.geometry, prepared.values.device
    sampled = [_sampled(volume, grid, Outside.NEAREST_VOXEL, prepared.poll, device) for volume in others]
    return prepared.with_values(torch.cat([prepared.values, *sampled]))


def _sampled(
    volume: Volume, target: VolumeGeometry, outside: Outside, poll: Poll, device: torch.device
) -> torch.Tensor:
    """(1, a, b, c) on the target's grid, float32."""
    voxels = np.empty(volume.voxels.shape, dtype=np.float32)
    for k, plane in enumerate(volume.voxels):
        voxels[k] = plane
        poll()
    values = torch.from_numpy(voxels)[None].to(device)
    if volume.geometry.matches(target):
        return values
    index_map = target.index_to(volume.geometry)
    precision = torch.float64 if outside is Outside.ZERO else torch.float32
    return resample(values, index_map, target.shape_kji, Interpolation.LINEAR, outside, poll, precision)
