"""Resampling to another number of voxels, as nnU-Net does it.

Images by cubic B-splines with the edge voxels repeated, as scikit-image's ``resize`` of order 3 and mode ``edge`` has
them, scores on the way back linearly. Where the spacing is very uneven, the coarse axis is resampled on its own by the
nearest slice. The outer edges of the first and last voxels stay where they are, so that the spacing that results is
not exactly the wanted one (Isensee et al., Nature Methods 18, 2021; nnunetv2 ``resample_data_or_seg``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from ...core.geometry import VolumeGeometry
from ...core.respacing import edges_kept
from ...models.operations import Interpolation, Resize, ResizeTo
from ..axis_taps import AxisTaps
from ..pieces import PIECE_VALUES, Poll
from ..prepared import Prepared
from ..resampling import resample_along, resample_axis
from ..restore import LabelLayers
from ..slabs import Shape, SlabStream

_EDGE = 12
"""Copies of the edge voxel before the spline's own mirrored end, as in scipy."""

_NOTHING = 1e-20
"""Weights below it, of voxels far away, add nothing to a sum in single precision, where they would become numbers that
processors take a hundred times as long for: ten times as long for all of it."""


def resize(operation: Resize, prepared: Prepared) -> Prepared:
    """To the number of voxels nearest to the wanted spacing."""
    present = [float(mm) for mm in prepared.geometry.spacing_mm]
    wanted = [mm or now for mm, now in zip(operation.spacing_mm, present, strict=True)]
    a, b, c = (round(now / mm * n) for now, mm, n in zip(present, wanted, prepared.shape, strict=True))
    shape: Shape = (max(a, 1), max(b, 1), max(c, 1))
    if shape == prepared.shape:
        return prepared
    coarse = _coarse_axis(present, wanted, operation.anisotropy)
    values = _resized_linearly(prepared, shape, coarse) if operation.linear else _resized(prepared, shape, coarse)
    coarse_back = _coarse_axis(wanted, present, operation.anisotropy)
    undo = partial(_undo_resize, source_shape=prepared.shape, coarse=coarse_back)
    return prepared.moved(values, edges_kept(prepared.geometry, shape), undo)


def resize_to(operation: ResizeTo, prepared: Prepared) -> Prepared:
    """To a fixed number of voxels; labels and scores come back by the same rule."""
    a, b, c = (wanted or now for wanted, now in zip(operation.size, prepared.shape, strict=True))
    if (a, b, c) == prepared.shape:
        return prepared
    values = prepared.values
    for axis, length in enumerate((a, b, c)):
        along = _averaged_along if operation.averaged else _linear_along
        values = along(values, axis, length, prepared)
    undo = partial(_undo_resize_to, source_shape=prepared.shape, floored=operation.floored_labels)
    return prepared.moved(values, edges_kept(prepared.geometry, (a, b, c)), undo)


