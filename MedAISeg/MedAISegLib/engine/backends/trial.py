"""Other ways held against the plain network, on windows in which that finds something.

Only there a comparison says anything: a way that finds nothing at all agrees with the plain network wherever that finds
nothing either. And it ends soon: a way that has taken far longer than the plain network did is stopped between two
layers. Where the first comparison is a near thing both compute once more, and the shorter time of each counts: other
programs can lengthen what one of them takes by half, and what is found here is kept for long.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from ..windows import before_each_layer
from .agreement import LARGEST_CHANGE, Agreement, compare
from .happened import NetworkRun
from .ways import PLAIN, Way

_CLEARLY = 0.95
"""Share of the plain network's time that another way has to stay below."""

_ENOUGH = round(1 / LARGEST_CHANGE)
"""Voxels with a label: as many as make one of them the bound."""

_MOST_WINDOWS = 3
"""Batches to be compared, where few voxels have a label or a way is faster by too little to tell."""

_NEAR = 1.5
"""Times longer or shorter than the plain network's time may be by chance."""

_TICK_S = 0.02
"""Of the coarsest clock, that of Windows."""


@dataclass(eq=False)
class _Evidence:
    """What is known of a way by the windows that were compared; ``seconds`` add up."""

    network: torch.nn.Module
    seconds: float = 0.0
    agreement: Agreement | None = None
    dropped: bool = False


class Trial:
    """The ways that are left, and what is known of them.

    Attributes:
        windows: batches that were compared.
        failed: whether a way did not compute, which may be otherwise in the next run.
    """

    def __init__(self, plain: torch.nn.Module, others: Mapping[Way, torch.nn.Module], run: NetworkRun) -> None:
        self.windows = 0
        self.failed = False
        self._plain, self._run = plain, run
        self._plain_s = 0.0
        self._ways = {way: _Evidence(network) for way, network in others.items()}

    def hold(self, values: torch.Tensor, scores: torch.Tensor, plain_s: float) -> None:
        """Compute (batch, channel, a, b, c) values in every way that is left.

        Args:
            scores: (batch, class, a, b, c) of the plain network, which finds something in them.
            plain_s: what these took.
        """
        started_s = time.perf_counter()
        if values.device.type == "cuda":
            # The first pass on a GPU looks for kernels.
            plain_s = timed(self._plain, values)[1]
        for way, evidence in self._ways.items():
            if not evidence.dropped:
                plain_s = self._hold_one(way, evidence, values, scores, plain_s)
        self._plain_s += plain_s
        self.windows += 1
        self._run.happened.compared_s += time.perf_counter() - started_s

    @property
    def ways(self) -> tuple[Way, ...]:
        """All that were to be tried."""
        return tuple(self._ways)

    @property
    def over(self) -> bool:
        """Whether no more is to be learnt, or not within the time that there is for it."""
        if self.windows == _MOST_WINDOWS or not self._run.happened.may_compare:
            return True
        return all(evidence.dropped or self._is_clear(way, evidence) for way, evidence in self._ways.items())

    @property
    def fastest(self) -> Way:
        """Of the ways whose labels agree; the one that the user has laid down wherever it computes."""
        forced = self._run.forced
        if forced is not None:
            return PLAIN if self.failed else forced
        fit = [way for way, evidence in self._ways.items() if self._is_fit(evidence)]
        return min(fit, key=lambda way: self._ways[way].seconds, default=PLAIN)

    def conclude(self, values: torch.Tensor) -> Way:
        """The fastest way, kept for later runs, or told where it is not what was asked for."""
        fastest = self.fastest
        if self._run.forced is not None:
            if not self.failed:
                self._warn(self._ways[self._run.forced])
        elif self.windows and not self.failed:
            seconds = {PLAIN: self._plain_s} | {way: evidence.seconds for way, evidence in self._ways.items()}
            self._run.keep(
                values,
                fastest,
                {way: total / self.windows for way, total in seconds.items()},
                {way: one.agreement.percent for way, one in self._ways.items() if one.agreement},
            )
        return fastest

    def _hold_one(
        self, way: Way, evidence: _Evidence, values: torch.Tensor, scores: torch.Tensor, plain_s: float
    ) -> float:
        """What the plain network takes, which a second time may show to be less than was thought."""
        self._run.poll()
        limit_s = math.inf if self._run.forced is not None else _NEAR * plain_s + _TICK_S
        try:
            if values.device.type == "cuda":
                evidence.network(values)
            other, seconds = timed(evidence.network, values, limit_s)
        except _TooSlow:
            evidence.seconds += limit_s
            evidence.dropped = True
            return plain_s
        # Memory that does not suffice for a faster way suffices for the plain one.
        except (RuntimeError, NotImplementedError) as error:
            self._run.happened.failed(way, error)
            self.failed = evidence.dropped = True
            return plain_s
        if self._run.forced is None and not self.windows and plain_s < _NEAR * seconds:
            self._run.poll()
            plain_s = min(plain_s, timed(self._plain, values)[1])
            seconds = min(seconds, timed(evidence.network, values)[1])
        evidence.seconds += seconds
        found = compare(scores, other, self._run.stage)
        evidence.agreement = found if evidence.agreement is None else evidence.agreement + found
        # With few labels seen, a single voxel near a tie does not yet tell.
        hopeless = evidence.agreement.changed > LARGEST_CHANGE * max(evidence.agreement.foreground, _ENOUGH)
        evidence.dropped = self._run.forced is None and (seconds > plain_s + _TICK_S or hopeless)
        return plain_s

    def _is_clear(self, way: Way, evidence: _Evidence) -> bool:
        enough = evidence.agreement is not None and evidence.agreement.foreground >= _ENOUGH
        return enough and (way == self._run.forced or self._is_faster(evidence))

    def _is_fit(self, evidence: _Evidence) -> bool:
        agrees = evidence.agreement is not None and evidence.agreement.holds
        return agrees and not evidence.dropped and self._is_faster(evidence)

    def _is_faster(self, evidence: _Evidence) -> bool:
        return evidence.seconds <= _CLEARLY * self._plain_s

    def _warn(self, evidence: _Evidence) -> None:
        if evidence.agreement is None:
            self._run.not_compared()
        elif not evidence.agreement.holds:
            self._run.happened.say(
                "labels-change",
                f"Run as {self._run.forced}, as was asked, the network changed {evidence.agreement.percent:.2f} % of "
                f"the labels of what was compared with {PLAIN}.",
            )


class _TooSlow(Exception):
    """A pass has taken longer than it may."""


def timed(network: torch.nn.Module, values: torch.Tensor, limit_s: float = math.inf) -> tuple[torch.Tensor, float]:
    """Scores, and what they took: processor time on a CPU, since other programs take turns with this one."""
    clock: Callable[[], float] = time.process_time
    if values.device.type == "cuda":
        # What the GPU is told to do is done later: nothing can be stopped between two layers.
        clock, limit_s = time.perf_counter, math.inf
        torch.cuda.synchronize(values.device)
    started_s = clock()

    def stop_if_late(_: torch.nn.Module) -> None:
        if clock() - started_s > limit_s:
            raise _TooSlow

    with nullcontext() if limit_s == math.inf else before_each_layer([network], stop_if_late):
        scores: torch.Tensor = network(values)
    if values.device.type == "cuda":
        torch.cuda.synchronize(values.device)
    return scores, clock() - started_s
