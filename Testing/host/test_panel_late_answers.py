"""What ends by itself takes nothing away that the user is asked or has chosen meanwhile, in whatever order it ends."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from MedAISegLib.app.store_protocol import InstallReply
from MedAISegLib.core.errors import Cancelled, ResourceError, UsageError
from MedAISegLib.slicer_io.runs import Frames, Output

from Testing.host.driver import wait_until
from Testing.host.panel import cards, panel
from Testing.host.panel_worker import asking
from Testing.host.runs_in_scene import bright_volume

__all__ = ["panel"]

LATE = ResourceError("it came too late.")


def asked_in(panel, messages, place):
    """A question in a place."""
    messages.ask("May this be done?", "Yes", lambda: None)
    panel.settle()
    assert panel.message(place) == "May this be done?"


def catalogue_cannot_be_read(panel, monkeypatch):
    monkeypatch.setattr(panel.session, "read_catalogue", lambda on_done, on_error: on_error(LATE))
    panel.widget.panel._models.load()


def models_cannot_be_listed(panel, monkeypatch):
    monkeypatch.setattr(panel.session, "refresh_models", lambda on_done, on_error: on_error(LATE))
    panel.widget.panel._models.ask_again()


def series_cannot_be_read(panel, monkeypatch):
    def failing(_uid):
        raise LATE
        yield

    from MedAISegLib.slicer_ui import input_control

    monkeypatch.setattr(input_control, "series_candidate", failing)
    panel.widget.panel._inputs._choose_series(("threshold", "T1"), SimpleNamespace(series_uid="1.2"))


@pytest.mark.parametrize("late", [catalogue_cannot_be_read, models_cannot_be_listed, series_cannot_be_read])
def test_a_question_about_a_model_stays_until_it_is_answered(panel, monkeypatch, late):
    asked_in(panel, panel.widget.panel._models.view.messages, "model")
    late(panel, monkeypatch)
    panel.settle()
    assert panel.message("model") == "May this be done?"
    panel.click("modelMessageNoButton")
    assert "came too late" in panel.message("model")


def test_what_has_waited_for_an_answer_is_told_one_after_the_other(panel):
    messages = panel.widget.panel._models.view.messages
    asked_in(panel, messages, "model")
    messages.tell_error(LATE)
    messages.tell_error(ResourceError("it came later still."))
    panel.click("modelMessageNoButton")
    assert "came too late" in panel.message("model")
    panel.click("modelMessageCloseButton")
    assert "later still" in panel.message("model")
    panel.click("modelMessageCloseButton")
    assert panel.message("model") == ""


def segments_are_kept(panel):
    node = panel.host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    placed = SimpleNamespace(node=node, segment_ids={}, kept=("came too late",), revert=SimpleNamespace(is_valid=True))
    run = SimpleNamespace(placed=placed, result=recorded())
    panel.widget.panel._results.take(run)


def recorded():
    from MedAISegLib.core.result import JobResult

    result = object.__new__(JobResult)
    object.__setattr__(result, "segments", ())
    return result


def surfaces_cannot_be_made(panel):
    panel.widget.panel._results._surfaces_done(LATE)


@pytest.mark.parametrize("late", [segments_are_kept, surfaces_cannot_be_made])
def test_a_question_about_results_stays_until_it_is_answered(panel, monkeypatch, late):
    results = panel.widget.panel._results
    monkeypatch.setattr(results._states, "take_measured", lambda *_: None)
    panel.ui.resultsSection.collapsed = False
    asked_in(panel, results.view.messages, "result")
    late(panel)
    assert panel.message("result") == "May this be done?"
    panel.click("resultMessageNoButton")
    assert "came too late" in panel.message("result")


@pytest.fixture
def late_python(panel, monkeypatch):
    """Which Python the worker's is takes until something is appended."""
    known, at_once = [], panel.session.worker.find_python

    def find_later():
        while not known:
            yield None
        return (yield from at_once())

    monkeypatch.setattr(panel.session.worker, "find_python", find_later)
    return known


def test_installing_is_not_asked_about_once_something_else_is(panel, late_python):
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    panel.click("installButton")
    panel.click("uninstallButton")
    question = panel.message("advanced")
    assert "Delete the packages" in question
    late_python.append("known")
    panel.settle()
    assert panel.message("advanced") == question
    panel.click("advancedMessageNoButton")
    assert panel.message("advanced") == ""


def test_what_waits_for_an_answer_is_told_when_the_user_goes_on_without_answering(panel):
    messages = panel.widget.panel._runs.view.messages
    bright_volume(panel.host.scene)
    panel.settle()
    asked_in(panel, messages, "run")
    messages.tell_error(LATE)
    panel.widget.panel._runs._require_packages = lambda _then: False
    panel.click("applyButton")
    assert "came too late" in panel.message("run")


def test_trust_that_is_given_leaves_alone_what_was_told_meanwhile(panel, monkeypatch):
    given = []

    def trust(_model, on_done, on_error, asked):
        if asked:
            given.append(on_done)
        else:
            on_error(asking("a1"))

    monkeypatch.setattr(panel.session, "trust_model", trust)
    models = panel.widget.panel._models
    models.trust(SimpleNamespace(id="code", name="With code"))
    panel.settle()
    panel.click("modelMessageYesButton")
    models.view.messages.tell_error(LATE)
    given[0](None)
    panel.settle()
    assert "came too late" in panel.message("model")


@pytest.fixture
def late_series(monkeypatch):
    """A series of the database is read until something is appended."""
    from MedAISegLib.slicer_ui import input_control

    known = []

    def read(uid):
        while not known:
            yield None
        known.append(uid)
        return SimpleNamespace(row=SimpleNamespace(series_uid=uid), problem=None)

    monkeypatch.setattr(input_control, "series_candidate", read)
    return known