def resize_labels(
    operation: Resize, labels: LabelLayers, geometry: VolumeGeometry, shape: Shape, poll: Poll
) -> LabelLayers:
    """(a, b, c) labels as images of that grid are resampled: each voxel gets the label that fills most of it.

    Of labels that fill the same share, the nearest one wins, else the smallest (batchgenerators
    ``resize_segmentation``).
    """
    if tuple(labels.shape) == shape:
        return labels
    present = [float(mm) for mm in geometry.spacing_mm]
    wanted = [mm or now for mm, now in zip(operation.spacing_mm, present, strict=True)]
    coarse = _coarse_axis(present, wanted, operation.anisotropy)
    taps = [_linear_taps(labels.shape[axis], shape[axis], nearest=axis == coarse) for axis in range(3)]
    nearest = [_nearest(labels.shape[axis], shape[axis]) for axis in range(3)]
    resized = np.empty(shape, dtype=labels.dtype)
    step = max(1, PIECE_VALUES // max(labels[0].size, shape[1] * shape[2]))
    for start in range(0, shape[0], step):
        stop = min(start + step, shape[0])
        along = taps[0].part(start, stop)
        first, last = int(along.lower[0]), int(along.upper[-1])
        resized[start:stop] = _shared_out(
            labels[first : last + 1], (along.shifted(first), *taps[1:]), (nearest[0][start:stop] - first, *nearest[1:])
        )
        poll()
    return resized


def _shared_out(
    labels: LabelLayers, taps: Sequence[AxisTaps], nearest: Sequence[NDArray[np.int64]]
) -> NDArray[np.uint8 | np.uint16]:
    """(a, b, c) labels, of each voxel the one that fills most of it; the nearest one where shares are alike."""
    close = labels[np.ix_(*nearest)]
    resized, largest = np.zeros_like(close), np.zeros(close.shape)
    for value in np.unique(labels):
        share = torch.from_numpy(labels == value)[None].double()
        for axis in range(3):
            share = resample_axis(share, axis, taps[axis])
        filled = share[0].numpy()
        resized[(filled > largest) | ((filled == largest) & (close == value))] = value
        np.maximum(largest, filled, out=largest)
    return resized


def cubic_matrix(source_length: int, target_length: int) -> NDArray[np.float64]:
    """(target, source) weights of each source voxel in each target voxel, for a cubic B-spline through the source."""
    padded = source_length + 2 * _EDGE
    repeated = np.clip(np.arange(padded) - _EDGE, 0, source_length - 1)
    # The spline's coefficients c fulfil (c[n-1] + 4 c[n] + c[n+1]) / 6 = value[n], mirrored about the ends.
    system = np.diag(np.full(padded, 4.0)) + np.diag(np.ones(padded - 1), 1) + np.diag(np.ones(padded - 1), -1)
    system[0, 1] = system[-1, -2] = 2.0
    coefficients = np.linalg.solve(system / 6.0, np.eye(source_length)[repeated])
    places = _coordinates(source_length, target_length) + _EDGE
    first = np.floor(places).astype(np.int64) - 1
    x = (places - first - 1.0)[:, None]
    weights = np.hstack([(1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3]) / 6.0
    matrix = np.einsum("tw,tws->ts", weights, coefficients[first[:, None] + np.arange(4)])
    matrix[np.abs(matrix) < _NOTHING] = 0.0
    return np.asarray(matrix, dtype=np.float64)


def _coordinates(source_length: int, target_length: int) -> NDArray[np.float64]:
    """Source index of each target voxel's centre, outer edges on outer edges."""
    return np.asarray((np.arange(target_length) + 0.5) * (source_length / target_length) - 0.5, dtype=np.float64)


def _coarse_axis(present: Sequence[float], wanted: Sequence[float], anisotropy: float) -> int | None:
    """The axis that is resampled on its own: the one with the largest spacing, where that is far from the smallest."""
    for spacing in (present, wanted):
        if max(spacing) / min(spacing) > anisotropy:
            largest = [axis for axis, mm in enumerate(spacing) if mm == max(spacing)]
            return largest[0] if len(largest) == 1 else None
    return None


def _resized(prepared: Prepared, shape: Shape, coarse: int | None) -> torch.Tensor:
    channels = []
    for channel in prepared.values:
        values = channel
        fine = [axis for axis in range(3) if axis != coarse and shape[axis] != prepared.shape[axis]]
        for axis in fine:
            values = _spline_along(values, axis, shape[axis], prepared)
        if fine:
            values = _limited(values, channel, coarse)
        if coarse is not None and shape[coarse] != prepared.shape[coarse]:
            nearest = torch.from_numpy(_nearest(prepared.shape[coarse], shape[coarse]))
            values = values.index_select(coarse, nearest.to(values.device))
        channels.append(values)
    return torch.stack(channels)


def _resized_linearly(prepared: Prepared, shape: Shape, coarse: int | None) -> torch.Tensor:
    values = prepared.values
    for axis in range(3):
        if axis != coarse:
            values = _linear_along(values, axis, shape[axis], prepared)
    if coarse is not None and shape[coarse] != prepared.shape[coarse]:
        nearest = torch.from_numpy(_nearest(prepared.shape[coarse], shape[coarse]))
        values = values.index_select(coarse + 1, nearest.to(values.device))
    return values


def _spline_along(values: torch.Tensor, axis: int, length: int, prepared: Prepared) -> torch.Tensor:
    """(a, b, c) values interpolated along one axis, in pieces along another."""
    matrix = torch.from_numpy(cubic_matrix(values.shape[axis], length)).to(values.device, values.dtype)
    target = list(values.shape)
    target[axis] = length
    result = values.new_empty(target)
    across = 1 if axis == 0 else 0
    step = max(1, PIECE_VALUES * values.shape[across] // values.numel())
    for start in range(0, values.shape[across], step):
        piece = values.narrow(across, start, min(step, values.shape[across] - start))
        made = torch.tensordot(piece, matrix, dims=([axis], [1])).movedim(-1, axis)
        result.narrow(across, start, piece.shape[across]).copy_(made)
        prepared.poll()
    return result


def _linear_along(values: torch.Tensor, axis: int, length: int, prepared: Prepared) -> torch.Tensor:
    """(channel, a, b, c) values interpolated along one axis, in pieces along another."""
    if values.shape[axis + 1] == length:
        return values
    taps = _linear_taps(values.shape[axis + 1], length, nearest=False)
    target = list(values.shape)
    target[axis + 1] = length
    result = values.new_empty(target)
    across = 2 if axis == 0 else 1
    step = max(1, PIECE_VALUES * values.shape[across] // values.numel())
    for start in range(0, values.shape[across], step):
        piece = values.narrow(across, start, min(step, values.shape[across] - start))
        result.narrow(across, start, piece.shape[across]).copy_(resample_axis(piece, axis, taps))
        prepared.poll()
    return result


def _averaged_along(values: torch.Tensor, axis: int, length: int, prepared: Prepared) -> torch.Tensor:
    """(channel, a, b, c) means along one axis, channel by channel."""
    if values.shape[axis + 1] == length:
        return values
    channels = []
    for channel in values:
        means = torch.nn.functional.adaptive_avg_pool1d(channel.movedim(axis, -1), length)
        channels.append(means.movedim(-1, axis))
        prepared.poll()
    return torch.stack(channels)


def _limited(values: torch.Tensor, source: torch.Tensor, coarse: int | None) -> torch.Tensor:
    """Within the source's range: of the whole channel, or of each slice where the slices are resampled apart."""
    if coarse is None:
        return values.clamp_(float(source.min()), float(source.max()))
    in_slice = [axis for axis in range(3) if axis != coarse]
    return torch.minimum(
        torch.maximum(values, source.amin(in_slice, keepdim=True)), source.amax(in_slice, keepdim=True)
    )


def _nearest(source_length: int, target_length: int) -> NDArray[np.int64]:
    """Index of the nearest source slice; midway between two, the upper one."""
    index = np.floor(_coordinates(source_length, target_length) + 0.5).astype(np.int64)
    return np.clip(index, 0, source_length - 1)


def _undo_resize(
    stream: SlabStream, interpolation: Interpolation, *, source_shape: Shape, coarse: int | None
) -> SlabStream:
    taps = [
        _linear_taps(
            stream.shape[axis], source_shape[axis], nearest=axis == coarse or interpolation is Interpolation.NEAREST
        )
        for axis in range(3)
    ]
    # Scores that come in 16 bits are interpolated in 32 and rounded again, as nnU-Net does; labels stay as they are.
    restored = resample_along(stream.map_values(_widened), taps, source_shape)
    return restored.rounded(torch.float16) if interpolation is Interpolation.LINEAR else restored


def _undo_resize_to(
    stream: SlabStream, interpolation: Interpolation, *, source_shape: Shape, floored: bool
) -> SlabStream:
    nearest = interpolation is Interpolation.NEAREST
    make = _floored_taps if nearest and floored else partial(_linear_taps, nearest=nearest)
    taps = [make(length, wanted) for length, wanted in zip(stream.shape, source_shape, strict=True)]
    return resample_along(stream, taps, source_shape)


def _floored_taps(source_length: int, target_length: int) -> AxisTaps:
    index = np.arange(target_length) * source_length // target_length
    return AxisTaps(index, index, np.ones(target_length), np.zeros(target_length))


def _widened(values: torch.Tensor) -> torch.Tensor:
    return values.float() if values.dtype == torch.float16 else values


def _linear_taps(source_length: int, target_length: int, *, nearest: bool) -> AxisTaps:
    ones, zeros = np.ones(target_length), np.zeros(target_length)
    if nearest or source_length == target_length:
        index = _nearest(source_length, target_length)
        return AxisTaps(index, index, ones, zeros)
    place = np.clip(_coordinates(source_length, target_length), 0.0, source_length - 1.0)
    lower = np.floor(place).astype(np.int64)
    upper = np.minimum(lower + 1, source_length - 1)
    return AxisTaps(lower, upper, 1.0 - (place - lower), place - lower)
