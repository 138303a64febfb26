"""Steps that change values and keep the grid."""

from __future__ import annotations

import numpy as np
import torch

from ...models.operations import (
    Clip,
    LogCompress,
    MinMax,
    ScalePercentiles,
    ScaleRange,
    ShiftScale,
    ZScore,
)
from ..prepared import Prepared


def scale_range(operation: ScaleRange, prepared: Prepared) -> Prepared:
    """Linear from a fixed source range to a target range."""
    return prepared.with_values(mapped(prepared.values, operation))


def scale_percentiles(operation: ScalePercentiles, prepared: Prepared) -> Prepared:
    """Linear from the values at two percentiles to a target range."""
    groups = prepared.values.split(1) if operation.channel_wise else (prepared.values,)
    scaled = []
    for group in groups:
        counted = group[group != 0] if operation.nonzero else group
        if counted.numel() == 0:
            scaled.append(group)
            continue
        low, high = np.percentile(counted.cpu().numpy(), (operation.lower, operation.upper))
        fixed = ScaleRange(float(low), float(high), operation.target_min, operation.target_max, operation.clip)
        scaled.append(mapped(group, fixed))
    return prepared.with_values(torch.cat(scaled))


def min_max(operation: MinMax, prepared: Prepared) -> Prepared:
    """Linear from the present range to a target range; a constant image becomes value * target_min."""
    groups = prepared.values.split(1) if operation.channel_wise else (prepared.values,)
    scaled = []
    for group in groups:
        low, high = group.min(), group.max()
        if low == high:
            scaled.append(group * operation.target_min)
            continue
        span = operation.target_max - operation.target_min
        scaled.append((group - low) / (high - low) * span + operation.target_min)
    return prepared.with_values(torch.cat(scaled))


def z_score(operation: ZScore, prepared: Prepared) -> Prepared:
    """To mean 0 and standard deviation 1, or by given statistics."""
    channels = len(prepared.values)
    if not operation.channel_wise:
        mean, std = _statistic(operation.mean, 0), _statistic(operation.std, 0)
        return prepared.with_values(_standardised(prepared.values, mean, std, operation.nonzero))
    standardised = [
        _standardised(
            prepared.values[n : n + 1], _statistic(operation.mean, n), _statistic(operation.std, n), operation.nonzero
        )
        for n in range(channels)
    ]
    return prepared.with_values(torch.cat(standardised))


def clip(operation: Clip, prepared: Prepared) -> Prepared:
    """Limit to a range."""
    return prepared.with_values(prepared.values.clamp(operation.minimum, operation.maximum))


def shift_scale(operation: ShiftScale, prepared: Prepared) -> Prepared:
    """Multiply, then add."""
    return prepared.with_values(prepared.values * operation.factor + operation.offset)


def log_compress(operation: LogCompress, prepared: Prepared) -> Prepared:
    """log(1 + max(value, 0) / scale)."""
    return prepared.with_values(torch.log1p(prepared.values.clamp(min=0.0) / operation.scale))


def mapped(values: torch.Tensor, operation: ScaleRange) -> torch.Tensor:
    """Values after the operation, whatever their shape."""
    span = operation.source_max - operation.source_min
    if span == 0.0:
        return values - operation.source_min + operation.target_min
    mapped = (values - operation.source_min) / span
    mapped = mapped * (operation.target_max - operation.target_min) + operation.target_min
    return mapped.clamp(operation.target_min, operation.target_max) if operation.clip else mapped


def _statistic(given: tuple[float, ...] | None, channel: int) -> float | None:
    if given is None:
        return None
    return given[channel] if len(given) > 1 else given[0]


def _standardised(values: torch.Tensor, mean: float | None, std: float | None, nonzero: bool) -> torch.Tensor:
    chosen = values != 0 if nonzero else None
    counted = values if chosen is None else values[chosen]
    if counted.numel() == 0:
        return values
    centre = float(counted.mean()) if mean is None else mean
    spread = float(counted.std(correction=0)) if std is None else std
    standardised = (values - centre) / (spread or 1.0)
    return standardised if chosen is None else torch.where(chosen, standardised, values)
