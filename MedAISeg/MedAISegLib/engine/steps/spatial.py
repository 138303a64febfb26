"""Steps that change the grid; each with its undo on a stream of slabs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from ...core.geometry import Affine, VolumeGeometry
from ...core.respacing import SPACING_TOLERANCE_MM, respaced
from ...models.operations import (
    CropForeground,
    CropNonzero,
    Interpolation,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    ReverseAxes,
    Transpose,
)
from ..pieces import PIECE_VALUES, copy
from ..prepared import Prepared
from ..resampling import Outside, resample, resample_stream
from ..slabs import Shape, SlabStream
from .undo import undo_flip, undo_transpose, undo_window


def reverse_axes(_: ReverseAxes, prepared: Prepared) -> Prepared:
    """From (k, j, i) to (i, j, k)."""
    return _transposed(prepared, (2, 1, 0))


def transpose(operation: Transpose, prepared: Prepared) -> Prepared:
    """Axes in another order."""
    return _transposed(prepared, operation.order)


def orient(operation: Orient, prepared: Prepared) -> Prepared:
    """Array axes along the given patient sides, by the closest permutation and flips."""
    order, flips = prepared.geometry.steps_towards(operation.axis_codes)
    turned = _transposed(prepared, order)
    if not any(flips):
        return turned
    dims = [axis + 1 for axis, flip in enumerate(flips) if flip]
    return turned.moved(turned.values.flip(dims), turned.geometry.flipped(flips), partial(undo_flip, flips=flips))


def resample_to_spacing(operation: Resample, prepared: Prepared) -> Prepared:
    """Another spacing along each array axis; a sheared grid becomes rectilinear."""
    target = respaced(prepared.geometry, operation.spacing_mm, operation.tolerance)
    if target.shape_kji == prepared.shape and np.allclose(
        target.affine_lps, prepared.geometry.affine_lps, atol=SPACING_TOLERANCE_MM
    ):
        return prepared
    precision = torch.float32 if operation.single_precision else torch.float64
    return resampled(prepared, target, operation.interpolation, Outside.NEAREST_VOXEL, precision)


def crop_foreground(operation: CropForeground, prepared: Prepared) -> Prepared:
    """To the box of values above the threshold; the whole array where there are none."""
    present = _present(prepared, lambda values: values > operation.threshold)
    if not present[0].any():
        return prepared
    start, shape = [], []
    for axis, length in enumerate(prepared.shape):
        slices = torch.nonzero(present[axis]).flatten()
        first, stop = int(slices[0]) - operation.margin, int(slices[-1]) + 1 + operation.margin
        if operation.within_image:
            first, stop = max(first, 0), min(stop, length)
        start.append(first)
        shape.append(stop - first)
    return _window(prepared, (start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))


def crop_nonzero(_: CropNonzero, prepared: Prepared) -> Prepared:
    """To the box of values other than 0; the whole array where there are none."""
    present = _present(prepared, lambda values: values != 0)
    if not present[0].any():
        return prepared
    found = [torch.nonzero(along).flatten() for along in present]
    a, b, c = (int(slices[0]) for slices in found)
    depth, height, width = (int(slices[-1]) + 1 - int(slices[0]) for slices in found)
    return _window(prepared, (a, b, c), (depth, height, width))


def pad_to_multiple(operation: PadToMultiple, prepared: Prepared) -> Prepared:
    """Zeros on both sides, the odd one at the end."""
    a, b, c = (-(-n // m) * m if m > 0 else n for n, m in zip(prepared.shape, operation.multiple, strict=True))
    return pad_to_size(PadToSize((a, b, c)), prepared)


def pad_to_size(operation: PadToSize, prepared: Prepared) -> Prepared:
    """Zeros on both sides, the odd one at the end."""
    a, b, c = (max(n, wanted) for n, wanted in zip(prepared.shape, operation.size, strict=True))
    start = tuple(-((wanted - n) // 2) for n, wanted in zip(prepared.shape, (a, b, c), strict=True))
    return _window(prepared, (start[0], start[1], start[2]), (a, b, c))


def _present(prepared: Prepared, counts: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
    """For each axis: (length,), the slices with a value that counts in any channel."""
    present = [torch.zeros(n, dtype=torch.bool, device=prepared.values.device) for n in prepared.shape]
    depth = max(1, PIECE_VALUES * prepared.shape[0] // prepared.values.numel())
    for start in range(0, prepared.shape[0], depth):
        counted = counts(prepared.values[:, start : start + depth]).any(dim=0)
        in_rows = counted.any(dim=2)
        present[0][start : start + depth] = in_rows.any(dim=1)
        present[1] |= in_rows.any(dim=0)
        present[2] |= counted.flatten(0, 1).any(dim=0)
        prepared.poll()
    return present


def _transposed(prepared: Prepared, order: tuple[int, int, int]) -> Prepared:
    if order == (0, 1, 2):
        return prepared
    values = prepared.values.permute(0, *(axis + 1 for axis in order))
    return prepared.moved(values, prepared.geometry.transposed(order), partial(undo_transpose, order=order))


def _window(prepared: Prepared, start: Shape, shape: Shape) -> Prepared:
    if shape == prepared.shape and start == (0, 0, 0):
        return prepared
    values = prepared.values.new_zeros((len(prepared.values), *shape))
    shared_from, shared_to = [slice(None)], [slice(None)]
    for first, wanted, length in zip(start, shape, prepared.shape, strict=True):
        low, high = max(first, 0), min(first + wanted, length)
        shared_from.append(slice(low, high))
        shared_to.append(slice(low - first, high - first))
    copy(prepared.values[tuple(shared_from)], values[tuple(shared_to)], prepared.poll)
    undo = partial(undo_window, start=start, source_shape=prepared.shape)
    return prepared.moved(values, prepared.geometry.window(start, shape), undo)


def resampled(
    prepared: Prepared,
    target: VolumeGeometry,
    interpolation: Interpolation,
    outside: Outside,
    precision: torch.dtype = torch.float64,
) -> Prepared:
    """The values on another grid of the same axes or any other; the undo samples labels or scores back.

    What counts outside the source's voxels does so outside the target's on the way back.
    """
    forward = target.index_to(prepared.geometry)
    backward = prepared.geometry.index_to(target)
    values = resample(prepared.values, forward, target.shape_kji, interpolation, outside, prepared.poll, precision)
    undo = partial(_undo_resample, source_to_target=backward, source_shape=prepared.shape, outside=outside)
    return prepared.moved(values, target, undo)


def _undo_resample(
    stream: SlabStream,
    interpolation: Interpolation,
    *,
    source_to_target: Affine,
    source_shape: Shape,
    outside: Outside,
) -> SlabStream:
    return resample_stream(stream, source_to_target, source_shape, interpolation, outside)
