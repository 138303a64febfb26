"""Apply: from what is chosen to runs, and what comes of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..app.checks import ACTIVITY, SUV, CheckLine, Severity, wants_suv
from ..core.errors import Cancelled, ConfirmationRequired, MedAISegError, NotTrustedError
from ..core.region import OrientedBox
from ..models.card import ModelCard, ModelState
from ..slicer_io.inputs import Input
from ..slicer_io.runs import Frames, Output, Run, RunRequest
from .context import Context
from .messages import Kind, MessageView
from .parameters import without
from .run_view import RunView, stage_text
from .texts import _

_LOG_LINES = 200


@dataclass(frozen=True)
class Plan:
    """What Apply would run one model with, and what speaks against it; ``accept`` once the user does not mind."""

    card: ModelCard
    inputs: Mapping[str, Input]
    output: Output
    frames: Frames
    region: OrientedBox | None
    units: Mapping[str, str]
    checks: tuple[CheckLine, ...]
    accept: bool = False


@dataclass(eq=False)
class _Followed:
    """A run of the panel that is not finished: its model's name, and what the log said of it last."""

    name: str
    let_go: Callable[[], None]
    said: str = ""


class RunControl:
    """Between Apply and the session.

    Args:
        look_again: shows the panel anew, and tells by :meth:`refresh` what would run.
        on_result: gets each run whose result is in the scene.
        on_units: gets model, channel and the user's answer to what a PET image's values are.
        ask_trust: asks in a place whether a model may do what it would do, and calls back if so.
    """

    def __init__(
        self,
        context: Context,
        *,
        look_again: Callable[[], None],
        on_result: Callable[[Run], None],
        on_units: Callable[[str, str, str], None],
        require_packages: Callable[[Callable[[], None]], bool],
        ask_trust: Callable[[ModelCard, MedAISegError, Callable[[], None], MessageView], None],
    ) -> None:
        self._context = context
        self._look_again, self._on_result, self._on_units = look_again, on_result, on_units
        self._require_packages, self._ask_trust = require_packages, ask_trust
        self.view = RunView(context.ui, on_apply=self.apply, on_cancel=self.cancel)
        self._plans: tuple[Plan, ...] = ()
        self._followed: dict[Run, _Followed] = {}
        self._is_applying = False
        self._log: deque[str] = deque(maxlen=_LOG_LINES)

    def refresh(self, plans: tuple[Plan, ...]) -> None:
        if self.view.messages.is_question and _what_runs(plans) != _what_runs(self._plans):
            # The answer would be to something that is not chosen any more.
            self.view.messages.drop_question()
        self._plans = plans
        self.view.show_readiness(why_not_ready(plans))
        self.show_runs()

    def show_runs(self) -> None:
        """Show how far the runs are, and nothing else."""
        session = self._context.session
        self.view.show_runs([run for run in session.runs if not run.is_finished], self._name_of)
        self.view.show_log([*self._log, *session.client.log_lines])

    def close(self) -> None:
        """Hear of no run any more."""
        for followed in self._followed.values():
            followed.let_go()
        self._followed.clear()

    def apply(self) -> None:
        """Run what is chosen, after asking what has to be asked.

        A second press while this one is still at work, as in an event loop within, does nothing.
        """
        if self._is_applying:
            return
        self._is_applying = True
        try:
            self.view.messages.clear()
            # What runs is what is there now, not what was there when the panel was last shown anew.
            self._look_again()
            if not why_not_ready(self._plans) and self._require_packages(self.apply):
                self._ask_then_submit(self._plans)
        finally:
            self._is_applying = False
            self.view.messages.tell_waiting()

    def cancel(self) -> None:
        """Stop the run that is under way, and those that wait."""
        for run in reversed(self._context.session.runs):
            if not run.is_finished:
                run.cancel()
        self.show_runs()

    def _ask_then_submit(self, plans: tuple[Plan, ...]) -> None:
        for plan in plans:
            for line in plan.checks:
                if line.severity is Severity.ASK:
                    self._ask(plan, line, plans)
                    return
        for plan in plans:
            self.submit(self._request(plan), plan.card)

    def _ask(self, plan: Plan, line: CheckLine, plans: tuple[Plan, ...]) -> None:
        answered = replace(plan, checks=tuple(other for other in plan.checks if other is not line))
        others = tuple(answered if one is plan else one for one in plans)
        channel = next((c for c in plan.card.channels if c.name == line.channel), None)
        if channel is not None and wants_suv(channel) and "SUV" in line.text:
            self.view.messages.ask(
                line.text,
                _("SUV"),
                partial(self._answer_units, answered, others, line.channel, SUV),
                no=_("Activity (Bq/mL)"),
                on_no=partial(self._answer_units, answered, others, line.channel, ACTIVITY),
            )
            return
        accepted = tuple(replace(one, accept=True) if one is answered else one for one in others)
        self.view.messages.ask(line.text, _("Run all the same"), lambda: self._ask_then_submit(accepted))

    def _answer_units(self, plan: Plan, plans: tuple[Plan, ...], channel: str, answer: str) -> None:
        self._on_units(plan.card.id, channel, answer)
        told = replace(plan, units={**plan.units, channel: answer})
        self._ask_then_submit(tuple(told if one is plan else one for one in plans))

    def _request(self, plan: Plan) -> RunRequest:
        choices = self._context.parameters().read()
        return RunRequest(
            model=plan.card.id,
            inputs=plan.inputs,
            output=plan.output,
            labels=without([s.name for s in plan.card.segments], choices.unwanted.get(plan.card.id, ())),
            test_time_flips=None if plan.card.classes else choices.test_time_flips,
            keep_largest_component=choices.keep_largest_component and not plan.card.classes,
            accept=plan.accept,
            region=plan.region,
            units=plan.units,
            frames=plan.frames,
        )

    def submit(self, request: RunRequest, card: ModelCard) -> None:
        """Put a run into the queue and hear of it."""
        try:
            run = self._context.session.submit(request)
        except MedAISegError as error:
            self.view.messages.show_error(error)
            return
        self._followed[run] = _Followed(card.name, run.add_listener(partial(self._on_run, card)))
        self.show_runs()

    def _note(self, run: Run, followed: _Followed) -> None:
        """A line for the log, where there is something new to say."""
        said = stage_text(run.state, None if run.progress is None else replace(run.progress, remaining_s=None))
        if followed.said != said:
            followed.said = said
            self._log.append(f"{time.strftime('%H:%M:%S')} {followed.name}: {said}")

    def _on_run(self, card: ModelCard, run: Run) -> None:
        followed = self._followed.get(run)
        if followed is None:
            return  # told once more while the panel was letting go of it
        self._note(run, followed)
        if not run.is_finished:
            self.show_runs()
            return
        del self._followed[run]
        followed.let_go()
        self.view.messages.after_question(partial(self._tell_end, run, card))
        if run.placed is not None:
            # Also of a run over a sequence that was cancelled: its finished frames stay.
            self._on_result(run)
        self._context.changed()

    def _tell_end(self, run: Run, card: ModelCard) -> None:
        if run.error is not None:
            self._tell_failure(run, run.error, card)
        else:
            self._tell_notices(run)

    def _tell_failure(self, run: Run, error: MedAISegError, card: ModelCard) -> None:
        messages = self.view.messages
        if isinstance(error, Cancelled):
            why = "\n".join(notice.message for notice in run.notices)
            messages.show_text(Kind.INFORMATION, why or _("The run was cancelled; nothing half-done is in the scene."))
        elif isinstance(error, ConfirmationRequired):
            accepted = replace(run.request, accept=True)
            messages.ask(str(error), _("Run all the same"), lambda: self.submit(accepted, card))
        elif isinstance(error, NotTrustedError):
            self._ask_trust(card, error, lambda: self.submit(run.request, card), messages)
        else:
            messages.show_error(error, "\n".join(self._context.session.client.log_lines))

    def _tell_notices(self, run: Run) -> None:
        notices = list(dict.fromkeys(notice.message for notice in run.notices))
        if notices:
            self.view.messages.show_text(Kind.INFORMATION, "\n".join(notices))

    def _name_of(self, run: Run) -> str:
        followed = self._followed.get(run)
        return followed.name if followed is not None else run.request.model


def _what_runs(plans: tuple[Plan, ...]) -> list[object]:
    return [(plan.card.id, dict(plan.inputs), plan.output, plan.frames, plan.region) for plan in plans]


def why_not_ready(plans: tuple[Plan, ...]) -> str:
    """Why Apply cannot be pressed; empty where it can."""
    if not plans:
        return _("Choose a model first")
    for plan in plans:
        if plan.card.state is ModelState.TO_DOWNLOAD:
            return _("{model} is not on this computer; download it first").format(model=plan.card.name)
        if plan.card.state is not ModelState.READY:
            return f"{plan.card.name}: {plan.card.problem}"
        for line in plan.checks:
            if line.severity is Severity.STOP:
                return line.text
    return ""
