"""The chosen model is loaded while the user is still looking: once, and only where Apply could start at once."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from MedAISegLib.app.client import WorkerClient, WorkerState
from MedAISegLib.app.protocol import SegmentRequest, WarmUpRequest

from Testing.host.driver import from_the_loop, spin, wait_until
from Testing.host.leftovers import timers
from Testing.host.panel import ThePanel, cards, panel, panel_without_packages
from Testing.host.runs_in_scene import bright_volume, gone_soon

__all__ = ["panel", "panel_without_packages"]

LONG_ENOUGH_S = 2.0
"""For a choice to be taken for one."""


@pytest.fixture
def asked(monkeypatch):
    """What the worker is asked for of models and runs."""
    requests = []
    ask = WorkerClient.ask

    def noting(self, request, **options):
        if isinstance(request, (WarmUpRequest, SegmentRequest)):
            requests.append(request)
        return ask(self, request, **options)

    monkeypatch.setattr(WorkerClient, "ask", noting)
    return requests


def loaded(panel, asked):
    """An image is there, and the model that is chosen for it has been asked for."""
    bright_volume(panel.host.scene)
    wait_until(lambda: asked, timeout=60)
    wait_until(lambda: panel.session.client.pid is not None, timeout=60)
    return panel.session.client.pid


def test_a_choice_is_loaded_once_and_nothing_is_run(panel, asked):
    loaded(panel, asked)
    panel.host.enter("Data")
    panel.host.enter("MedAISeg")
    spin(LONG_ENOUGH_S)
    assert asked == [WarmUpRequest("threshold", "auto")]
    assert panel.session.runs == ()
    assert panel.message("run") == panel.message("model") == panel.message("advanced") == ""


def test_without_an_image_nothing_is_loaded(panel, asked):
    spin(LONG_ENOUGH_S)
    assert asked == []


def test_another_model_is_loaded_when_it_is_chosen_and_one_that_is_elsewhere_is_not(panel, asked):
    loaded(panel, asked)
    panel.select("modelTree", "Model elsewhere")
    spin(LONG_ENOUGH_S)
    panel.select("modelTree", "Model that slow")
    wait_until(lambda: len(asked) > 1, timeout=60)
    assert [request.model for request in asked] == ["threshold", "slow"]


def test_where_packages_are_missing_nothing_is_started_and_nothing_asked(panel_without_packages, asked):
    panel = panel_without_packages
    bright_volume(panel.host.scene)
    spin(LONG_ENOUGH_S)
    assert panel.ui.applyButton.enabled
    assert asked == []
    assert panel.session.client.state is WorkerState.STOPPED
    assert panel.message("run") == panel.message("model") == panel.message("advanced") == ""


def test_a_run_goes_to_the_process_that_has_loaded_the_model(panel, asked):
    pid = loaded(panel, asked)
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[0].error is None
    assert [type(request) for request in asked] == [WarmUpRequest, SegmentRequest]
    assert panel.session.client.pid == pid


def test_apply_before_anything_is_loaded_runs_and_loads_nothing_beside(panel, asked):
    bright_volume(panel.host.scene)
    panel.settle()
    panel.select("modelTree", "Model that slow")
    panel.click("applyButton")
    spin(LONG_ENOUGH_S)
    assert [type(request) for request in asked if request != WarmUpRequest("threshold")] == [SegmentRequest]
    panel.click("cancelButton")
    panel.wait_for_runs()


def test_while_another_module_is_shown_nothing_is_loaded(panel, asked):
    panel.host.enter("Data")
    bright_volume(panel.host.scene)
    spin(LONG_ENOUGH_S)
    assert asked == []
    panel.host.enter("MedAISeg")
    wait_until(lambda: asked, timeout=60)


def test_the_end_of_the_application_leaves_no_process(panel, asked):
    pid = loaded(panel, asked)
    panel.host.quit()
    assert gone_soon(pid)


def test_reloading_leaves_no_process_and_no_timer_more_and_starts_none_of_itself(panel, asked):
    import slicer

    pid = loaded(panel, asked)
    left = []
    for _ in range(3):
        from_the_loop(lambda: slicer.util.reloadScriptedModule("MedAISeg"))
        spin(LONG_ENOUGH_S)
        left.append(timers())
    assert gone_soon(pid)
    assert len(set(left[1:])) == 1, left
    assert ThePanel(panel.host).session.client.pid is None
    assert len(asked) == 1


class Session:
    """As much of a session as is asked."""

    is_closed = False

    def __init__(self):
        self.runs, self.settings, self.models = (), SimpleNamespace(device="auto"), []
        self.job = SimpleNamespace(is_finished=False)

    def warm_up(self, model):
        self.models.append(model)
        return self.job


@pytest.fixture
def looked(slicer_app):
    """Sets a choice and looks some times; gives the models that have been asked for since the start."""
    from MedAISegLib.slicer_io.runs import Frames, Output
    from MedAISegLib.slicer_ui.run_control import Plan
    from MedAISegLib.slicer_ui.warm_up import WarmUp

    session = Session()
    there = {card.id: card for card in cards()}
    warm_up = WarmUp(session, lambda: True)

    def look(times, *models, **changes):
        plans = [replace(there[model], **changes) for model in models]
        warm_up.choose(tuple(Plan(card, {}, Output(), Frames.ONE, None, {}, ()) for card in plans))
        for _ in range(times):
            warm_up.look()
        return session.models

    look.session = session
    return look


def test_whoever_walks_through_the_list_loads_only_where_he_stays(looked):
    for model in ("threshold", "slow", "dies", "threshold", "full"):
        assert looked(3, model) == []
    assert looked(3, "full") == ["full"]
    assert looked(99, "full") == ["full"]


def test_of_several_models_the_first_is_loaded(looked):
    assert looked(9, "slow", "threshold") == ["slow"]


def test_what_could_not_run_at_once_or_runs_code_of_its_own_is_not_loaded(looked):
    from MedAISegLib.models.card import ModelState

    assert looked(9) == []
    assert looked(9, "far") == []
    assert looked(9, "threshold", state=ModelState.NOT_TRUSTED) == []
    assert looked(9, "threshold", trusted=True) == []
    assert looked(9, "threshold") == ["threshold"]


def test_one_at_a_time_and_the_last_choice_next(looked):
    looked(9, "threshold")
    looked(9, "slow")
    assert looked(9, "full") == ["threshold"]
    looked.session.job.is_finished = True
    assert looked(9, "full") == ["threshold", "full"]


def test_nothing_is_loaded_while_a_run_is_not_finished_and_not_again_what_it_has_loaded(looked):
    run = SimpleNamespace(request=SimpleNamespace(model="slow"), is_finished=False)
    looked.session.runs = (run,)
    assert looked(9, "slow") == []
    assert looked(9, "threshold") == []
    assert looked(9, "slow") == []
    run.is_finished = True
    assert looked(9, "slow") == []
    assert looked(9, "threshold") == ["threshold"]


def test_another_device_is_another_choice_and_a_closed_session_none(looked):
    looked(9, "slow")
    looked.session.job.is_finished = True
    looked.session.settings.device = "cpu"
    assert looked(9, "slow") == ["slow", "slow"]
    looked.session.is_closed = True
    assert looked(9, "threshold") == ["slow", "slow"]
