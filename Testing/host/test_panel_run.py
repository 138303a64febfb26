"""Apply and Cancel by real clicks: what comes into the scene, and what the panel says when nothing does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from Testing.host.driver import spin, wait_until
from Testing.host.panel import cards, panel
from Testing.host.runs_in_scene import bright_volume, census, segment_names, segmentations
from Testing.stopwatch import Stopwatch

__all__ = ["panel"]


@pytest.fixture
def volume(panel):
    node = bright_volume(panel.host.scene)
    panel.settle()
    return node


def test_apply_waits_for_an_image_and_says_so(panel):
    assert not panel.ui.applyButton.enabled
    assert "Choose an image for T1" in panel.ui.applyButton.toolTip
    bright_volume(panel.host.scene)
    panel.settle()
    assert panel.ui.applyButton.enabled


def test_a_run_ends_with_its_segments_in_the_scene_and_in_the_table(panel, volume):
    panel.ui.resultsSection.collapsed = True
    panel.click("applyButton")
    panel.wait_for_runs()
    (node,) = segmentations(panel.host.scene)
    assert segment_names(node) == ["Bright", "Brightest"]
    assert panel.ui.resultSelector.currentNode() is node
    assert not panel.ui.resultsSection.collapsed
    assert [row[0] for row in panel.rows("resultTree")] == ["Bright", "Brightest"]
    assert panel.rows("resultTree")[0][1] != "–"
    assert panel.ui.notFoundLabel.text == "Not found: Nothing"
    assert "Bright things 1" in panel.ui.provenanceLabel.text


def test_what_was_found_can_be_taken_back(panel, volume):
    before = census(panel.host.scene)
    panel.click("applyButton")
    panel.wait_for_runs()
    panel.click("revertButton")
    assert segmentations(panel.host.scene) == []
    assert census(panel.host.scene) == before
    assert not panel.ui.revertButton.enabled


def test_cancel_stops_within_a_second_and_leaves_the_scene(panel, volume):
    panel.select("modelTree", "Model that slow")
    before = census(panel.host.scene)
    panel.click("applyButton")
    wait_until(lambda: panel.ui.progressBar.visible and panel.ui.progressBar.value > 0, timeout=200)
    cancelled = Stopwatch(panel.session.client.pid)
    panel.click("cancelButton")
    wait_until(lambda: not panel.ui.cancelButton.enabled, timeout=60)
    assert cancelled.seconds() < 1.5
    panel.settle()
    assert census(panel.host.scene) == before
    assert "cancelled" in panel.message("run")
    assert panel.ui.applyButton.enabled


def test_two_presses_make_two_runs_one_after_the_other(panel, volume):
    panel.select("modelTree", "Model that slow")
    panel.click("applyButton")
    panel.click("applyButton")
    wait_until(lambda: [row[1] for row in panel.rows("queueTree")] == ["runs", "waits"], timeout=200)
    panel.click("cancelButton")
    panel.wait_for_runs()
    assert not panel.ui.queueTree.visible


def test_several_ticked_models_run_by_one_apply(panel, volume):
    panel.click("severalModelsCheckBox")
    panel.tick("modelTree", "Model that slow", ticked=True)
    panel.click("applyButton")
    assert [run.request.model for run in panel.session.runs] == ["threshold", "slow"]
    panel.wait_for_runs()
    assert len(segmentations(panel.host.scene)) == 2


@pytest.mark.parametrize("model", ["killed", "dies", "rubbish", "refuses", "full"])
def test_a_failure_is_explained_and_the_next_apply_works(panel, volume, model):
    before = census(panel.host.scene)
    panel.select("modelTree", f"Model that {model}")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert len(panel.message("run")) > 20
    assert census(panel.host.scene) == before
    panel.select("modelTree", "Bright things")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.message("run") == ""
    assert len(segmentations(panel.host.scene)) == 1


def test_a_question_is_asked_in_the_panel_and_answered_there(panel):
    thin = bright_volume(panel.host.scene, "T1 thin", shape=(2, 40, 40))
    panel.settle()
    panel.click("applyButton")
    assert "only 2 slices" in panel.message("run")
    assert panel.session.runs == ()
    panel.click("runMessageYesButton")
    panel.wait_for_runs()
    assert panel.session.runs[0].request.accept
    assert thin is not None


def test_a_question_that_is_declined_runs_nothing(panel):
    bright_volume(panel.host.scene, "T1 thin", shape=(2, 40, 40))
    panel.settle()
    panel.click("applyButton")
    panel.click("runMessageNoButton")
    assert panel.message("run") == ""
    assert panel.session.runs == ()


@pytest.fixture
def asking(panel, volume, monkeypatch):
    """A model whose files have changed since it was listed as ready: the run finds that it is not trusted any more."""
    listed = (*cards(), replace(cards()[0], id="asks", name="Model that asks"))
    monkeypatch.setattr("MedAISegLib.slicer_io.model_services.known_models", lambda: listed)
    panel.widget.panel.enter()
    panel.settle()
    panel.select("modelTree", "Model that asks")
    panel.click("applyButton")
    panel.wait_for_runs()
    wait_until(lambda: panel.message("run"), timeout=60)
    assert segmentations(panel.host.scene) == []
    return panel


def test_trust_that_a_run_finds_missing_is_asked_for_beside_apply_and_then_it_runs(asking):
    assert "run a network of its own" in asking.message("run")
    assert "Trust it only if you know who made it" in asking.message("run")
    asking.click("runMessageYesButton")
    wait_until(lambda: len(asking.session.runs) == 2, timeout=60)
    asking.wait_for_runs()
    assert asking.message("run") == ""
    assert len(segmentations(asking.host.scene)) == 1


def test_a_model_that_is_not_trusted_after_the_question_does_not_run(asking):
    asking.click("runMessageNoButton")
    assert asking.message("run") == ""
    assert len(asking.session.runs) == 1
    asking.click("applyButton")
    asking.wait_for_runs()
    wait_until(lambda: "run a network of its own" in asking.message("run"), timeout=60)
    assert segmentations(asking.host.scene) == []


def test_apply_within_apply_does_nothing_more(panel, volume, monkeypatch):
    submit = panel.session.submit

    def and_again(request):
        panel.ui.applyButton.click()
        return submit(request)

    monkeypatch.setattr(panel.session, "submit", and_again)
    panel.click("applyButton")
    panel.wait_for_runs()
    assert len(panel.session.runs) == 1


def test_the_log_tells_what_the_run_did(panel, volume):
    panel.click("applyButton")
    panel.wait_for_runs()
    spin(0.3)
    assert "Bright things: done" in panel.ui.logText.plainText
