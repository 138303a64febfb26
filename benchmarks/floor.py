"""The floor of a network's time: its operations at the rate of the product of two large matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .record import CaseRecord, Occasion

Rates = Mapping[tuple[str, int], float]
"""Operations per second, by processor and threads."""


def best_rates(cases: Sequence[CaseRecord]) -> Rates:
    """What each machine gave at best; what others did on it can only have made it less."""
    rates: dict[tuple[str, int], float] = {}
    for case in cases:
        if case.warm_on and case.warm_baselines and case.warm_baselines.sgemm_flop_per_s:
            machine = _machine_of(case.warm_on)
            rates[machine] = max(rates.get(machine, 0.0), case.warm_baselines.sgemm_flop_per_s)
    return rates


def floor_s(case: CaseRecord, rates: Rates) -> float:
    """Of a run; 0 where operations were not counted or the machine's rate is not known.

    By the side that counted fewer: a network whose layers are called one by one counts each as a whole.
    """
    flop = min((run.flop for pair in case.warm for run in (pair.ours, pair.reference) if run.flop), default=0.0)
    rate = rates.get(_machine_of(case.warm_on)) if case.warm_on else None
    return flop / rate if rate else 0.0


def _machine_of(occasion: Occasion) -> tuple[str, int]:
    return occasion.environment.processor, occasion.environment.threads
