"""Values between voxel centres.

Between grids whose axes run in parallel, interpolation separates into one pass an axis, which is both faster and leaner
than sampling every voxel by its own coordinates, as it is done between all others. Conventions are those of
``torch.nn.functional.grid_sample`` with ``align_corners=False``: indices address voxel centres, and outside the array
either the nearest voxel counts or zero does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.geometry import Affine
from ..models.operations import Interpolation
from .advancing import Reach, advanced
from .axis_taps import AxisTaps
from .near_zero import settle_near_zero
from .pieces import Poll, never
from .slabs import Box, Patch, Shape, Slab, SlabStream, collect, whole_box, with_axis

_PARALLEL_TOLERANCE = 1e-6

_MOST_MULTIPLIED = 256
"""Source values along an axis. Tiles of scores have 10 to 50, and a matrix product takes a ninth of the time in which
two neighbours are looked up and weighted (60 classes of 13 voxels a side to 34: 2.2 ms in place of 20)."""


class Outside(Enum):
    """What counts beyond the outermost voxel centres."""

    NEAREST_VOXEL = "nearest voxel"
    ZERO = "zero"


def parallel_axes(target_to_source: Affine) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Scale and offset along each axis if the index map keeps the axes apart and in direction, else None."""
    matrix, offset = target_to_source[:3, :3], target_to_source[:3, 3]
    scale = np.diag(matrix)
    if (scale <= 0).any() or np.abs(matrix - np.diag(scale)).max() > _PARALLEL_TOLERANCE * scale.max():
        return None
    return scale.copy(), offset.copy()


def axis_taps(
    target_length: int,
    source_length: int,
    scale: float,
    offset: float,
    interpolation: Interpolation,
    outside: Outside = Outside.NEAREST_VOXEL,
    precision: torch.dtype = torch.float64,
) -> AxisTaps:
    """Taps for source coordinate = scale * target index + offset."""
    coordinate = _grid_sample_coordinate(target_length, source_length, scale, offset, precision)
    inside = (coordinate > -1.0) & (coordinate < source_length)
    if outside is Outside.NEAREST_VOXEL:
        coordinate = np.clip(coordinate, 0.0, source_length - 1.0)
    if interpolation is Interpolation.NEAREST:
        nearest = np.rint(coordinate).astype(np.int64)
        within = (nearest >= 0) & (nearest < source_length)
        nearest = np.clip(nearest, 0, source_length - 1)
        return AxisTaps(nearest, nearest, within.astype(np.float64), np.zeros(target_length))
    lower = np.floor(coordinate).astype(np.int64)
    fraction = coordinate - lower
    lower_weight, upper_weight = 1.0 - fraction, fraction
    if outside is Outside.ZERO:
        lower_weight = np.where(inside & (lower >= 0), lower_weight, 0.0)
        upper_weight = np.where(inside & (lower + 1 < source_length), upper_weight, 0.0)
    last = source_length - 1
    return AxisTaps(np.clip(lower, 0, last), np.clip(lower + 1, 0, last), lower_weight, upper_weight)


def _grid_sample_coordinate(
    target_length: int, source_length: int, scale: float, offset: float, precision: torch.dtype
) -> NDArray[np.float64]:
    """Scale * target index + offset, by the detour over -1..1 that ``affine_grid`` and ``grid_sample`` take.

    Where a target voxel lies midway between two source voxels, as in resampling by whole factors, the rounding errors
    of that detour say which of them is nearest. The references take it, so labels agree with theirs only this way.
    """
    mapping = torch.tensor([[scale, offset], [0.0, 1.0]], dtype=precision)
    to_target = torch.from_numpy(np.linalg.inv(_normalization(target_length).to(precision).numpy()))
    theta = _normalization(source_length).to(precision) @ mapping @ to_target
    whole = torch.eye(3, 4, dtype=precision)
    whole[0, 0], whole[0, 3] = theta[0, 0], theta[0, 1]
    grid = torch.nn.functional.affine_grid(whole[None], [1, 1, 1, 1, target_length], align_corners=False)
    return (((grid[0, 0, 0, :, 0] + 1.0) * source_length - 1.0).numpy() / 2.0).astype(np.float64)


def _normalization(length: int) -> torch.Tensor:
    """2x2, index along an axis to -1..1 between the outer edges of its voxels."""
    return torch.tensor([[2.0 / length, 1.0 / length - 1.0], [0.0, 1.0]], dtype=torch.float64)


def resample_axis(values: torch.Tensor, axis: int, taps: AxisTaps) -> torch.Tensor:
    """(channel, a, b, c) values interpolated along one of the axes 0, 1, 2."""
    dim = axis + 1
    # Advanced indexing: index_select is forty times slower along the last axis on a CPU.
    lower = values[_at(torch.from_numpy(taps.lower).to(values.device), dim)]
    if not taps.upper_weight.any():
        return lower if (taps.lower_weight == 1.0).all() else lower * _along(taps.lower_weight, dim, values)
    upper = values[_at(torch.from_numpy(taps.upper).to(values.device), dim)]
    if not values.is_floating_point():
        raise ValueError("labels are resampled by nearest neighbour only")
    lower *= _along(taps.lower_weight, dim, values)
    return lower.addcmul_(upper, _along(taps.upper_weight, dim, values))


