"""What the page of results says of memory: above a single window, and beside what was foretold."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from .record import CaseRecord
from .tables import megabytes, table

_LEAST_BYTES = 1e6
"""Below a megabyte nothing is said to lie above a window: two processes differ by as much."""

_HEAD = """## The memory that is foretold

Before a run the program says from headers alone how much memory it will hold at most. Beside it stands what our command
and our process that had run before held: above 1 more was foretold than was needed. A first run holds more than later
ones, since the ways of running the network are compared in it.
"""
_COLUMNS = ("case", "foretold MB", "cold MB", "foretold ÷ cold", "warm MB", "foretold ÷ warm")


def above_window(case: CaseRecord) -> tuple[float, float] | None:
    """Bytes of ours and of the reference above a process that has run a window, medians; at least 0.

    None where our window was not run in the way of the runs, or nothing was measured.
    """
    base = case.warm_baselines
    if base is None or not base.window_in or not case.warm:
        return None
    ours = median(pair.ours.peak_bytes for pair in case.warm) - base.ours
    theirs = median(pair.reference.peak_bytes for pair in case.warm) - base.reference
    return _counted(ours), _counted(theirs)


def _counted(size: float) -> float:
    return size if size >= _LEAST_BYTES else 0.0


def above_ratio(case: CaseRecord) -> float | None:
    """Reference ÷ ours; None where either side has nothing above its window."""
    above = above_window(case)
    return above[1] / above[0] if above is not None and all(above) else None


def above_in_words(case: CaseRecord) -> str:
    """What there is to say where there is no ratio."""
    above = above_window(case)
    if above is None:
        return "–"
    ours, theirs = above
    if not ours:
        return "**none above**" if theirs else "none above on either side"
    return f"*{megabytes(ours)} MB, reference none above*"


def foretold_section(cases: Sequence[CaseRecord]) -> list[str]:
    """Nothing where nothing was foretold."""
    known = [case for case in cases if case.predicted_bytes is not None]
    return [_HEAD, table(_COLUMNS, map(_foretold, known))] if known else []


def _foretold(case: CaseRecord) -> list[str]:
    foretold = case.predicted_bytes or 0
    row = [case.case, megabytes(foretold)]
    for peaks in ([pair.ours.peak_bytes for pair in case.cold], [pair.ours.peak_bytes for pair in case.warm]):
        row += [megabytes(median(peaks)), f"{foretold / median(peaks):.2f}"] if peaks else ["–", "–"]
    return row
