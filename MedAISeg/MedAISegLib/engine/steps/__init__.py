"""The preparation steps: each takes a prepared array to the next and says how it is undone.

``carry_out`` finds the step for an operation; a new operation is one dataclass in ``models.operations`` and one
function registered here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ...models import operations as op
from ..prepared import Prepared
from . import conform, inside, intensity, resize, spatial, zoom

_STEPS: dict[type, Callable[[Any, Prepared], Prepared]] = {
    op.ReverseAxes: spatial.reverse_axes,
    op.Transpose: spatial.transpose,
    op.Orient: spatial.orient,
    op.Resample: spatial.resample_to_spacing,
    op.Resize: resize.resize,
    op.ResizeTo: resize.resize_to,
    op.Zoom: zoom.zoom,
    op.Conform: conform.conform,
    op.CropForeground: spatial.crop_foreground,
    op.CropNonzero: spatial.crop_nonzero,
    op.PadToMultiple: spatial.pad_to_multiple,
    op.PadToSize: spatial.pad_to_size,
    op.ScaleRange: intensity.scale_range,
    op.ScalePercentiles: intensity.scale_percentiles,
    op.MinMax: intensity.min_max,
    op.ZScore: intensity.z_score,
    op.ZScoreInside: inside.z_score_inside,
    op.ZeroOutsideBody: inside.zero_outside_body,
    op.Clip: intensity.clip,
    op.ShiftScale: intensity.shift_scale,
    op.LogCompress: intensity.log_compress,
    op.FromMinimum: intensity.from_minimum,
    op.Sigmoid: intensity.sigmoid,
    op.SoftLimit: intensity.soft_limit,
}


def carry_out(operation: op.Operation, prepared: Prepared) -> Prepared:
    """The array after one operation."""
    if isinstance(operation, op.OnChannel):
        return _on_channel(operation, prepared)
    return _STEPS[type(operation)](operation, prepared)


def _on_channel(operation: op.OnChannel, prepared: Prepared) -> Prepared:
    channels = list(prepared.values.split(1))
    chosen = carry_out(operation.operation, prepared.with_values(channels[operation.channel]))
    channels[operation.channel] = chosen.values
    return replace(chosen, values=torch.cat(channels))