def _multiplied(values: torch.Tensor, axis: int, taps: AxisTaps) -> torch.Tensor:
    """The same by matrix products, one a channel: in one for all, equal channels would come out unequal by rounding."""
    matrix = torch.from_numpy(taps.matrix(values.shape[axis + 1])).to(values.dtype)
    channels, a, b, c = values.shape
    if axis == 2:
        return torch.bmm(values.reshape(channels, a * b, c), matrix.T.expand(channels, -1, -1)).view(channels, a, b, -1)
    if axis == 1:
        return torch.bmm(matrix.expand(channels * a, -1, -1), values.reshape(-1, b, c)).view(channels, a, -1, c)
    return torch.bmm(matrix.expand(channels, -1, -1), values.reshape(channels, a, b * c)).view(channels, -1, b, c)


def _may_be_multiplied(values: torch.Tensor, taps: Sequence[AxisTaps]) -> bool:
    """Where that is the same to rounding: zero times infinity is not zero, and a GPU may round to fewer bits."""
    if values.device.type != "cpu" or values.dtype not in (torch.float32, torch.float64):
        return False
    few = max(values.shape[1:]) <= _MOST_MULTIPLIED and any(along.upper_weight.any() for along in taps)
    return few and bool(values.sum().isfinite())


def resample(
    values: torch.Tensor,
    target_to_source: Affine,
    target_shape: Shape,
    interpolation: Interpolation,
    outside: Outside = Outside.NEAREST_VOXEL,
    poll: Poll = never,
    precision: torch.dtype = torch.float64,
) -> torch.Tensor:
    """(channel, a, b, c) values on another grid.

    Args:
        target_to_source: 4x4, maps target indices to continuous source indices.
        poll: called after each piece.
        precision: of the coordinates between grids whose axes are parallel, and of sums that come out near zero there.
    """
    shape: Shape = (values.shape[1], values.shape[2], values.shape[3])
    source = SlabStream(shape, 0, True, iter([Slab.of(values, 0)]))
    taps = _parallel_taps(shape, target_to_source, target_shape, interpolation, outside, precision)
    if taps is None:
        return collect(_resample_oblique(source, target_to_source, target_shape, interpolation, outside), poll)
    resampled = collect(resample_along(source, taps, target_shape), poll)
    if interpolation is Interpolation.LINEAR:
        settle_near_zero(resampled, values, taps, precision, poll)
    return resampled


def resample_stream(
    stream: SlabStream,
    target_to_source: Affine,
    target_shape: Shape,
    interpolation: Interpolation,
    outside: Outside = Outside.NEAREST_VOXEL,
    precision: torch.dtype = torch.float64,
) -> SlabStream:
    """A stream on another grid; of past slabs only the slices that are needed still are kept."""
    taps = _parallel_taps(stream.shape, target_to_source, target_shape, interpolation, outside, precision)
    if taps is None:
        return _resample_oblique(stream, target_to_source, target_shape, interpolation, outside)
    return resample_along(stream, taps, target_shape)


def _parallel_taps(
    shape: Shape,
    target_to_source: Affine,
    target_shape: Shape,
    interpolation: Interpolation,
    outside: Outside,
    precision: torch.dtype,
) -> Sequence[AxisTaps] | None:
    """For each axis, from an array of ``shape`` to one of ``target_shape``; None where they are oblique."""
    parallel = parallel_axes(target_to_source)
    if parallel is None:
        return None
    scale, offset = parallel
    return [
        axis_taps(target_shape[a], shape[a], scale[a], offset[a], interpolation, outside, precision) for a in range(3)
    ]


def resample_along(stream: SlabStream, taps: Sequence[AxisTaps], target_shape: Shape) -> SlabStream:
    """A stream resampled along each of its axes."""
    along = taps[stream.axis]
    reach = Reach(stream.axis, along.lower, along.upper)
    return advanced(stream, target_shape, reach, lambda source: _resampling(source, taps))


def _resampling(source: Slab, taps: Sequence[AxisTaps]) -> Callable[[Box], Patch]:
    def read(box: Box) -> Patch:
        parts = [along.part(part.start, part.stop) for along, part in zip(taps, box, strict=True)]
        a, b, c = (slice(int(part.lower[0]), int(part.upper[-1]) + 1) for part in parts)
        near = [part.shifted(reach.start) for part, reach in zip(parts, (a, b, c), strict=True)]

        def interpolated(corners: torch.Tensor) -> torch.Tensor:
            along = _multiplied if _may_be_multiplied(corners, near) else resample_axis
            # The last axis is the slowest, and first there is least of it.
            for axis in (2, 1, 0):
                corners = along(corners, axis, near[axis])
            return corners

        corners = source.read((a, b, c)).values()
        return Patch(corners, interpolated) if all(part.is_mean for part in parts) else Patch(interpolated(corners))

    return read


