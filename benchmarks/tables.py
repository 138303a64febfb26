"""What the pages of results are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from .record import ColdPair, Cost, WarmPair, WarmRun

_LARGEST_DIFFERENCE = 0.001


def cold_ratios(pairs: Sequence[ColdPair], figure: Callable[[Cost], float]) -> list[float]:
    """Reference ÷ ours, pair by pair."""
    return [figure(pair.reference) / figure(pair.ours) for pair in pairs]


def warm_ratios(pairs: Sequence[WarmPair], figure: Callable[[WarmRun], float]) -> list[float]:
    """Reference ÷ ours, pair by pair."""
    return [figure(pair.reference) / figure(pair.ours) for pair in pairs]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def spread(ratios: Sequence[float]) -> str:
    """The median with the smallest and the largest; of one pair there are none."""
    if len(ratios) == 1:
        return f"{ratios[0]:.2f} (one pair)"
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"


def differing(share: float) -> str:
    return f"{share:.4%}" + (" **too many**" if share > _LARGEST_DIFFERENCE else "")
