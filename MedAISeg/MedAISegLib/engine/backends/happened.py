"""What the networks of a run tell of how they were run, and what a network is told before it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from ...core.notice import Notice
from ...models.spec import InferenceStage
from .agreement import LARGEST_CHANGE
from .remembered import Place, recall, remember
from .ways import PLAIN, Way


@dataclass(eq=False)
class Happened:
    """Apart from the networks, so that no circle of objects keeps those beyond their run.

    Attributes:
        chosen: the ways that labels came from.
        compared_s: spent so far on computing again what the plain network had computed.
    """

    chosen: dict[str, None] = field(default_factory=dict)
    notices: dict[Notice, None] = field(default_factory=dict)
    compared_s: float = 0.0

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


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """A network's part in a run.

    Attributes:
        model: its files' hash.
        number: of the stage.
        member: of the stage's networks.
        forced: the way that the user has laid down.
        kept: whether what is found holds for later runs: not where the user has narrowed what may be taken.
    """

    model: str
    number: int
    member: int
    stage: InferenceStage
    forced: Way | None
    kept: bool
    poll: Callable[[], None]
    happened: Happened

    def known(self, values: torch.Tensor, ways: tuple[Way, ...]) -> Way | None:
        """The one of the ways, or the plain one, that was found before for such (batch, channel, a, b, c) values."""
        found = recall(self._place(values))
        if found is None:
            return None
        if self.forced is not None:
            changed = found.changed_percent.get(str(self.forced))
            return self.forced if changed is not None and changed <= 100 * LARGEST_CHANGE else None
        return next((way for way in ways if str(way) == found.way), PLAIN)

    def keep(
        self, values: torch.Tensor, way: Way, seconds: Mapping[str, float], changed_percent: Mapping[str, float]
    ) -> None:
        """For later runs, what was found by such values."""
        if self.kept:
            remember(self._place(values), str(way), seconds, changed_percent)

    def not_applicable(self) -> None:
        """Tell who has laid down a way that this network cannot be run in it."""
        if self.forced is not None:
            text = f"{self.forced} does not apply to this network; it ran as {PLAIN}."
            self.happened.say("backend-not-taken", text)

    def not_compared(self) -> None:
        """Tell who has laid down a way that nothing is known of what it changes."""
        text = (
            f"Run as {self.forced}, as was asked: where it could have been compared with {PLAIN}, no label was found."
        )
        self.happened.say("labels-not-compared", text)

    def _place(self, values: torch.Tensor) -> Place:
        return Place(self.model, self.number, self.member, tuple(values.shape), values.device)
