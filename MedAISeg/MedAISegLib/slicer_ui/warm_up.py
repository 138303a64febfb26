"""The chosen model is loaded while the user is still looking, so that Apply need not wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..slicer_io.session import Session
from .run_control import Plan, why_not_ready

_Choice = tuple[str, str, str]
"""Id and hash of a model, and the device."""

_QUIET_LOOKS = 5
"""A choice has to last that long: whoever walks through the list wants no model on the way."""


class WarmUp:
    """Asks the worker once for a choice; what fails of it the run itself will say.

    What has been asked for is never cancelled: a worker that loads cannot stop in time and would be killed for it,
    with a download that goes on in it.

    Args:
        session: asks the worker.
        may_ask: whether the worker can be started at all.
    """

    def __init__(self, session: Session, may_ask: Callable[[], bool]) -> None:
        self._session, self._may_ask = session, may_ask
        self._wanted: _Choice | None = None
        self._settled: _Choice | None = None
        self._looks = 0
        self._job: Any = None

    def choose(self, plans: tuple[Plan, ...]) -> None:
        """Take what Apply would run; nothing is asked for yet."""
        wanted = self._first_of(plans)
        if wanted != self._wanted:
            self._wanted, self._looks = wanted, 0

    def look(self) -> None:
        """Ask for the choice once it has lasted; called some times a second while the panel is shown."""
        if self._session.is_closed or self._wanted is None:
            return
        running = [run.request.model for run in self._session.runs if not run.is_finished]
        if self._wanted[0] in running:
            # The run itself loads it.
            self._settled = self._wanted
        is_loading = self._job is not None and not self._job.is_finished
        if self._wanted == self._settled or running or is_loading or not self._may_ask():
            return
        self._looks += 1
        if self._looks >= _QUIET_LOOKS:
            self._settled = self._wanted
            self._job = self._session.warm_up(self._wanted[0])

    def _first_of(self, plans: tuple[Plan, ...]) -> _Choice | None:
        """The model that would run first; code of a model's own runs on Apply only, although it is trusted."""
        if why_not_ready(plans) or plans[0].card.trusted:
            return None
        return plans[0].card.id, plans[0].card.sha256, self._session.settings.device
