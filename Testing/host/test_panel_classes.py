"""Classification models in the panel: what they say in the Results section and in a table of the scene."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.class_table import classification_of_node
from MedAISegLib.slicer_io.runs import RunState
from MedAISegLib.slicer_io.volume_node import volume_to_node

from Testing.host.driver import wait_until
from Testing.host.panel import panel
from Testing.host.runs_in_scene import bright_volume, census, segmentations
from Testing.stopwatch import Stopwatch

__all__ = ["panel"]


def radiograph(scene, name="Radiograph", slices=1):
    """Above 50 in a quarter of the first slice, in none of the others."""
    voxels = np.zeros((slices, 40, 32), np.int16)
    voxels[0, :20, :16] = 100
    return volume_to_node(Volume(voxels, VolumeGeometry(voxels.shape, np.diag([1.0, 0.5, 0.5, 1.0]))), scene, name)


@pytest.fixture
def image(panel):
    node = radiograph(panel.host.scene)
    panel.settle()
    panel.select("modelTree", "Chest classes")
    return node


def tables(scene):
    count = scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    return [scene.GetNthNodeByClass(n, "vtkMRMLTableNode") for n in range(count)]


def classified(panel):
    panel.click("applyButton")
    panel.wait_for_runs()
    (table,) = tables(panel.host.scene)
    return table


def shown(panel):
    return panel.rows("classTree") if panel.ui.classTree.visible else []


def test_the_list_says_that_a_model_classifies_and_what(panel, image):
    assert ["Chest classes", "ready, classifies"] in panel.rows("modelTree")
    assert "Says how probable each is: dark, bright" in panel.ui.modelSummaryLabel.text


def test_a_single_slice_is_run_without_a_question(panel, image):
    assert panel.ui.applyButton.enabled
    classified(panel)
    assert panel.message("run") == ""


def test_classes_and_probabilities_are_listed_and_lie_in_the_scene(panel, image):
    table = classified(panel)
    assert shown(panel) == [["Radiograph", ""], ["dark", "75.0 %"], ["bright", "25.0 %"]]
    assert panel.ui.resultSelector.currentNode() is table
    assert table.GetName() == "Radiograph - Bright things"
    content = table.GetTable()
    assert [content.GetColumnName(n) for n in range(content.GetNumberOfColumns())] == [
        "Image",
        "Best",
        "dark",
        "bright",
    ]
    assert [content.GetValue(0, n).ToString() for n in range(2)] == ["Radiograph", "dark"]
    assert [content.GetValue(0, n).ToDouble() for n in (2, 3)] == [0.75, 0.25]
    assert segmentations(panel.host.scene) == []
    assert "Bright things 1" in panel.ui.provenanceLabel.text


def test_each_slice_of_a_volume_is_an_image(panel):
    radiograph(panel.host.scene, slices=5)
    panel.settle()
    panel.select("modelTree", "Chest classes")
    table = classified(panel)
    tops = [row for row in shown(panel) if "slice" in row[0]]
    assert tops[0] == ["Radiograph, slice 1", "dark  75.0 %"]
    assert [row[0] for row in tops] == [f"Radiograph, slice {n}" for n in range(1, 6)]
    assert table.GetTable().GetNumberOfRows() == 5
    assert classification_of_node(table).images[1].best.probability == 1.0


def test_the_table_can_be_copied(panel, image):
    import qt

    classified(panel)
    panel.click("copyTableButton")
    lines = qt.QApplication.clipboard().text().split("\n")
    assert lines == ["Image\tBest\tdark\tbright", "Radiograph\tdark\t0.75\t0.25"]


def test_what_makes_no_sense_is_off_and_says_why(panel, image):
    panel.ui.regionSection.collapsed = False
    panel.ui.advancedSection.collapsed = False
    panel.settle()
    off = (
        "outputSelector",
        "labelsGroup",
        "regionSelector",
        "drawRegionButton",
        "flipsSelector",
        "keepLargestCheckBox",
    )
    usual = {}
    for name in off:
        widget = getattr(panel.ui, name)
        assert not widget.enabled, name
        assert "Chest classes says what an image shows as a whole" in widget.toolTip
    panel.select("modelTree", "Bright things")
    for name in off:
        widget = getattr(panel.ui, name)
        assert widget.enabled, name
        assert "whole:" not in widget.toolTip
        usual[name] = widget.toolTip
    assert all(usual.values())


def test_nothing_is_exported_edited_or_shown_in_3d_of_classes(panel, image):
    classified(panel)
    for name in ("exportButton", "editButton", "show3DButton"):
        button = getattr(panel.ui, name)
        assert not button.enabled
        assert "A classification has no segments" in button.toolTip
    assert panel.ui.copyTableButton.enabled
    bright_volume(panel.host.scene)
    panel.settle()
    panel.select("modelTree", "Bright things")
    panel.choose("inputSelector0", "T1")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.ui.exportButton.enabled
    assert "segments" in panel.ui.exportButton.toolTip
    assert not panel.ui.classTree.visible


def test_a_region_does_not_limit_a_classification(panel, image):
    panel.select("modelTree", "Bright things")
    panel.ui.regionSection.collapsed = False
    panel.settle()
    panel.click("drawRegionButton")
    panel.select("modelTree", "Chest classes")
    classified(panel)
    assert panel.session.runs[-1].request.region is None


def test_the_result_survives_the_scene(panel, image, tmp_path):
    import slicer

    classified(panel)
    before = shown(panel)
    assert slicer.util.saveScene(str(tmp_path / "scène.mrb"))
    slicer.mrmlScene.Clear(0)
    panel.settle()
    assert shown(panel) == []
    slicer.util.loadScene(str(tmp_path / "scène.mrb"))
    panel.settle()
    (table,) = tables(slicer.mrmlScene)
    assert panel.ui.resultSelector.currentNode() is table
    assert shown(panel) == before
    assert table.GetTable().GetValue(0, 3).ToDouble() == 0.25
    assert "Bright things 1" in panel.ui.provenanceLabel.text


def test_it_can_be_taken_back(panel, image):
    before = census(panel.host.scene)
    classified(panel)
    panel.click("revertButton")
    assert census(panel.host.scene) == before
    assert shown(panel) == []


def test_other_tables_of_the_scene_are_no_results(panel, image):
    panel.host.scene.AddNewNodeByClass("vtkMRMLTableNode", "Mine")
    panel.settle()
    assert panel.ui.resultSelector.nodeCount() == 0


def under_way(panel, model):
    panel.select("modelTree", model)
    panel.click("applyButton")
    wait_until(lambda: panel.ui.progressBar.visible and panel.session.runs[-1].state is RunState.RUNNING, timeout=200)


def test_cancel_leaves_the_scene_as_it_was(panel, image):
    before = census(panel.host.scene)
    under_way(panel, "Slow classes")
    cancelled = Stopwatch(panel.session.client.pid)
    panel.click("cancelButton")
    wait_until(lambda: not panel.ui.cancelButton.enabled, timeout=60)
    assert cancelled.seconds() < 1.5
    panel.settle()
    assert census(panel.host.scene) == before
    assert "cancelled" in panel.message("run")


def test_a_failure_is_explained_and_the_next_apply_works(panel, image):
    before = census(panel.host.scene)
    panel.select("modelTree", "Bad classes")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert len(panel.message("run")) > 20
    assert census(panel.host.scene) == before
    panel.select("modelTree", "Chest classes")
    classified(panel)
    assert panel.message("run") == ""


def test_closing_the_scene_meanwhile_leaves_it_empty(panel, image):
    import slicer

    under_way(panel, "Slow classes")
    slicer.mrmlScene.Clear(0)
    panel.wait_for_runs()
    assert tables(slicer.mrmlScene) == []
    assert "scene was closed" in panel.message("run")


def test_an_image_that_is_deleted_meanwhile_has_its_classes_all_the_same(panel, image):
    under_way(panel, "Slow classes")
    panel.host.scene.RemoveNode(image)
    panel.wait_for_runs()
    (table,) = tables(panel.host.scene)
    assert classification_of_node(table).images[0].image == "Radiograph"
    assert "deleted while the run went on" in panel.message("run")


def test_ticked_with_a_model_that_segments_each_gives_its_own(panel):
    bright_volume(panel.host.scene)
    panel.settle()
    panel.click("severalModelsCheckBox")
    panel.tick("modelTree", "Chest classes", ticked=True)
    assert panel.ui.outputSelector.enabled
    panel.click("applyButton")
    panel.wait_for_runs()
    assert len(segmentations(panel.host.scene)) == 1
    assert len(tables(panel.host.scene)) == 1
