"""Steps that change values and keep the grid."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...models.operations import (
    Clip,
    FromMinimum,
    LogCompress,
    MinMax,
    ScalePercentiles,
    ScaleRange,
    ShiftScale,
    Sigmoid,
    SoftLimit,
    ZScore,
)
from ..pieces import Poll, changed, extremes, mean_and_deviation, values_at_ranks
from ..prepared import Prepared


def scale_range(operation: ScaleRange, prepared: Prepared) -> Prepared:
    """Linear from a fixed source range to a target range."""
    return prepared.with_values(mapped(prepared.values, operation, prepared.poll))


def scale_percentiles(operation: ScalePercentiles, prepared: Prepared) -> Prepared:
    """Linear from the values at two percentiles to a target range."""

    def scaled(group: torch.Tensor) -> torch.Tensor:
        ends = _percentiles(group, (operation.lower, operation.upper), nonzero=operation.nonzero, poll=prepared.poll)
        if ends is None:
            return group
        fixed = ScaleRange(*ends, operation.target_min, operation.target_max, operation.clip)
        return mapped(group, fixed, prepared.poll)

    return _by_group(prepared, scaled, channel_wise=operation.channel_wise)


def min_max(operation: MinMax, prepared: Prepared) -> Prepared:
    """Linear from the present range to a target range; a constant image becomes value * target_min."""

    def scaled(group: torch.Tensor) -> torch.Tensor:
        low, high = extremes(group, prepared.poll)
        if low == high:
            return group * operation.target_min
        return mapped(group, ScaleRange(low, high, operation.target_min, operation.target_max), prepared.poll)

    return _by_group(prepared, scaled, channel_wise=operation.channel_wise)


def z_score(operation: ZScore, prepared: Prepared) -> Prepared:
    """To mean 0 and standard deviation 1, or by given statistics."""
    groups = prepared.values.split(1) if operation.channel_wise else (prepared.values,)
    standardised = [_standardised(group, operation, n, prepared.poll) for n, group in enumerate(groups)]
    return prepared.with_values(standardised[0] if len(standardised) == 1 else torch.cat(standardised))


def clip(operation: Clip, prepared: Prepared) -> Prepared:
    """Limit to a range, and to whole numbers if asked for."""
    open_ends = operation.minimum is None and operation.maximum is None

    def limited(values: torch.Tensor) -> torch.Tensor:
        kept = values if open_ends else values.clamp(operation.minimum, operation.maximum)
        return kept.trunc() if operation.whole else kept

    return _changed(prepared, limited)


def shift_scale(operation: ShiftScale, prepared: Prepared) -> Prepared:
    """Multiply, then add."""
    return _changed(prepared, lambda values: values * operation.factor + operation.offset)


def log_compress(operation: LogCompress, prepared: Prepared) -> Prepared:
    """log(1 + max(value, 0) / scale)."""
    return _changed(prepared, lambda values: torch.log1p(values.clamp(min=0.0) / operation.scale))


def from_minimum(_: FromMinimum, prepared: Prepared) -> Prepared:
    """Distance from the smallest value, in standard deviations."""
    values = prepared.values
    low, _high = extremes(values, prepared.poll)
    found = mean_and_deviation(values, nonzero=False, poll=prepared.poll)
    count = values.numel()
    if found is None or found[1] == 0.0 or count < 2:
        return _changed(prepared, lambda piece: piece - low)
    spread = found[1] * (count / (count - 1)) ** 0.5
    return _changed(prepared, lambda piece: (piece - low) / spread)


def sigmoid(_: Sigmoid, prepared: Prepared) -> Prepared:
    """1 / (1 + exp(-value))."""
    return _changed(prepared, torch.sigmoid)


def soft_limit(operation: SoftLimit, prepared: Prepared) -> Prepared:
    """No value beyond the limit, small ones as they are."""
    return _changed(prepared, lambda values: operation.limit * torch.tanh(values / operation.limit))


def mapped(values: torch.Tensor, operation: ScaleRange, poll: Poll) -> torch.Tensor:
    """Values after the operation, whatever their shape."""
    span = operation.source_max - operation.source_min

    def change(piece: torch.Tensor) -> torch.Tensor:
        if span == 0.0:
            return piece - operation.source_min + operation.target_min
        scaled = (piece - operation.source_min) / span
        scaled = scaled * (operation.target_max - operation.target_min) + operation.target_min
        return scaled.clamp(operation.target_min, operation.target_max) if operation.clip else scaled

    return changed(values, change, poll)


def _changed(prepared: Prepared, change: Callable[[torch.Tensor], torch.Tensor]) -> Prepared:
    return prepared.with_values(changed(prepared.values, change, prepared.poll))


def _by_group(prepared: Prepared, change: Callable[[torch.Tensor], torch.Tensor], *, channel_wise: bool) -> Prepared:
    """Changed by what is known of all channels together, or of each by itself."""
    if not channel_wise or len(prepared.values) == 1:
        return prepared.with_values(change(prepared.values))
    return prepared.with_values(torch.cat([change(channel) for channel in prepared.values.split(1)]))


def _percentiles(
    values: torch.Tensor, percents: tuple[float, float], *, nonzero: bool, poll: Poll
) -> tuple[float, float] | None:
    """Linear between neighbours, as numpy has them; None where no value counts."""
    shares: list[float] = []

    def ranks(count: int) -> list[int]:
        places = [(count - 1) * percent / 100.0 for percent in percents]
        shares.extend(place % 1.0 for place in places)
        return [rank for place in places for rank in (int(place), min(int(place) + 1, count - 1))]

    found = values_at_ranks(values, ranks, nonzero=nonzero, poll=poll)
    if not found:
        return None
    low, above_low, high, above_high = found
    return low + (above_low - low) * shares[0], high + (above_high - high) * shares[1]


def _statistic(given: tuple[float, ...] | None, channel: int) -> float | None:
    if given is None:
        return None
    return given[channel] if len(given) > 1 else given[0]


def _standardised(values: torch.Tensor, operation: ZScore, channel: int, poll: Poll) -> torch.Tensor:
    mean, std = _statistic(operation.mean, channel), _statistic(operation.std, channel)
    if mean is None or std is None:
        found = mean_and_deviation(values, nonzero=operation.nonzero, poll=poll)
        if found is None:
            return values
        mean, std = (given if given is not None else own for given, own in zip((mean, std), found, strict=True))
    centre, spread = mean, std or 1.0

    def change(piece: torch.Tensor) -> torch.Tensor:
        standardised = (piece - centre) / spread
        return torch.where(piece != 0, standardised, piece) if operation.nonzero else standardised

    return changed(values, change, poll)
