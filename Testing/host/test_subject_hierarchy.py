"""Items that the application's plugins make for nodes and segments."""

from __future__ import annotations


def _children(hierarchy, parent):
    import vtk

    found = vtk.vtkIdList()
    hierarchy.GetItemChildren(parent, found)
    return [found.GetId(index) for index in range(found.GetNumberOfIds())]


def test_a_node_has_an_item_that_goes_with_it(slicer_app):
    import slicer

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
    item = hierarchy.GetItemByDataNode(volume)
    assert item
    assert hierarchy.GetItemOwnerPluginName(item) == "Volumes"
    slicer.mrmlScene.RemoveNode(volume)
    assert hierarchy.GetItemByDataNode(volume) == 0


def test_the_hierarchy_is_another_node_after_the_scene_was_closed(slicer_app):
    import slicer

    before = slicer.mrmlScene.GetSubjectHierarchyNode()
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.GetSubjectHierarchyNode() is not before
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "v")
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByDataNode(volume)


def test_segments_are_items_below_their_segmentation(slicer_app):
    import slicer

    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "s")
    segmentation = node.GetSegmentation()
    first = segmentation.AddEmptySegment("", "Liver")
    segmentation.AddEmptySegment("", "Spleen")
    item = hierarchy.GetItemByDataNode(node)
    assert [hierarchy.GetItemName(child) for child in _children(hierarchy, item)] == ["Liver", "Spleen"]
    segmentation.GetSegment(first).SetName("Left lobe")
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(1))
    assert [hierarchy.GetItemName(child) for child in _children(hierarchy, item)] == ["Left lobe"]


def test_hidden_nodes_have_no_item(slicer_app):
    import slicer

    node = slicer.vtkMRMLModelNode()
    node.SetHideFromEditors(True)
    slicer.mrmlScene.AddNode(node)
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByDataNode(node) == 0
