"""What is wanted of every case, how many reach it, and which do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from .floor import Rates, best_rates, floor_s
from .record import CaseRecord, ColdPair, Occasion, WarmPair
from .report_memory import above_window
from .tables import table

_TOLERATED_CORES = 0.15
_OWN_NETWORK, _ON_TOP_S = 1.15, 1.5

_HEAD = """## What is wanted

Every ratio here is a case's median; why cases fall short, and what was tried, stands in
[docs/targets.md](../docs/targets.md#where-it-falls-short). A cold command's is of time on
the clock, in a **shared** row of processor time.
"""
_COLUMNS = ("wanted", "reached in", "from the worst to the best", "not reached in")


@dataclass(frozen=True)
class _Target:
    """A figure of a case, and what it is to be: the smaller the better, unless it is turned round.

    Attributes:
        figure: None where it was not measured.
    """

    text: str
    figure: Callable[[CaseRecord, Rates], float | None]
    limit: float
    larger_is_better: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.larger_is_better else value <= self.limit


def is_shared(pairs: Sequence[ColdPair] | Sequence[WarmPair], occasion: Occasion | None) -> bool:
    """Whether fewer processors were left than either side has threads."""
    if occasion is None:
        return False
    free = occasion.environment.cores - occasion.environment.threads + _TOLERATED_CORES
    return any(median(others) > free for others in others_cores(pairs))


def others_cores(pairs: Sequence[ColdPair] | Sequence[WarmPair]) -> tuple[list[float], list[float]]:
    """Processors that were busy with something else during our runs, and during the reference's."""
    return [p.ours.others_cores for p in pairs], [p.reference.others_cores for p in pairs]


def targets_section(cases: Sequence[CaseRecord]) -> str:
    """Markdown."""
    rates = best_rates(cases)
    return "\n".join([_HEAD, table(_COLUMNS, (_row(target, cases, rates) for target in _TARGETS))])


def _row(target: _Target, cases: Sequence[CaseRecord], rates: Rates) -> list[str]:
    values = {case.case: target.figure(case, rates) for case in cases}
    known = {name: value for name, value in values.items() if value is not None}
    if not known:
        return [target.text, "–", "–", "–"]
    missed = [f"{name} {value:.2f}" for name, value in known.items() if not target.holds(value)]
    worst, best = max(known.values()), min(known.values())
    if target.larger_is_better:
        worst, best = best, worst
    reached = f"{len(known) - len(missed)} of {len(known)}"
    return [target.text, reached, f"{worst:.2f} to {best:.2f}", ", ".join(missed) or "–"]


def _against_their_network(case: CaseRecord, _: Rates) -> float | None:
    return median(p.ours.whole_s / p.reference.forward_s for p in case.warm) if case.warm else None


def _against_own_network(case: CaseRecord, _: Rates) -> float | None:
    """As wanted, where no more than the seconds that are allowed come on top."""
    if not case.warm:
        return None
    ratio = median(p.ours.whole_s / p.ours.forward_s for p in case.warm)
    on_top_s = median(p.ours.whole_s - p.ours.forward_s for p in case.warm)
    return min(ratio, _OWN_NETWORK) if on_top_s <= _ON_TOP_S else ratio


def _network(case: CaseRecord, _: Rates) -> float | None:
    return median(p.ours.forward_s / p.reference.forward_s for p in case.warm) if case.warm else None


def _network_against_floor(case: CaseRecord, rates: Rates) -> float | None:
    floor = floor_s(case, rates)
    return median(p.ours.forward_s / floor for p in case.warm) if floor else None


def _command(case: CaseRecord, _: Rates) -> float | None:
    if not case.cold:
        return None
    if is_shared(case.cold, case.cold_on):
        return median(p.reference.cpu_s / p.ours.cpu_s for p in case.cold)
    return median(p.reference.wall_s / p.ours.wall_s for p in case.cold)


def _memory_above_window(case: CaseRecord, _: Rates) -> float | None:
    ours, theirs = above_window(case) or (0.0, 0.0)
    if not theirs:
        return math.inf if ours else None
    return ours / theirs


def _memory_of_command(case: CaseRecord, _: Rates) -> float | None:
    return median(p.ours.peak_bytes / p.reference.peak_bytes for p in case.cold) if case.cold else None


_TARGETS = (
    _Target("a warm run in the time of the reference's network alone", _against_their_network, 1.0),
    _Target("a warm run in 1.15 of its own network's time, or 1.5 s more", _against_own_network, _OWN_NETWORK),
    _Target("the network in 0.7 of the reference's time", _network, 0.7),
    _Target("the network in 2.5 times its floor", _network_against_floor, 2.5),
    _Target("a cold command 1.5 times as fast", _command, 1.5, larger_is_better=True),
    _Target("a third of the memory above one window", _memory_above_window, 1 / 3),
    _Target("a command's peak of memory no larger", _memory_of_command, 1.0),
)