SERIES = SimpleNamespace(series_uid="1.2.3")
T1 = ("threshold", "T1")


def a_series(inputs):
    inputs._choose_series(T1, SERIES)


def a_study(inputs):
    inputs._choose_study((SERIES,))


def an_image_of_the_scene(panel, inputs):
    inputs._choose(T1, None)


def the_scenes_images(panel, inputs):
    inputs._leave_study()


def another_study(panel, inputs):
    inputs._choose_study(())


def another_scene(panel, inputs):
    panel.host.scene.Clear(False)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (a_series, an_image_of_the_scene),
        *((first, then) for first in (a_series, a_study) for then in (the_scenes_images, another_study, another_scene)),
    ],
)
def test_what_is_read_of_the_database_comes_too_late_for_who_has_chosen_something_else(panel, late_series, first, then):
    inputs = panel.widget.panel._inputs
    first(inputs)
    then(panel, inputs)
    late_series.append("known")
    wait_until(lambda: SERIES.series_uid in late_series, timeout=60)
    panel.settle()
    assert inputs._series == {}
    assert inputs._study == ()


def test_a_series_that_is_chosen_while_its_study_is_read_stays_chosen(panel, late_series, monkeypatch):
    inputs = panel.widget.panel._inputs
    monkeypatch.setattr(panel.widget.panel._watch, "_on_change", lambda: None)
    a_series(inputs)
    a_study(inputs)
    a_series(inputs)
    late_series.append("known")
    wait_until(lambda: late_series.count(SERIES.series_uid) == 3, timeout=60)
    assert [*inputs._series] == [T1]
    assert len(inputs._study) == 1
    inputs.forget()


def test_a_question_goes_when_it_would_be_answered_for_another_choice_of_frames(panel):
    from MedAISegLib.slicer_ui.run_control import Plan

    runs, plan = panel.widget.panel._runs, Plan(cards()[0], {}, Output(), Frames.ONE, None, {}, ())
    runs.refresh((plan,))
    asked_in(panel, runs.view.messages, "run")
    runs.refresh((replace(plan, frames=Frames.ALL),))
    assert panel.message("run") == ""


def test_an_export_that_ends_with_its_process_says_so(panel):
    panel.ui.resultsSection.collapsed = False
    panel.widget.panel._results._exports._failed(Cancelled())
    panel.settle()
    assert "Stopped" in panel.message("result")


def test_a_segmentation_that_was_deleted_since_the_question_is_not_written(panel, monkeypatch, tmp_path):
    from MedAISegLib.slicer_ui.results_view import ExportKind

    written = []
    monkeypatch.setattr(panel.session, "export", lambda *_, **options: written.append(options))
    panel.ui.resultsSection.collapsed = False
    node = panel.host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    panel.widget.panel._results._exports._write(node, ExportKind.NIFTI, tmp_path, overwrite=False)
    written.pop()["on_error"](UsageError("it is there."))
    panel.settle()
    panel.host.scene.RemoveNode(node)
    panel.click("resultMessageYesButton")
    assert written == []
    assert "deleted" in panel.message("result")


def test_models_that_are_listed_later_do_not_change_what_apply_runs(panel, monkeypatch):
    known = panel.session.models()
    assert known[0].name in panel.ui.modelSummaryLabel.text
    monkeypatch.setattr(panel.session, "models", lambda: known[1:] + known[:1])
    monkeypatch.setattr(panel.session, "read_catalogue", lambda **_: None)
    models = panel.widget.panel._models
    models.load()
    assert models.chosen().selected is known[0]
    monkeypatch.setattr(panel.session, "models", lambda: known[1:])
    models.load()
    assert models.chosen().selected is known[1], "the first one is gone"


def installed(panel, monkeypatch, meanwhile):
    """The id of the model that is chosen after an archive was imported, and something done while that went on."""
    ended = []
    monkeypatch.setattr(panel.session, "install_model", lambda _request, on_done, **_: ended.append(on_done))
    monkeypatch.setattr(panel.widget.panel._packages, "require", lambda *_: True)
    panel.widget.panel._models._import("/somewhere/slow.zip")
    meanwhile()
    ended[0](InstallReply(("slow",)))
    panel.settle()
    return panel.parameters.GetParameter("Model")


def test_an_import_that_ends_chooses_its_model(panel, monkeypatch):
    assert installed(panel, monkeypatch, meanwhile=panel.settle) == "slow"


def test_an_import_that_ends_leaves_the_model_that_was_chosen_meanwhile(panel, monkeypatch):
    assert installed(panel, monkeypatch, lambda: panel.select("modelTree", "Whole body")) == "many"


def test_an_import_that_ends_leaves_several_that_were_chosen_meanwhile(panel, monkeypatch):
    installed(panel, monkeypatch, lambda: panel.click("severalModelsCheckBox"))
    assert panel.ui.severalModelsCheckBox.checked


def test_what_keeps_the_worker_from_starting_is_shown_as_long_as_it_does(panel):
    panel.ui.advancedSection.collapsed = False
    wait_until(lambda: "A large GPU" in panel.ui.deviceSelector.itemText(1), timeout=60)
    panel.ui.pythonPath.currentPath = "/nowhere/python"
    panel.ui.advancedSection.collapsed = True
    panel.ui.advancedSection.collapsed = False
    wait_until(lambda: "/nowhere/python" in panel.ui.workerLabel.text, timeout=60)
    panel.widget.panel._show_progress()
    assert "/nowhere/python" in panel.ui.workerLabel.text
    panel.click("restartWorkerButton")
    wait_until(lambda: "not started" in panel.ui.workerLabel.text, timeout=60)
