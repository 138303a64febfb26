"""A network that finds its fastest way on the windows of its run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from ...models.converted_networks import note_use
from .agreement import has_foreground
from .converted import ConvertedNetwork
from .happened import NetworkRun
from .middle import middle_of
from .trial import Trial, timed
from .ways import OPENVINO, PLAIN, Way, built

_PATIENCE = 27
"""Looks without a label found after which the way that the user has laid down is taken unseen."""

_OF_ONE_SIZE = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AssertionError)
"""What networks raise that take no windows but whole ones."""


class WindowChooser(torch.nn.Module):
    """The plain network until something is found, then the fastest way. All are modules of it: hooks reach them.

    The middle of the first window, or of the first batch on a GPU, is looked at before all of it: on an image of one
    window the network is computed but once then, and neither holds two windows' scores nor what the plain network needs
    for a whole one.
    """

    def __init__(self, network: torch.nn.Module, ways: Sequence[Way], run: NetworkRun) -> None:
        super().__init__()
        self.plain = network
        candidates = {way: built(network, way) for way in ways}
        self._ways = tuple(way for way, candidate in candidates.items() if candidate is not None)
        self._others = torch.nn.ModuleDict({str(way): one for way, one in candidates.items() if one is not None})
        self._run = run
        self._empty = 0
        self._settled: Way | None = None if self._ways else PLAIN
        self._trial: Trial | None = None
        self._device: torch.device | None = None
        if run.forced not in (None, *self._ways):
            run.not_applicable()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c)."""
        self._meet(values)
        return self._look(values) if self._settled is None else self._computed(self._settled, values)

    def compare(self, values: torch.Tensor) -> bool:
        """Compare the ways on (batch, channel, a, b, c) values; whether it is known now which one is to be taken."""
        is_known = self._meet(values)
        if not is_known and self._settled is None:
            self._look(values)
        return is_known or not self._ways or self._run.known(values, self._ways) is not None

    def _meet(self, values: torch.Tensor) -> bool:
        """At the first values take what is known, or begin to look; whether something is known."""
        self._run.poll()
        if self._device not in (None, values.device):
            # The memory ladder has gone to the CPU, where nothing of what was found holds.
            self._settled = PLAIN
        self._device = values.device
        if self._settled is not None or self._trial is not None:
            return False
        is_known = self._begin(values)
        if not is_known:
            self._look_at_middle(values)
        return is_known

    def _begin(self, values: torch.Tensor) -> bool:
        """Take what is known, or look; a way in fewer bits is looked at in every run."""
        file = self._run.converted(self.plain, values) if OPENVINO in self._ways else None
        if file is None and OPENVINO in self._ways:
            self._leave_out_converted(self._run.why_not_converted(values))
        known = self._run.known(values, self._ways) if self._ways else PLAIN
        if file is not None and known in (None, OPENVINO) and (reason := self._opened(file)):
            self._leave_out_converted(reason)
            known = self._run.known(values, self._ways) if self._ways else PLAIN
        if known is not None and known.exact:
            self._settled = known
            return True
        ways = self._ways if known is None else (known,)
        self._trial = Trial(self.plain, {way: self._network(way) for way in ways}, self._run)
        return known is not None

    def _opened(self, file: Path) -> str:
        """Why a converted network cannot be used; what is damaged is to be made anew."""
        converted = self._others[str(OPENVINO)]
        reason = converted.open(file) if isinstance(converted, ConvertedNetwork) else ""
        note_use(file)
        if reason:
            with suppress(OSError):
                file.unlink()
        return reason

    def _leave_out_converted(self, reason: str) -> None:
        self._ways = tuple(way for way in self._ways if way != OPENVINO)
        self._run.made = ""
        self._run.not_applicable(reason)

    def _look_at_middle(self, values: torch.Tensor) -> None:
        """Try the ways on it, where they differ by rounding only: fewer bits are judged by whole windows."""
        windows = _compared(values)
        trial, middle = self._trial, middle_of(windows)
        if trial is None or middle is windows or not all(way.takes_any_size for way in trial.ways):
            return
        try:
            scores, seconds = timed(self.plain, middle)
        except _OF_ONE_SIZE:
            return
        if has_foreground(scores, self._run.stage):
            trial.hold(middle, scores, seconds)
            if trial.over:
                self._settled, self._trial = trial.conclude(values), None

    def _look(self, values: torch.Tensor) -> torch.Tensor:
        """Scores of a batch, by the plain network until a way is settled.

        On a CPU its windows go one by one: together they would take their number of times the memory, and the first of
        them in which something is found is enough to try the other ways on.
        """
        compared = _compared(values)
        if len(compared) == len(values):
            return self._looked_at(values, values)
        return torch.cat([self._looked_at(window, values) for window in values.split(len(compared))])

    def _looked_at(self, windows: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """The plain network's scores of all or a part of a batch; where it finds something, the ways are tried."""
        trial = self._trial
        if trial is None:
            return self._computed(self._settled or PLAIN, windows)
        scores, seconds = timed(self.plain, windows)
        self._run.happened.take(PLAIN)
        if has_foreground(scores, self._run.stage):
            if not trial.over:
                trial.hold(windows, scores, seconds)
        else:
            self._empty += 1
        if trial.over or (self._run.forced is not None and self._empty == _PATIENCE):
            self._settled, self._trial = trial.conclude(batch), None
        return scores

    def _computed(self, way: Way, values: torch.Tensor) -> torch.Tensor:
        try:
            scores: torch.Tensor = self._network(way)(values)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, NotImplementedError) as error:
            if way == PLAIN or "memory" in str(error).lower():
                raise
            self._run.happened.failed(way, error)
            self._settled, way = PLAIN, PLAIN
            scores = self.plain(values)
        self._run.happened.take(way)
        return scores

    def _network(self, way: Way) -> torch.nn.Module:
        return self.plain if way == PLAIN else self._others[str(way)]


def _compared(batch: torch.Tensor) -> torch.Tensor:
    """What ways are tried on at once: a GPU is faster by whole batches, a CPU computes windows one after the other."""
    return batch[:1] if batch.device.type == "cpu" else batch
