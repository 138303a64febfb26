"""Work on a whole volume, a piece at a time: a user's wish to stop is seen within it, and no second copy is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

Poll = Callable[[], None]
"""Called after each piece; may raise Cancelled."""

PIECE_VALUES = 4_000_000


def never() -> None:
    """The poll of a run that nobody stops."""


_SIGN = np.uint32(0x80000000)
_HALF = 16
_BINS = 1 << _HALF


def pieces(values: torch.Tensor, poll: Poll) -> Iterator[torch.Tensor]:
    """All values in some order, as (n,) parts."""
    for piece in values.permute(_memory_order(values)).reshape(-1).split(PIECE_VALUES):
        yield piece
        poll()


def changed(values: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor], poll: Poll) -> torch.Tensor:
    """The values after an element-wise change, in the same shape and order of memory."""
    order = _memory_order(values)
    stored = values.permute(order)
    result = torch.empty(stored.shape, dtype=values.dtype, device=values.device)
    for source, target in zip(pieces(stored, poll), result.view(-1).split(PIECE_VALUES), strict=True):
        target.copy_(change(source))
    return result.permute([order.index(dim) for dim in range(values.ndim)])


def contiguous(values: torch.Tensor, poll: Poll) -> torch.Tensor:
    """(channel, a, b, c) values stored in the order of their axes."""
    if values.is_contiguous():
        return values
    result = torch.empty(values.shape, dtype=values.dtype, device=values.device)
    copy(values, result, poll)
    return result


def copy(source: torch.Tensor, target: torch.Tensor, poll: Poll) -> None:
    """(channel, a, b, c) values into an array of the same shape, however both are stored."""
    depth = max(1, PIECE_VALUES * source.shape[1] // source.numel())
    for from_part, to_part in zip(source.split(depth, dim=1), target.split(depth, dim=1), strict=True):
        to_part.copy_(from_part)
        poll()


def extremes(values: torch.Tensor, poll: Poll) -> tuple[float, float]:
    """Smallest and largest value."""
    found = [(float(piece.min()), float(piece.max())) for piece in pieces(values, poll)]
    return min(low for low, _ in found), max(high for _, high in found)


def mean_and_deviation(values: torch.Tensor, *, nonzero: bool, poll: Poll) -> tuple[float, float] | None:
    """Mean and standard deviation (of the population) of all values, or of those other than 0; None of no value."""
    count, total, squares = 0, 0.0, 0.0
    for piece in pieces(values, poll):
        counted = (piece[piece != 0] if nonzero else piece).double()
        count, total = count + counted.numel(), total + float(counted.sum())
    if count == 0:
        return None
    mean = total / count
    for piece in pieces(values, poll):
        counted = (piece[piece != 0] if nonzero else piece).double()
        squares += float((counted - mean).square().sum())
    return mean, float((squares / count) ** 0.5)


def values_at_ranks(
    values: torch.Tensor, ranks_of: Callable[[int], Sequence[int]], *, nonzero: bool, poll: Poll
) -> list[float]:
    """What stands at some places of the sorted values, exactly, but without sorting or copying them.

    float32 numbers are counted by their upper 16 bits, then those of the upper bits in question by their lower 16.

    Args:
        values: float32.
        ranks_of: the wanted places (0 the smallest) for the number of values that count; asked only if there is one.
        nonzero: values other than 0 count.
    """
    upper = np.zeros(_BINS, dtype=np.int64)
    for keys in _keys(values, poll, nonzero=nonzero):
        upper += np.bincount(keys >> _HALF, minlength=_BINS)
    below = np.cumsum(upper)
    if below[-1] == 0:
        return []
    ranks = ranks_of(int(below[-1]))
    bins = [int(np.searchsorted(below, rank, side="right")) for rank in ranks]
    lower = {number: np.zeros(_BINS, dtype=np.int64) for number in bins}
    for keys in _keys(values, poll, nonzero=nonzero):
        for number, counts in lower.items():
            counts += np.bincount(keys[keys >> _HALF == number] & (_BINS - 1), minlength=_BINS)
    found = []
    for rank, number in zip(ranks, bins, strict=True):
        left = rank - int(below[number] - upper[number])
        found.append(number << _HALF | int(np.searchsorted(np.cumsum(lower[number]), left, side="right")))
    return [float(value) for value in _numbers(np.array(found, dtype=np.uint32))]


def _memory_order(values: torch.Tensor) -> list[int]:
    strides = values.stride()
    return sorted(range(values.ndim), key=lambda dim: strides[dim], reverse=True)


def _keys(values: torch.Tensor, poll: Poll, *, nonzero: bool) -> Iterator[NDArray[np.uint32]]:
    """Numbers that sort as the values do: float32 bits with the sign turned, those of negative values all turned."""
    for piece in pieces(values, poll):
        bits = (piece[piece != 0] if nonzero else piece).cpu().numpy().view(np.uint32)
        yield np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _numbers(keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float32)
