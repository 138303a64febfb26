"""The panel: its sections, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from ..app.checks import CheckLine, Severity
from ..app.protocol import NeedReply
from ..core.errors import MedAISegError
from ..core.region import OrientedBox
from ..models.card import ModelCard, ModelState
from ..slicer_io.region_node import region_from_node
from ..slicer_io.runs import Output, Run
from ..slicer_io.sample_data import load_sample_study
from ..slicer_io.session import Session
from .class_words import why_no_segments
from .context import Context
from .dependency_control import DependencyControl
from .input_control import InputControl, units_by_channel
from .machine_control import MachineControl
from .messages import MessageView
from .model_control import ChosenModels, ModelControl
from .model_settings_control import ModelSettingsControl
from .needs import Needs, expected_time
from .output_control import OutputControl
from .parameters import REGION, Parameters
from .region_view import RegionView
from .result_control import ResultControl
from .run_control import Plan, RunControl
from .scene_watch import SceneWatch
from .segment_states import SegmentStates
from .warm_up import WarmUp

_SAMPLE_MODEL = "hippocampus"
_PROGRESS_MS = 200

_open_panels: list[Panel] = []
"""While one of them is open the session is."""


class Panel:
    """Composes the sections and keeps them in step with the scene.

    Whatever changes asks for :meth:`refresh`, which comes a moment later and once: no widget is filled anew within its
    own signal, and an event loop within a slot finds the panel whole.

    Args:
        ui: the widgets of MedAISeg.ui by name.
        parameter_node: gives the module's parameter node.
    """

    def __init__(self, ui: Any, session: Session, parameter_node: Callable[[], Any]) -> None:
        self._ui, self._session = ui, session
        self._parameter_node = parameter_node
        self._watch = SceneWatch(ui.MedAISeg, self.refresh)
        self._timer = qt.QTimer(ui.MedAISeg)
        self._timer.setInterval(_PROGRESS_MS)
        self._timer.connect("timeout()", self._show_progress)
        context = Context(ui, session, self._parameters, lambda: self._watch.is_removing, self._watch.soon)
        self._states = SegmentStates(session.pump, self._watch.soon)
        self._welcome = MessageView(ui.welcomeMessages, "welcomeMessage", ui.tryItButton)
        self._models = ModelControl(context, self._require_packages)
        self._inputs = InputControl(context, self._models.view.messages.tell_error)
        self._region = RegionView(ui, on_change=self._choose_region)
        self._outputs = OutputControl(context, self._states)
        self._machine = MachineControl(context)
        self._store = ModelSettingsControl(context, lambda: self._models.acts.is_idle, self._models.ask_again)
        self._runs = RunControl(
            context,
            look_again=self.refresh,
            on_result=self._take_result,
            on_units=self._take_units,
            require_packages=self._require_packages,
            ask_trust=self._models.acts.trust,
        )
        self._packages = DependencyControl(
            context, self._machine.view.messages, self._runs.view.messages, self._models.ask_installed
        )
        self._results = ResultControl(context, self._states)
        self._needs = Needs(session, self._watch.soon, self._packages.is_complete)
        self._warm_up = WarmUp(session, self._packages.is_complete)
        ui.tryItButton.connect("clicked()", self._try_it)
        ui.advancedSection.connect("contentsCollapsed(bool)", self._on_advanced)
        _open_panels.append(self)
        self._models.load()
        self.refresh()

    def enter(self) -> None:
        """The module is shown."""
        self._timer.start()
        self._packages.look()
        self._models.load()
        self.refresh()

    def leave(self) -> None:
        """Another module is shown."""
        self._timer.stop()

    def scene_closed(self) -> None:
        """The scene is empty now, and everything has its default."""
        self._inputs.forget()
        self._states.forget()
        self._watch.follow(())
        self._watch.soon()

    def close(self) -> None:
        """Nothing of the panel is called any more; with the last panel the session ends."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self._show_progress)
        self._timer.deleteLater()
        self._watch.close()
        # Selectors tell of every node that goes with the scene, also when nobody is there to hear it.
        self._ui.MedAISeg.setMRMLScene(None)
        self._runs.close()
        self._needs.close()
        if self in _open_panels:
            _open_panels.remove(self)
        if not _open_panels:
            self._session.close()

    def refresh(self) -> None:
        """Show everything as it is now."""
        chosen = self._models.chosen()
        self._inputs.match(chosen.running)
        self._ui.welcomeFrame.setVisible(not self._inputs.has_images)
        region, problems = self._region_box()
        plans = tuple(
            self._plan(card, None if card.classes else region, () if card.classes else problems)
            for card in chosen.running
        )
        self._models.refresh(self._expected_time(chosen, region))
        self._inputs.refresh(tuple(dict.fromkeys(line for plan in plans for line in plan.checks)))
        volume, why_not = self._inputs.first_volume(), why_no_segments(chosen.running)
        self._region.show(self._parameters().reference(REGION), volume, why_not)
        self._outputs.refresh(chosen.running, self._inputs.frames())
        self._runs.refresh(plans)
        self._warm_up.choose(plans)
        self._results.refresh()
        self._machine.refresh(chosen.running)
        self._store.refresh()
        self._watch.follow((*self._inputs.followed_nodes(), *self._outputs.followed_nodes(), *self._own_nodes()))

    def _own_nodes(self) -> tuple[Any, ...]:
        region = self._parameters().reference(REGION)
        return (self._parameter_node(), *((region,) if region is not None else ()))

    def _plan(self, card: ModelCard, region: OrientedBox | None, problems: tuple[CheckLine, ...]) -> Plan:
        need = self._need(card, region)
        return Plan(
            card=card,
            inputs=self._inputs.sources(card),
            output=Output() if card.classes else self._outputs.output(self._inputs.frames()),
            frames=self._inputs.frames(),
            region=region,
            units=units_by_channel(self._inputs.units, card),
            checks=problems + self._inputs.checks(card, region, need),
        )

    def _expected_time(self, chosen: ChosenModels, region: OrientedBox | None) -> str:
        card = chosen.selected
        if card is None or card not in chosen.running or card.state is not ModelState.READY or card.classes:
            return ""
        return expected_time(self._need(card, region))

    def _need(self, card: ModelCard, region: OrientedBox | None) -> NeedReply | None:
        return self._needs.of(card, self._inputs.sources(card), self._inputs.geometries(card), region)

    def _region_box(self) -> tuple[OrientedBox | None, tuple[CheckLine, ...]]:
        node = self._parameters().reference(REGION)
        try:
            return (region_from_node(node) if node is not None else None), ()
        except MedAISegError as error:
            return None, (CheckLine(Severity.STOP, str(error)),)

    def _parameters(self) -> Parameters:
        return Parameters(self._parameter_node())

    def _choose_region(self, node: Any) -> None:
        if not self._watch.is_removing:
            self._parameters().refer(REGION, node)
        self._watch.soon()

    def _take_units(self, model: str, channel: str, answer: str) -> None:
        self._inputs.units[model, channel] = answer

    def _require_packages(self, then: Callable[[], None], place: MessageView | None = None) -> bool:
        return self._packages.require(then, place)

    def _take_result(self, run: Run) -> None:
        self._needs.forget()
        self._results.take(run)

    def _on_advanced(self, is_collapsed: bool) -> None:
        if not is_collapsed:
            self._packages.look()
            self._machine.ask_devices()

    def _try_it(self) -> None:
        try:
            load_sample_study()
        except MedAISegError as error:
            self._welcome.show_error(error)
            return
        self._models.select(_SAMPLE_MODEL)
        self._watch.soon()

    def _show_progress(self) -> None:
        self._runs.show_runs()
        self._models.show_progress()
        self._machine.show_worker()
        self._warm_up.look()
