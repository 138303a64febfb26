"""Cancel by a click of its button, wherever the run is: the scene is as it was, and the next run works."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.provenance_tags import CHECKSUM, LABEL_VALUE, MODEL_ID, SEGMENT_NAME
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.runs import RunState

from Testing.host.dicom_cases import import_into
from Testing.host.driver import wait_until
from Testing.host.panel import panel
from Testing.host.runs_in_scene import bright_volume, census, one_piece_a_tick, segmentations

__all__ = ["panel"]


@pytest.fixture
def volume(panel):
    node = bright_volume(panel.host.scene, shape=(30, 20, 24))
    panel.settle()
    return node


def everything(scene):
    """Each node, and of segmentations every voxel and tag."""
    import slicer

    found = []
    for node in segmentations(scene):
        found.append([(name, node.GetAttribute(name)) for name in node.GetAttributeNames()])
        for segment_id in node.GetSegmentation().GetSegmentIDs():
            segment = node.GetSegmentation().GetSegment(segment_id)
            voxels = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, segment_id)
            tags = [read_tag(segment, tag) for tag in (MODEL_ID, SEGMENT_NAME, LABEL_VALUE, CHECKSUM)]
            found.append((segment_id, segment.GetName(), segment.GetLabelValue(), voxels.tobytes(), tags))
    return census(scene), found


def cancel(panel):
    """A click; it stops a worker that would go on for a minute."""
    panel.click("cancelButton")
    wait_until(lambda: all(run.is_finished for run in panel.session.runs), timeout=60)
    panel.settle()


def apply_until(panel, state):
    panel.ui.applyButton.click()
    run = panel.session.runs[-1]
    wait_until(lambda: run.state is state or run.is_finished, timeout=120, interval=0.001)
    assert run.state is state
    return run


def cancelled(panel, at):
    """A run that is cancelled in a state and leaves everything as it was."""
    before = everything(panel.host.scene)
    with one_piece_a_tick():
        run = apply_until(panel, at)
        cancel(panel)
    assert run.state is RunState.CANCELLED
    assert everything(panel.host.scene) == before
    return run


def next_run(panel):
    panel.select("modelTree", "Bright things")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].state is RunState.DONE
    return panel.session.runs[-1]


@pytest.mark.parametrize(
    ("model", "at"),
    [("Bright things", RunState.SENDING), ("Model that slow", RunState.RUNNING), ("Bright things", RunState.PLACING)],
)
def test_cancel_leaves_the_scene_as_it_was_in_every_state(panel, volume, model, at):
    panel.select("modelTree", model)
    cancelled(panel, at)
    assert "cancelled" in panel.message("run")
    assert not panel.ui.cancelButton.enabled
    assert next_run(panel).node is not None


@pytest.fixture
def output(panel, volume):
    """What an earlier run has made, with a segment that was painted since and one that was drawn, as the output."""
    import slicer

    panel.click("applyButton")
    panel.wait_for_runs()
    (node,) = segmentations(panel.host.scene)
    content = node.GetSegmentation()
    content.AddEmptySegment("drawn", "Drawn by hand")
    painted = np.zeros((30, 20, 24), np.uint8)
    painted[3:7, 4:9, 5:20] = 1
    for segment_id in ("drawn", content.GetSegmentIdBySegmentName("Brightest")):
        slicer.util.updateSegmentBinaryLabelmapFromArray(painted, node, segment_id, volume)
        painted = painted[::-1].copy()
    panel.ui.outputSelector.setCurrentNode(node)
    panel.settle()
    panel.click("overwriteEditedCheckBox")
    return node


@pytest.mark.parametrize(
    ("button", "model", "at"),
    [
        ("replaceButton", "Bright things", RunState.SENDING),
        ("updateButton", "Model that slow", RunState.RUNNING),
        ("replaceButton", "Bright things", RunState.PLACING),
    ],
)
def test_cancel_leaves_an_existing_output_to_the_bit_in_every_state(panel, output, button, model, at):
    panel.select("modelTree", model)
    panel.click(button)
    before = everything(panel.host.scene)
    assert cancelled(panel, at).request.output.node_id == output.GetID()
    assert next_run(panel).node is output
    panel.click("revertButton")
    assert everything(panel.host.scene) == before


@pytest.mark.parametrize("model", ["Model that slow", "Model that deaf"])
def test_cancel_stops_a_worker_whether_it_listens_or_not_and_all_that_waits_behind_it(panel, output, model):
    panel.select("modelTree", model)
    before = everything(panel.host.scene)
    panel.click("applyButton")
    panel.click("applyButton")
    running, waiting = panel.session.runs[-2:]
    wait_until(lambda: running.progress is not None and running.state is RunState.RUNNING, timeout=120)
    assert waiting.state is RunState.QUEUED
    cancel(panel)
    assert (running.state, waiting.state) == (RunState.CANCELLED, RunState.CANCELLED)
    assert everything(panel.host.scene) == before


def test_cancel_between_the_series_that_are_loaded_leaves_none_of_them(panel, shared_data, tmp_path):
    import_into(tmp_path / "db", shared_data / "brain_mr_dicom" / "study1")
    panel.select("modelTree", "Brain tumour of four sequences")
    panel.choose("inputSelector0", "from the DICOM database")
    panel.click("matchStudyButton")
    wait_until(lambda: "DICOM database" in panel.find("inputSelector3").currentText, timeout=100)
    before = census(panel.host.scene)
    with one_piece_a_tick():
        run = apply_until(panel, RunState.LOADING)
        wait_until(lambda: census(panel.host.scene) != before, timeout=60, interval=0.001)
        assert run.state is RunState.LOADING
        # What is being loaded blocks the application; the click comes after it.
        cancel(panel)
    assert run.state is RunState.CANCELLED
    assert census(panel.host.scene) == before
