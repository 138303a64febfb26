"""Which way a network is run, found out on the first windows of a run and remembered for the next.

The plain network computes a window that has to be computed anyway; the other ways compute it too. The fastest whose
labels agree takes the rest. So the first run of a model on a machine waits for one window more a way, and no label
comes from a way that was not held against the plain one. A way in 16 bits is held against it in every case anew, on the
first window in which the plain network finds something.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from ...core.notice import Notice
from ...models.spec import InferenceStage, ModelSpec
from .agreement import Agreement, compare, has_foreground
from .direct_convolutions import only_direct_convolutions
from .remembered import Place, recall, remember
from .ways import ONEDNN, PLAIN, Wanted, Way, built, ways_on

_CLEARLY = 0.95
"""Share of the plain network's time that another way has to stay below; one measurement is worth no more."""

_MOST_EMPTY = 27
"""Batches of windows without a label after which a way in fewer bits is given up."""


class FastestNetworks:
    """The networks of a model's stages, each made to find its fastest way.

    Attributes:
        networks: of each stage, to be run in place of those given.
    """

    def __init__(
        self,
        spec: ModelSpec,
        networks: Sequence[Sequence[torch.nn.Module]],
        device: torch.device,
        wanted: Wanted,
        poll: Callable[[], None],
    ) -> None:
        """Raises UsageError if the device has no way of the kind that is wanted."""
        self._happened = _Happened()
        ways = ways_on(device, wanted)
        asked = wanted.backend is not None or wanted.precision is not None
        forced = ways[0] if asked and ways else None
        self.networks: list[list[torch.nn.Module]] = []
        for number, (stage, members) in enumerate(zip(spec.stages, networks, strict=True)):
            if not ways:
                self.networks.append(list(members))
                continue
            if stage.windows.size is None:
                self.networks.append([self._of_whole_array(network, ways, forced) for network in members])
                continue
            run = _Run(spec.sha256, number, stage, forced, poll, self._happened)
            self.networks.append([_Chooser(network, ways, run) for network in members])

    @property
    def taken(self) -> str:
        """The ways that windows were run in, for the record of the run."""
        return ", ".join(self._happened.chosen) or str(PLAIN)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is to be said about them."""
        return tuple(self._happened.notices)

    def _of_whole_array(self, network: torch.nn.Module, ways: Sequence[Way], forced: Way | None) -> torch.nn.Module:
        if ONEDNN in ways:
            self._happened.take(ONEDNN)
            return only_direct_convolutions(network)
        if forced is not None:
            self._happened.say(
                "backend-not-taken", f"{forced} is for models that slide a window; this one ran as {PLAIN}."
            )
        self._happened.take(PLAIN)
        return network


@dataclass(frozen=True, eq=False)
class _Happened:
    """What the networks tell of themselves; apart from who holds them, so that no circle keeps them beyond their run.

    Attributes:
        chosen: the ways that windows were run in.
    """

    chosen: dict[str, None] = field(default_factory=dict)
    notices: dict[Notice, None] = field(default_factory=dict)

    def say(self, code: str, message: str) -> None:
        """Something that the user is to know."""
        self.notices[Notice(code, message)] = None

    def take(self, way: Way) -> None:
        """A window was run in this way."""
        self.chosen[str(way)] = None


@dataclass(frozen=True, eq=False)
class _Run:
    """What the networks of a stage have in common.

    Attributes:
        forced: the way that the user has laid down.
    """

    model: str
    number: int
    stage: InferenceStage
    forced: Way | None
    poll: Callable[[], None]
    happened: _Happened


@dataclass
class _Found:
    """What is known of each way: seconds for a batch of windows, and the share of labels that it changes."""

    seconds: dict[str, float] = field(default_factory=dict)
    changed_percent: dict[str, float] = field(default_factory=dict)


class _Chooser(torch.nn.Module):
    """A network that looks for its fastest way, and then takes it. All ways are modules of it: hooks reach them."""

    def __init__(self, network: torch.nn.Module, ways: Sequence[Way], run: _Run) -> None:
        super().__init__()
        self.plain = network
        candidates = {way: built(network, way) for way in ways}
        self._ways = [way for way, candidate in candidates.items() if candidate is not None]
        self._others = torch.nn.ModuleList(candidate for candidate in candidates.values() if candidate is not None)
        self._run = run
        self._empty = 0
        self._settled: Way | None = None if self._ways else PLAIN
        self._device: torch.device | None = None
        if run.forced not in (None, *self._ways):
            run.happened.say("backend-not-taken", f"{run.forced} does not apply to this network; it ran as {PLAIN}.")

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, channel, a, b, c) to (batch, class, a, b, c)."""
        self._run.poll()
        if self._device not in (None, values.device):
            # The memory ladder has gone to the CPU, where nothing of what was found holds.
            self._settled = PLAIN
        self._device = values.device
        return self._look(values) if self._settled is None else self._computed(self._settled, values)

    def _computed(self, way: Way, values: torch.Tensor) -> torch.Tensor:
        try:
            scores = self._by(way, values)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, NotImplementedError) as error:
            if way == PLAIN or "memory" in str(error).lower():
                raise
            self._failed(way, error)
            self._settled, way = PLAIN, PLAIN
            scores = self._by(way, values)
        self._run.happened.take(way)
        return scores

    def _by(self, way: Way, values: torch.Tensor) -> torch.Tensor:
        network = self.plain if way == PLAIN else self._others[self._ways.index(way)]
        scores: torch.Tensor = network(values)
        return scores

    def _look(self, values: torch.Tensor) -> torch.Tensor:
        """The scores of a batch of windows, and, where that batch serves for it, the way for those that follow."""
        place = Place(self._run.model, self._run.number, tuple(values.shape), values.device)
        known = str(self._run.forced) if self._run.forced else recall(place)
        ways = [way for way in self._ways if known in (None, str(way))]
        if known is not None and all(way.exact for way in ways):
            self._settled = ways[0] if ways else PLAIN
            return self._computed(self._settled, values)
        scores, seconds = self._timed(PLAIN, values)
        self._run.happened.take(PLAIN)
        if not all(way.exact for way in ways) and not has_foreground(scores, self._run.stage):
            self._empty += 1
            if self._empty == _MOST_EMPTY:
                self._settled = PLAIN
            return scores
        found = _Found({str(PLAIN): seconds})
        agreeing = [way for way in ways if self._tried(way, values, scores, found)]
        self._settled = min((PLAIN, *agreeing), key=lambda way: found.seconds[str(way)])
        if known is None:
            remember(place, str(self._settled), found.seconds, found.changed_percent)
        return scores

    def _tried(self, way: Way, values: torch.Tensor, scores: torch.Tensor, found: _Found) -> bool:
        """Whether a way may be taken: it computes, its labels agree, and it is faster."""
        try:
            other, seconds = self._timed(way, values)
        # Memory that does not suffice for a faster way suffices for the plain one.
        except (RuntimeError, NotImplementedError) as error:
            self._failed(way, error)
            return False
        agreement = compare(scores, other, self._run.stage)
        found.changed_percent[str(way)] = agreement.percent
        if way == self._run.forced:
            self._warn(way, agreement)
            found.seconds[str(way)] = 0.0
            return True
        plain_s = found.seconds[str(PLAIN)]
        if seconds > _CLEARLY * plain_s:
            plain_s, seconds = self._timed(PLAIN, values)[1], self._timed(way, values)[1]
        found.seconds[str(way)] = seconds
        return agreement.holds and seconds <= _CLEARLY * plain_s

    def _timed(self, way: Way, values: torch.Tensor) -> tuple[torch.Tensor, float]:
        self._run.poll()
        if values.device.type == "cuda":
            # The first pass on a GPU looks for kernels.
            self._by(way, values)
            torch.cuda.synchronize(values.device)
            started_s = time.perf_counter()
            scores = self._by(way, values)
            torch.cuda.synchronize(values.device)
            return scores, time.perf_counter() - started_s
        # Processor time, since other programs take turns with this one.
        started_s = time.process_time()
        scores = self._by(way, values)
        return scores, time.process_time() - started_s

    def _failed(self, way: Way, error: Exception) -> None:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        self._run.happened.say(
            "backend-failed", f"The network could not be run as {way} ({reason}); it ran as {PLAIN}."
        )

    def _warn(self, way: Way, agreement: Agreement) -> None:
        if not agreement.holds:
            self._run.happened.say(
                "labels-change",
                f"Run as {way}, as was asked, the network changed {agreement.percent:.2f} % of the labels of the "
                f"window that was compared with {PLAIN}.",
            )
