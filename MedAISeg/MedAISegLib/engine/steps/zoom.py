"""Resampling that keeps the first and last voxel centres of each axis, as ``scipy.ndimage.zoom`` does it.

TotalSegmentator brings images to the spacing of its networks in this way, cuts off what is behind the point, and has
its labels come back by the nearest voxel (``change_spacing`` in its ``resampling.py``; Wasserthal et al., Radiology:
Artificial Intelligence 5, 2023).
"""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.geometry import VolumeGeometry
from ...models.operations import Interpolation, Zoom
from ..axis_taps import AxisTaps
from ..pieces import PIECE_VALUES
from ..prepared import Prepared
from ..resampling import resample_along
from ..slabs import Shape, SlabStream


def zoom(operation: Zoom, prepared: Prepared) -> Prepared:
    """To the number of voxels nearest to the wanted spacing; the grid then bears exactly that spacing."""
    # A NIfTI header, where TotalSegmentator reads the spacing, holds 32 bits.
    present = prepared.geometry.spacing_mm.astype(np.float32).astype(np.float64)
    if np.array_equal(present, operation.spacing_mm):
        return prepared.with_label_undos()
    a, b, c = (
        max(round(length * (now / mm)), 1)
        for length, now, mm in zip(prepared.shape, present, operation.spacing_mm, strict=True)
    )
    shape: Shape = (a, b, c)
    values = torch.stack([_zoomed(channel, shape, operation, prepared) for channel in prepared.values])
    geometry = _renamed(prepared.geometry, shape, operation.spacing_mm)
    undo = partial(_undo_zoom, source_shape=prepared.shape)
    return prepared.moved(values, geometry, undo).with_label_undos()


def _zoomed(channel: torch.Tensor, shape: Shape, operation: Zoom, prepared: Prepared) -> torch.Tensor:
    """(a, b, c) values interpolated linearly, in 64 bits since a rounding error can change what is cut off."""
    taps = [_taps(n, wanted) for n, wanted in zip(channel.shape, shape, strict=True)]
    result = channel.new_empty(shape)
    depth = max(1, PIECE_VALUES // (shape[1] * shape[2]))
    for start in range(0, shape[0], depth):
        part = (taps[0].part(start, min(start + depth, shape[0])), taps[1], taps[2])
        made = _interpolated(channel, part)
        result[start : start + depth] = made.trunc_() if operation.whole_numbers else made
        prepared.poll()
    return result


def _interpolated(source: torch.Tensor, taps: tuple[AxisTaps, AxisTaps, AxisTaps]) -> torch.Tensor:
    """(a, b, c), 64 bits: the eight neighbours added up in scipy's order, whose first axis is our last."""
    total = source.new_zeros([len(along.lower) for along in taps], dtype=torch.float64)
    for upper in product((False, True), repeat=3):
        sides = list(zip(taps, reversed(upper), strict=True))
        a, b, c = (_on(source, along.upper if up else along.lower) for along, up in sides)
        weight = [_on(source, along.upper_weight if up else along.lower_weight) for along, up in sides]
        term = source[a[:, None, None], b[:, None], c].double()
        # One product after the other: their rounding errors count.
        term *= weight[2]
        term *= weight[1][:, None]
        term *= weight[0][:, None, None]
        total += term
    return total


def _on(source: torch.Tensor, numbers: NDArray[np.int64] | NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(numbers).to(source.device)


def _undo_zoom(stream: SlabStream, interpolation: Interpolation, *, source_shape: Shape) -> SlabStream:
    make = _nearest_taps if interpolation is Interpolation.NEAREST else _taps
    return resample_along(stream, [make(n, m) for n, m in zip(stream.shape, source_shape, strict=True)], source_shape)


def _taps(source_length: int, target_length: int) -> AxisTaps:
    place = _places(source_length, target_length)
    lower = np.floor(place).astype(np.int64)
    lower_weight = 1.0 - (place - lower)
    return AxisTaps(lower, np.minimum(lower + 1, source_length - 1), lower_weight, 1.0 - lower_weight)


def _nearest_taps(source_length: int, target_length: int) -> AxisTaps:
    index = np.floor(_places(source_length, target_length) + 0.5).astype(np.int64)
    return AxisTaps(index, index, np.ones(target_length), np.zeros(target_length))


def _places(source_length: int, target_length: int) -> NDArray[np.float64]:
    """Source index of each target voxel."""
    step = (source_length - 1) / (target_length - 1) if target_length > 1 else 1.0
    return np.asarray(np.clip(np.arange(target_length) * step, 0.0, source_length - 1.0), dtype=np.float64)


def _renamed(geometry: VolumeGeometry, shape: Shape, spacing_mm: tuple[float, float, float]) -> VolumeGeometry:
    affine = geometry.affine_lps.copy()
    affine[:3, :3] *= np.asarray(spacing_mm) / geometry.spacing_mm
    return VolumeGeometry(shape, affine)
