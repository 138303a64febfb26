"""How a device's work lies beside the host's: sums over spans of time."""

from __future__ import annotations

from collections.abc import Iterable

from .record import Overlap

Span = tuple[float, float]
"""Start and end."""


def overlap_of(computing: Iterable[Span], copying: Iterable[Span]) -> Overlap:
    """Spans in seconds, in any order, of several streams at once."""
    kernels, copies = list(computing), list(copying)
    busy, computed, copied = (_covered(spans) for spans in ([*kernels, *copies], kernels, copies))
    return Overlap(busy_s=busy, copies_s=copied, hidden_copies_s=computed + copied - busy)


def _covered(spans: list[Span]) -> float:
    """Length of the union."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