def _resample_oblique(
    stream: SlabStream, target_to_source: Affine, target_shape: Shape, interpolation: Interpolation, outside: Outside
) -> SlabStream:
    """A target slice crosses a range of source slices; it runs along the axis for which that is the smallest."""
    row, length = target_to_source[stream.axis], stream.shape[stream.axis]
    axis = int(np.argmax(np.abs(row[:3]) * target_shape))
    whole = whole_box(target_shape)
    spans = [_span(row, with_axis(whole, axis, slice(n, n + 1))) for n in range(target_shape[axis])]
    # Wider by a slice than what is read, since the same place comes out a rounding error apart.
    parts = [_between(low, high, length, margin=2) for low, high in spans]
    reach = Reach(axis, np.array([part.start for part in parts]), np.array([part.stop - 1 for part in parts]))

    def reading(source: Slab) -> Callable[[Box], Patch]:
        return lambda box: _sampling(source, stream.shape, box, target_to_source, interpolation, outside)

    return advanced(stream, target_shape, reach, reading)


def _sampling(
    source: Slab, shape: Shape, box: Box, target_to_source: Affine, interpolation: Interpolation, outside: Outside
) -> Patch:
    """The patch of a target box: the source's values about it, and their places worked out only if they are asked."""
    spans = [_span(row, box) for row in target_to_source[:3]]
    a, b, c = (_between(low, high, length, margin=1) for (low, high), length in zip(spans, shape, strict=True))
    sample = _nearest if interpolation is Interpolation.NEAREST else _linear

    def sampled(corners: torch.Tensor) -> torch.Tensor:
        places = _coordinates(target_to_source, box, corners.device)
        return sample(corners, places, (a.start, b.start, c.start), shape, outside)

    corners = source.read((a, b, c)).values()
    within = all(low >= 0.0 and high <= length - 1.0 for (low, high), length in zip(spans, shape, strict=True))
    is_mean = within or outside is Outside.NEAREST_VOXEL
    return Patch(corners, sampled) if is_mean else Patch(sampled(corners))


def _span(row: NDArray[np.float64], box: Box) -> tuple[float, float]:
    """Smallest and largest source coordinate of a target box along the axis of one row of the index map."""
    ends = np.array([[part.start, part.stop - 1] for part in box]) * row[:3, None]
    return float(ends.min(axis=1).sum() + row[3]), float(ends.max(axis=1).sum() + row[3])


def _between(low: float, high: float, length: int, *, margin: int) -> slice:
    """The slices about a range of coordinates; the outermost one where that lies beyond."""
    first, last = math.floor(low) - margin, math.floor(high) + 1 + margin
    return slice(min(max(first, 0), length - 1), min(max(last, 0), length - 1) + 1)


def _coordinates(target_to_source: Affine, box: Box, device: torch.device) -> torch.Tensor:
    """(a, b, c, 3) continuous source indices of a box of target voxels."""
    # MPS has no float64; elsewhere it keeps coordinates exact far from the origin.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    matrix = torch.as_tensor(target_to_source, dtype=dtype, device=device)
    steps = [torch.arange(part.start, part.stop, dtype=dtype, device=device) for part in box]
    along = [steps[a].view([-1 if d == a else 1 for d in range(3)])[..., None] * matrix[:3, a] for a in range(3)]
    return along[0] + along[1] + along[2] + matrix[:3, 3]


def _linear(values: torch.Tensor, places: torch.Tensor, starts: Shape, _: Shape, outside: Outside) -> torch.Tensor:
    """Of the values from ``starts`` on, of which only a channel at a time is held in double precision."""
    first = torch.tensor(starts, dtype=places.dtype, device=places.device)
    lengths = torch.tensor(values.shape[1:], dtype=places.dtype, device=places.device)
    grid = ((2.0 * (places - first) + 1.0) / lengths - 1.0).flip(-1)
    padding = "border" if outside is Outside.NEAREST_VOXEL else "zeros"
    sampled = [
        torch.nn.functional.grid_sample(
            channel[None].to(grid.dtype), grid[None], mode="bilinear", padding_mode=padding, align_corners=False
        )[0].to(values.dtype)
        for channel in values.split(1)
    ]
    return torch.cat(sampled)


def _nearest(values: torch.Tensor, places: torch.Tensor, starts: Shape, shape: Shape, outside: Outside) -> torch.Tensor:
    index = torch.round(places).to(torch.int64)
    last = torch.tensor(shape, device=index.device) - 1
    clamped = torch.minimum(index.clamp(min=0), last)
    at = clamped - torch.tensor(starts, device=index.device)
    sampled = values[:, at[..., 0], at[..., 1], at[..., 2]]
    if outside is Outside.ZERO:
        sampled[:, (clamped != index).any(dim=-1)] = 0
    return sampled


def _at(index: torch.Tensor, dim: int) -> tuple[slice | torch.Tensor, ...]:
    return (*[slice(None)] * dim, index)


def _along(weights: NDArray[np.float64], dim: int, values: torch.Tensor) -> torch.Tensor:
    shape = [1, 1, 1, 1]
    shape[dim] = len(weights)
    return torch.from_numpy(weights).to(values.device, values.dtype).view(shape)
