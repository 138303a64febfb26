"""What the networks of a run tell of how they were run, and what a network is told before it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ...core.notice import Notice
from ...models.spec import InferenceStage
from .agreement import LARGEST_CHANGE
from .conversion import convert, converted_at, why_not_converted
from .converted import checksum_of
from .remembered import Place, recall, remember
from .ways import OPENVINO, PLAIN, Way

LONGEST_WAIT_S = 60.0
"""Spent in one run, after which no further comparison begins."""


@dataclass(eq=False)
class Happened:
    """Apart from the networks, so that no circle of objects keeps those beyond their run.

    Attributes:
        chosen: the ways that labels came from.
        compared_s: spent so far on computing again what the plain network had computed.
        longest_s: that may be spent.
    """

    chosen: dict[str, None] = field(default_factory=dict)
    notices: dict[Notice, None] = field(default_factory=dict)
    compared_s: float = 0.0
    longest_s: float = LONGEST_WAIT_S

    @property
    def may_compare(self) -> bool:
        """Whether there is time left for it."""
        return self.compared_s < self.longest_s

    def say(self, code: str, message: str) -> None:
        """Something that the user is to know."""
        self.notices[Notice(code, message)] = None

    def take(self, way: Way) -> None:
        """Labels come from what was run in this way."""
        self.chosen[str(way)] = None

    def failed(self, way: Way, error: Exception) -> None:
        """A way did not compute."""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        self.say("backend-failed", f"The network could not be run as {way} ({reason}); it ran as {PLAIN}.")


@dataclass(eq=False)
class NetworkRun:
    """A network's part in a run.

    Attributes:
        model: its files' hash.
        number: of the stage.
        member: of the stage's networks.
        forced: the way that the user has laid down.
        kept: whether what is found holds for later runs: not where the user has narrowed what may be taken.
        made: checksum of the converted network that is at hand; empty where none is.
    """

    model: str
    number: int
    member: int
    stage: InferenceStage
    forced: Way | None
    kept: bool
    poll: Callable[[], None]
    happened: Happened
    made: str = ""

    def known(self, values: torch.Tensor, ways: tuple[Way, ...]) -> Way | None:
        """The one of the ways, or the plain one, that was found before for such (batch, channel, a, b, c) values."""
        found = recall(self._place(values))
        if found is None:
            return None
        if self.forced is not None:
            changed = found.changed_percent.get(self._name(self.forced))
            return self.forced if changed is not None and changed <= 100 * LARGEST_CHANGE else None
        if not {self._name(way) for way in ways} <= found.tried:
            return None
        return next((way for way in (PLAIN, *ways) if self._name(way) == found.way), None)

    def keep(
        self, values: torch.Tensor, way: Way, seconds: Mapping[Way, float], changed_percent: Mapping[Way, float]
    ) -> None:
        """For later runs, what was found by such values."""
        if self.kept:
            named = {self._name(one): value for one, value in seconds.items()}
            changed = {self._name(one): value for one, value in changed_percent.items()}
            # Of ways in fewer bits the one that was chosen is compared in every run.
            beside = not any(one.exact for one in seconds if one != PLAIN)
            remember(self._place(values), self._name(way), named, changed, beside=beside)

    def converted(self, network: torch.nn.Module, values: torch.Tensor) -> Path | None:
        """The network as OpenVINO's for one of such (batch, channel, a, b, c) values; None where there is none.

        It is made now for who has laid down that way; else while nothing runs.

        Raises:
            ResourceError: if the program's data folder cannot be written.
            Cancelled: if the user asked the run to stop.
        """
        place = self._place(values)
        if self.forced == OPENVINO and place.model and converted_at(place) is None and not why_not_converted(place):
            convert(network, place, self.poll)
        file = converted_at(place)
        self.made = "" if file is None else checksum_of(file)
        return file

    def why_not_converted(self, values: torch.Tensor) -> str:
        """What came in the way for such values; empty where nothing did."""
        return why_not_converted(self._place(values))

    def not_applicable(self, reason: str = "") -> None:
        """Tell who has laid down a way that this network cannot be run in it."""
        if self.forced is not None:
            why = f" ({reason})" if reason else ""
            text = f"{self.forced} does not apply to this network{why}; it ran as {PLAIN}."
            self.happened.say("backend-not-taken", text)

    def not_compared(self) -> None:
        """Tell who has laid down a way that nothing is known of what it changes."""
        text = (
            f"Run as {self.forced}, as was asked: where it could have been compared with {PLAIN}, no label was found."
        )
        self.happened.say("labels-not-compared", text)

    def _name(self, way: Way) -> str:
        """In the record: a network that is converted anew is another."""
        return f"{way} {self.made[:16]}" if way == OPENVINO else str(way)

    def _place(self, values: torch.Tensor) -> Place:
        return Place(self.model, self.number, self.member, tuple(values.shape), values.device)
