"""The panel and the scene: saved, closed, restored, changed while a run goes on; the module reloaded."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from MedAISegLib.slicer_io.runs import RunState

from Testing.host.driver import from_the_loop, spin, wait_until
from Testing.host.leftovers import observers, timers
from Testing.host.panel import ThePanel, panel
from Testing.host.runs_in_scene import bright_volume, gone_soon, one_piece_a_tick, segment_names, segmentations

__all__ = ["panel"]


@pytest.fixture
def volume(panel):
    node = bright_volume(panel.host.scene)
    panel.settle()
    return node


def run_is_under_way(panel):
    panel.click("applyButton")
    wait_until(lambda: panel.ui.progressBar.visible and panel.session.runs[-1].state.value == "running", timeout=200)


def test_choices_come_back_with_the_scene(panel, volume, tmp_path):
    import slicer

    other = bright_volume(panel.host.scene, "other")
    panel.settle()
    panel.choose("inputSelector0", "other")
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    panel.choose("flipsSelector", "always")
    panel.click("keepLargestCheckBox")
    panel.tick("labelTree", "Nothing", ticked=False)
    panel.ui.regionSection.collapsed = False
    panel.settle()
    panel.click("drawRegionButton")
    path = tmp_path / "scène.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    panel.settle()
    assert panel.ui.welcomeFrame.visible
    assert panel.ui.flipsSelector.currentText == "as the model says"
    assert panel.ui.regionSelector.currentNode() is None
    slicer.util.loadScene(str(path))
    panel.settle()
    assert panel.find("inputSelector0").currentText == "other"
    assert panel.ui.flipsSelector.currentText == "always"
    assert panel.ui.keepLargestCheckBox.checked
    assert panel.ui.labelsGroup.title == "Structures: 2 of 3"
    assert panel.ui.regionSelector.currentNode() is not None
    assert other is not None


def test_after_closing_the_scene_everything_has_its_default(panel, volume):
    import slicer

    panel.select("modelTree", "Whole body")
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    panel.click("keepLargestCheckBox")
    slicer.mrmlScene.Clear(0)
    panel.settle()
    assert not panel.ui.keepLargestCheckBox.checked
    assert panel.ui.modelTree.selectedItems()[0].text(0) == "Bright things"
    bright_volume(slicer.mrmlScene)
    panel.settle()
    assert panel.ui.applyButton.enabled


def test_neither_paths_nor_uids_are_written_into_the_parameter_node(panel, volume):
    panel.click("severalModelsCheckBox")
    panel.tick("modelTree", "Whole body", ticked=True)
    values = [panel.parameters.GetParameter(name) for name in panel.parameters.GetParameterNames()]
    assert not [value for value in values if "1.2." in value or os.sep in value]


def test_the_machines_choices_are_kept_by_the_application_and_not_by_the_scene(panel, volume):
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    wait_until(lambda: panel.ui.deviceSelector.count == 3, timeout=100)
    panel.choose("deviceSelector", "A large GPU (cuda:0), 11.0 GB free")
    assert panel.session.settings.device == "cuda:0"
    panel.click("offlineCheckBox")
    assert panel.session.settings.offline
    names = panel.parameters.GetParameterNames()
    assert not [name for name in names if "device" in name.lower() or "offline" in name.lower()]


def test_closing_the_scene_while_a_run_goes_on_leaves_an_empty_scene(panel, volume):
    import slicer

    panel.select("modelTree", "Model that slow")
    run_is_under_way(panel)
    slicer.mrmlScene.Clear(0)
    panel.wait_for_runs()
    assert segmentations(slicer.mrmlScene) == []
    assert "scene was closed" in panel.message("run")
    assert not panel.ui.cancelButton.enabled


def test_painting_into_the_output_while_a_run_goes_on_is_not_overwritten(panel, volume):
    import slicer

    panel.click("applyButton")
    panel.wait_for_runs()
    (node,) = segmentations(slicer.mrmlScene)
    panel.ui.outputSelector.setCurrentNode(node)
    panel.settle()
    with one_piece_a_tick():
        panel.ui.applyButton.click()
        run = panel.session.runs[-1]
        wait_until(lambda: run.state is RunState.SENDING or run.is_finished, timeout=120, interval=0.001)
    assert run.state is RunState.SENDING
    segment_id = node.GetSegmentation().GetSegmentIDs()[0]
    painted = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume) * 0
    painted[0, 0, :5] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted.astype(np.uint8), node, segment_id, volume)
    panel.wait_for_runs()
    now = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)
    np.testing.assert_array_equal(now, painted)


def test_five_reloads_leave_no_process_observer_or_timer_more(panel, volume):
    import slicer

    panel.click("applyButton")
    panel.wait_for_runs()
    pid = panel.session.client.pid
    left = []
    for _ in range(5):
        from_the_loop(lambda: slicer.util.reloadScriptedModule("MedAISeg"))
        panel = ThePanel(panel.host)
        panel.settle()
        left.append((observers(slicer.mrmlScene), timers()))
    assert gone_soon(pid)
    # After the first the session is a fresh one, as after all others.
    assert len(set(left[1:])) == 1, left
    assert panel.session.client.pid is None or panel.session.client.pid != pid
    assert segment_names(panel.ui.resultSelector.currentNode()) == ["Bright", "Brightest"]
    panel.host.enter("MedAISeg")
    assert panel.ui.applyButton.enabled


def test_reloading_takes_the_package_anew_and_the_old_panel_lets_go(panel, volume):
    import slicer

    before = sys.modules["MedAISegLib.slicer_ui.panel"]
    old = panel.widget.panel
    slicer.util.reloadScriptedModule("MedAISeg")
    assert sys.modules["MedAISegLib.slicer_ui.panel"] is not before
    refreshed = []
    old.refresh = lambda: refreshed.append(1)
    bright_volume(slicer.mrmlScene, "another")
    spin(0.3)
    assert refreshed == []


def test_the_applications_end_disturbs_no_panel_that_was_closed_before(panel):
    """A slot that raises at the application's end makes ctest fail."""
    import slicer

    another = slicer.util.getNewModuleWidget("MedAISeg")
    another.enter()
    from_the_loop(another.cleanup)
    slicer.app.moduleManager().moduleAboutToBeUnloaded("MedAISeg")
    assert panel.host.ledger.failures() == []


def test_the_panel_takes_nothing_of_the_engine_into_the_process(panel, volume):
    panel.click("applyButton")
    panel.wait_for_runs()
    panel.click("revertButton")
    ours = [name for name in sys.modules if name.startswith("MedAISegLib.")]
    assert not [name for name in ours if ".engine" in name or ".formats" in name]


def test_a_node_that_takes_another_along_is_being_removed_until_it_is_gone_itself(slicer_app, scene):
    import qt
    from MedAISegLib.slicer_ui.scene_watch import SceneWatch

    parent = qt.QWidget()
    watch, seen = SceneWatch(parent, lambda: None), []
    first, second = (scene.AddNewNodeByClass("vtkMRMLTextNode") for _ in range(2))

    def take_along(_scene, _event):
        if second.GetScene() is not None:
            scene.RemoveNode(second)

    observers = [
        scene.AddObserver(scene.NodeRemovedEvent, take_along, 1.0),
        scene.AddObserver(scene.NodeRemovedEvent, lambda _scene, _event: seen.append(watch.is_removing), -1.0),
    ]
    scene.RemoveNode(first)
    assert seen == [True, True]
    assert not watch.is_removing
    watch.close()
    for observer in observers:
        scene.RemoveObserver(observer)
