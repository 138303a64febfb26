"""A volume that is a frame of a sequence: this frame or all, by the panel."""

from __future__ import annotations

import pytest

from Testing.host.panel import panel
from Testing.host.runs_in_scene import bright_volume
from Testing.host.test_console_logic import volume_sequence

__all__ = ["panel"]


@pytest.fixture
def sequence(panel):
    volume, browser, _ = volume_sequence(panel.host.scene)
    panel.settle()
    return volume, browser


def test_the_choice_of_frames_is_there_only_for_a_sequence(panel):
    bright_volume(panel.host.scene, "alone")
    panel.settle()
    assert not panel.ui.framesRow.visible
    volume, _, _ = volume_sequence(panel.host.scene)
    panel.settle()
    panel.choose("inputSelector0", volume.GetName())
    assert panel.ui.framesRow.visible
    assert panel.ui.allFramesButton.text == "all 3 frames"
    assert panel.ui.oneFrameButton.checked


def test_all_frames_go_into_a_new_sequence_and_the_browser_stays(panel, sequence):
    _, browser = sequence
    panel.host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "of somebody else")
    panel.click("allFramesButton")
    assert not panel.ui.outputSelector.enabled
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].error is None
    node = panel.ui.resultSelector.currentNode()
    assert browser.GetSequenceNode(node).GetNumberOfDataNodes() == 3
    assert browser.GetSelectedItemNumber() == 1
    assert [row[0] for row in panel.rows("resultTree")] == ["Bright", "Brightest"]
    panel.click("oneFrameButton")
    assert panel.ui.outputSelector.enabled
