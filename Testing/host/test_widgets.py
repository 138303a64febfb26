"""What a user does with the stand-ins: clicks, selections, undo; and what the views show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.host.driver import click, process_events


@pytest.fixture
def segmentation(slicer_app: Any) -> Any:
    """Two segments of one box in a volume of 20×30×40 voxels (z, y, x), one voxel 1 mm³."""
    import slicer

    values = np.zeros((20, 30, 40), np.int16)
    values[5:15, 8:20, 10:30] = 100
    volume = slicer.util.addVolumeFromArray(values, name="vol")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "seg")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, last in (("Liver", 30), ("Tumour", 20)):
        mask = (values > 0).astype(np.uint8)
        mask[:, :, last:] = 0
        segment_id = node.GetSegmentation().AddEmptySegment(name, name, [1.0, 0.0, 0.0])
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    return node


@pytest.fixture
def table(slicer_app: Any, segmentation: Any) -> Any:
    import slicer

    view = slicer.qMRMLSegmentsTableView()
    view.setMRMLScene(slicer.mrmlScene)
    view.setSegmentationNode(segmentation)
    view.resize(400, 200)
    view.show()
    process_events()
    yield view
    view.hide()


def _click_cell(view: Any, row: int, column: int) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from Testing.host.pythonqt import unwrap

    native = unwrap(view.tableWidget())
    place = native.visualRect(native.model().index(row, column)).center()
    QTest.mouseClick(native.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    process_events()


def test_a_click_on_the_eye_hides_the_segment(table, segmentation):
    _click_cell(table, 0, 0)
    display = segmentation.GetDisplayNode()
    assert [bool(display.GetSegmentVisibility(name)) for name in ("Liver", "Tumour")] == [False, True]


def test_a_click_on_the_mark_steps_the_status(table, segmentation):
    import slicer

    _click_cell(table, 1, 5)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    statuses = [logic.GetSegmentStatus(segmentation.GetSegmentation().GetSegment(name)) for name in ("Liver", "Tumour")]
    assert statuses == [logic.NotStarted, logic.InProgress]


def test_a_name_typed_into_the_table_is_the_segments_name(table, segmentation):
    from Testing.host.pythonqt import unwrap

    told: list[str] = []
    table.connect("segmentAboutToBeModified(QString)", told.append)
    model = unwrap(table.tableWidget()).model()
    model.setData(model.index(0, 3), "Foie")
    assert (segmentation.GetSegmentation().GetSegment("Liver").GetName(), told) == ("Foie", ["Liver"])


def test_the_table_follows_the_segmentation(table, segmentation):
    segmentation.GetSegmentation().RemoveSegment("Liver")
    segmentation.GetSegmentation().AddEmptySegment("Kidney", "Kidney")
    segmentation.GetSegmentation().SetSegmentIndex("Kidney", 0)
    assert table.displayedSegmentIDs() == ("Kidney", "Tumour")
    table.textFilter = "tum"
    assert table.displayedSegmentIDs() == ("Tumour",)


def test_show_3d_makes_the_surfaces_and_takes_them_away(slicer_app, segmentation):
    import slicer

    button = slicer.qMRMLSegmentationShow3DButton()
    button.setSegmentationNode(segmentation)
    button.resize(200, 30)
    button.show()
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    for expected in (True, False):
        click(button)
        assert segmentation.GetSegmentation().ContainsRepresentation(surface) is expected
    button.hide()


def test_the_segment_editor_undoes_what_was_done_after_a_saved_state(slicer_app, segmentation):
    import slicer

    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    assert editor.segmentationNode() is segmentation
    before = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "Tumour").sum()
    editor.saveStateForUndo()
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.zeros((20, 30, 40), np.uint8), segmentation, "Tumour")
    editor.undo()
    assert slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "Tumour").sum() == before


def test_an_effect_of_the_segment_editor_is_not_invented(slicer_app):
    import slicer

    from Testing.host.pythonqt import NotModelled

    with pytest.raises(NotModelled):
        slicer.qMRMLSegmentEditorWidget().setActiveEffectByName("Paint")
    slicer_app.ledger.clear()


def test_segment_statistics_gives_volumes_and_means_under_slicers_keys(slicer_app, segmentation):
    import SegmentStatistics
    import slicer

    logic = SegmentStatistics.SegmentStatisticsLogic()
    parameters = logic.getParameterNode()
    parameters.SetParameter("Segmentation", segmentation.GetID())
    parameters.SetParameter("ScalarVolume", slicer.util.getNode("vol").GetID())
    parameters.SetParameter("LabelmapSegmentStatisticsPlugin.centroid_ras.enabled", "True")
    logic.computeStatistics()
    found = logic.getStatistics()
    assert found["SegmentIDs"] == ["Liver", "Tumour"]
    assert found["Tumour", "LabelmapSegmentStatisticsPlugin.volume_mm3"] == 1200.0
    assert found["Tumour", "ScalarVolumeSegmentStatisticsPlugin.mean"] == 100.0
    assert found["Tumour", "LabelmapSegmentStatisticsPlugin.centroid_ras"] == pytest.approx([14.5, 13.5, 9.5])


def test_the_sample_data_panel_calls_the_function_that_was_registered(slicer_app):
    import SampleData
    import slicer

    asked = []
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Mine", sampleName="Drawn", uris="", fileNames="", nodeNames="x", customDownloader=asked.append
    )
    slicer.util.selectModule("SampleData")
    slicer.util.findChild(slicer.util.mainWindow(), "DrawnPushButton").click()
    assert [source.sampleName for source in asked] == ["Drawn"]


def test_a_selector_without_actions_takes_the_first_node_that_comes(slicer_app):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.addEnabled = selector.removeEnabled = False
    selector.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "first")
    assert selector.currentNode() is node


def test_the_subject_hierarchy_shows_folders_nodes_and_what_is_selected(slicer_app):
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "vol")
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), folder)
    combo, tree = slicer.qMRMLSubjectHierarchyComboBox(), slicer.qMRMLSubjectHierarchyTreeView()
    told: list[Any] = []
    tree.connect("currentNodeChanged(vtkMRMLNode*)", told.append)
    for widget in (combo, tree):
        widget.setMRMLScene(slicer.mrmlScene)
        widget.setCurrentNode(volume)
    assert (tree.displayedItemCount(), combo.defaultText) == (2, "Study / vol")
    assert told[-1] is volume
    slicer.mrmlScene.RemoveNode(volume)
    assert combo.currentItem() == 0


def test_stand_ins_leave_no_observer_behind(slicer_app, segmentation):
    """Five tables and selectors that come and go leave the scene and the node as they were."""
    import slicer
    from PySide6.QtCore import QCoreApplication, QEvent

    def observers() -> tuple[int, int]:
        return str(slicer.mrmlScene).count("Command"), str(segmentation).count("Command")

    before = observers()
    for _ in range(5):
        for kind in ("qMRMLSegmentsTableView", "qMRMLNodeComboBox", "qMRMLSegmentSelectorWidget"):
            widget = getattr(slicer, kind)()
            widget.setMRMLScene(slicer.mrmlScene)
            widget.deleteLater()
            del widget
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert observers() == before


def _picture(window: Any, file: Path) -> np.ndarray:
    from PySide6.QtGui import QImage

    from Testing.host.widgets.rendering import write_picture

    write_picture(window, file)
    image = QImage(str(file)).convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3)


def test_a_slice_view_shows_the_volume_below_the_segments(slicer_app, segmentation, tmp_path):
    import slicer

    slicer.util.setSliceViewerLayers(background=slicer.util.getNode("vol"), fit=True)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    view.forceRender()
    picture = _picture(view.renderWindow(), tmp_path / "slice.png").astype(int)
    red = (picture[..., 0] > picture[..., 1] + 40) & (picture[..., 0] > picture[..., 2] + 40)
    assert 0.05 < red.mean() < 0.6
    assert picture[red][:, 1].mean() > 60, "the segment hides the bright volume below it"


def test_the_3d_view_shows_the_surfaces(slicer_app, segmentation, tmp_path):
    import slicer

    segmentation.CreateClosedSurfaceRepresentation()
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    slicer.util.resetThreeDViews()
    view.forceRender()
    picture = _picture(view.renderWindow(), tmp_path / "surfaces.png").astype(int)
    red = (picture[..., 0] > picture[..., 1] + 60) & (picture[..., 0] > picture[..., 2] + 60)
    assert red.mean() > 0.02
