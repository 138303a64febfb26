"""An existing segmentation as output: what is updated, what stays; a region; the results of what is there."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.host.driver import wait_until
from Testing.host.panel import panel
from Testing.host.panel_worker import HOLD
from Testing.host.runs_in_scene import bright_volume, segment_names, segmentations

__all__ = ["panel"]


@pytest.fixture
def volume(panel):
    node = bright_volume(panel.host.scene)
    panel.settle()
    return node


@pytest.fixture
def output(panel, volume):
    """The segmentation of a first run, chosen as output of the next."""
    panel.click("applyButton")
    panel.wait_for_runs()
    (node,) = segmentations(panel.host.scene)
    panel.ui.outputSelector.setCurrentNode(node)
    panel.settle()
    return node


def mask(node, name, volume):
    import slicer

    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName(name)
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume).copy()


def paint(node, name, volume):
    import slicer

    segment_id = node.GetSegmentation().GetSegmentIdBySegmentName(name)
    painted = mask(node, name, volume).astype(np.uint8) * 0
    painted[1, 2, 3:9] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted, node, segment_id, volume)
    return painted


def test_an_edited_segment_is_named_and_kept(panel, output, volume):
    painted = paint(output, "Bright", volume)
    panel.settle()
    wait_until(lambda: ["Bright", "edited, stays"] in panel.rows("existingSegmentsTree"), timeout=100)
    panel.click("applyButton")
    panel.wait_for_runs()
    np.testing.assert_array_equal(mask(output, "Bright", volume), painted)
    assert mask(output, "Brightest", volume).sum() > 0
    assert "Bright" in panel.message("result")


def test_an_edited_segment_is_overwritten_where_the_user_wants_it(panel, output, volume):
    before = mask(output, "Bright", volume)
    painted = paint(output, "Bright", volume)
    panel.click("overwriteEditedCheckBox")
    panel.click("applyButton")
    panel.wait_for_runs()
    np.testing.assert_array_equal(mask(output, "Bright", volume), before)
    panel.click("revertButton")
    np.testing.assert_array_equal(mask(output, "Bright", volume), painted)


def test_runs_into_one_output_are_taken_back_one_after_the_other(panel, output, volume):
    first = mask(output, "Bright", volume)
    panel.click("overwriteEditedCheckBox")
    painted = paint(output, "Bright", volume)
    panel.click("applyButton")
    panel.wait_for_runs()
    np.testing.assert_array_equal(mask(output, "Bright", volume), first)
    panel.click("applyButton")
    panel.wait_for_runs()
    panel.click("revertButton")
    np.testing.assert_array_equal(mask(output, "Bright", volume), first)
    panel.click("revertButton")
    np.testing.assert_array_equal(mask(output, "Bright", volume), painted)


def test_an_output_that_is_deleted_is_not_replaced_by_another_one(panel, output):
    panel.host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "of somebody else")
    panel.ui.regionSelector.setCurrentNode(panel.host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R"))
    panel.host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "another R")
    panel.settle()
    panel.host.scene.RemoveNode(panel.ui.regionSelector.currentNode())
    panel.host.scene.RemoveNode(output)
    panel.settle()
    for name in ("outputSelector", "resultSelector", "regionSelector"):
        assert getattr(panel.ui, name).currentNode() is None
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].request.output.node_id == ""


def test_a_segment_without_a_tick_stays(panel, output, volume):
    panel.tick("existingSegmentsTree", "Brightest", ticked=False)
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].request.output.kept == {
        output.GetSegmentation().GetSegmentIdBySegmentName("Brightest")
    }
    assert "Brightest" in panel.message("result")


def test_completed_segments_and_those_of_other_origin_say_that_they_stay(panel, output):
    import slicer

    content = output.GetSegmentation()
    content.AddEmptySegment("mine", "Mine")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetSegmentStatus(content.GetSegment(content.GetSegmentIdBySegmentName("Bright")), logic.Completed)
    output.Modified()
    panel.settle()
    assert panel.rows("existingSegmentsTree") == [
        ["Bright", "completed, stays"],
        ["Brightest", ""],
        ["Mine", "other origin, stays"],
    ]


def test_a_region_limits_the_run_and_leaves_the_rest_to_the_bit(panel, output, volume):
    before = mask(output, "Bright", volume)
    panel.ui.regionSection.collapsed = False
    panel.settle()
    panel.click("drawRegionButton")
    region = panel.ui.regionSelector.currentNode()
    region.SetSize(10.0, 12.0, 14.0)
    panel.settle()
    panel.click("applyButton")
    panel.wait_for_runs()
    request = panel.session.runs[-1].request
    np.testing.assert_allclose(sorted(request.region.size_mm), [10.0, 12.0, 14.0])
    np.testing.assert_array_equal(mask(output, "Bright", volume), before)


def test_a_new_box_is_as_large_as_the_image_and_lies_along_it(panel, volume):
    from MedAISegLib.slicer_io.region_node import region_from_node
    from MedAISegLib.slicer_io.volume_node import node_grid

    panel.ui.regionSection.collapsed = False
    panel.settle()
    panel.click("drawRegionButton")
    box = region_from_node(panel.ui.regionSelector.currentNode())
    start, shape = box.voxel_bounds(node_grid(volume).world)
    assert start == (0, 0, 0)
    assert shape == node_grid(volume).world.shape_kji
    assert box.mask(node_grid(volume).world).all()


def test_a_region_that_is_not_drawn_keeps_apply_from_running(panel, volume):
    panel.ui.regionSelector.setCurrentNode(panel.host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R"))
    panel.settle()
    assert not panel.ui.applyButton.enabled
    assert "not drawn" in panel.ui.applyButton.toolTip


def test_an_edited_result_is_marked_and_can_be_computed_again(panel, output, volume):
    import slicer

    paint(output, "Bright", volume)
    panel.settle()
    wait_until(lambda: panel.rows("resultTree")[0][3] == "edited, changed, recompute", timeout=100)
    assert panel.rows("resultTree")[0][1] == "–"
    panel.click("recomputeButton")
    wait_until(lambda: panel.rows("resultTree")[0][3] == "edited", timeout=100)
    voxel_ml = np.prod(volume.GetSpacing()) / 1000
    assert float(panel.rows("resultTree")[0][1]) == pytest.approx(6 * voxel_ml, abs=0.01)
    panel.click("copyTableButton")
    assert slicer.app.clipboard().text().splitlines()[0] == "Segment\tVolume (mL)\tMean\tState"


def test_surfaces_are_made_and_hidden_again(panel, output):
    panel.click("show3DButton")
    wait_until(lambda: output.GetSegmentation().ContainsRepresentation("Closed surface"), timeout=100)
    panel.settle()
    assert panel.ui.show3DButton.checked
    panel.click("show3DButton")
    assert not output.GetDisplayNode().GetVisibility3D()


def test_the_segment_editor_opens_with_the_segmentation_and_its_image(panel, output, volume):
    import slicer

    panel.click("editButton")
    assert slicer.util.selectedModule() == "SegmentEditor"
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    assert editor.segmentationNode() is output
    assert editor.sourceVolumeNode() is volume


def test_exports_ask_for_a_folder_and_say_what_was_written(panel, output, monkeypatch, tmp_path):
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    actions = {action.text: action for action in panel.ui.exportButton.menu().actions()}
    assert not actions["DICOM segmentation to a folder…"].enabled
    assert "not loaded from DICOM" in actions["DICOM segmentation to a folder…"].toolTip
    actions["Surfaces, STL…"].trigger()
    wait_until(lambda: "Written to" in panel.message("result"), timeout=100)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".stl", ".stl"]
    actions["Surfaces, STL…"].trigger()
    wait_until(lambda: "is there already" in panel.message("result"), timeout=100)
    panel.click("resultMessageYesButton")
    wait_until(lambda: "Written to" in panel.message("result"), timeout=100)
    assert segment_names(output) == ["Bright", "Brightest"]


def test_a_run_that_is_started_during_an_export_does_not_wait_for_it(panel, output, monkeypatch, tmp_path):
    import qt

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path), raising=False)
    (tmp_path / HOLD).touch()
    actions = {action.text: action for action in panel.ui.exportButton.menu().actions()}
    actions["NIfTI label image…"].trigger()
    panel.settle()
    panel.ui.outputSelector.setCurrentNode(None)
    panel.click("applyButton")
    panel.wait_for_runs()
    assert len(segmentations(panel.host.scene)) == 2
    assert not list(tmp_path.glob("*.nii.gz")), "it still waits"
    (tmp_path / HOLD).unlink()
    wait_until(lambda: "Written to" in panel.message("result"), timeout=100)
    assert len(list(tmp_path.glob("*.nii.gz"))) == 1
