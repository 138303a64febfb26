"""Items of the subject hierarchy, which the application's Qt plugins make for nodes and segments."""

from __future__ import annotations

from typing import Any

_OWNERS = (
    ("vtkMRMLLabelMapVolumeNode", "LabelMaps"),
    ("vtkMRMLVolumeNode", "Volumes"),
    ("vtkMRMLSegmentationNode", "Segmentations"),
    ("vtkMRMLModelNode", "Models"),
    ("vtkMRMLMarkupsNode", "Markups"),
    ("vtkMRMLTransformNode", "Transforms"),
    ("vtkMRMLTableNode", "Tables"),
    ("vtkMRMLTextNode", "Texts"),
    ("vtkMRMLSequenceNode", "Sequences"),
    ("vtkMRMLSequenceBrowserNode", "Sequences"),
    ("vtkMRMLPlotChartNode", "Plots"),
)
"""Node class to the plugin that owns its item; the first that fits."""


class SubjectHierarchyPlugins:
    """Listens to one scene; the hierarchy's node is another one after the scene was closed, as in the application."""

    def __init__(self, slicer: Any, scene: Any) -> None:
        import vtk

        self._slicer, self._scene = slicer, scene
        self._segment_observers: dict[Any, list[int]] = {}
        self._added.__func__.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
        self._removed.__func__.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
        self._tags = [
            scene.AddObserver(scene.NodeAddedEvent, self._added),
            scene.AddObserver(scene.NodeRemovedEvent, self._removed),
            scene.AddObserver(scene.StartCloseEvent, self._forget_segmentations),
            scene.AddObserver(scene.EndCloseEvent, self._new_hierarchy),
            scene.AddObserver(scene.EndImportEvent, self._complete),
        ]
        self._hierarchy()

    def stop(self) -> None:
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._forget_segmentations()

    def _forget_segmentations(self, *_: Any) -> None:
        for segmentation in list(self._segment_observers):
            self._forget_segmentation(segmentation)

    def _forget_segmentation(self, segmentation: Any) -> None:
        for tag in self._segment_observers.pop(segmentation, []):
            segmentation.RemoveObserver(tag)

    def _hierarchy(self) -> Any:
        return self._slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _new_hierarchy(self, *_: Any) -> None:
        if self._scene.GetNumberOfNodesByClass("vtkMRMLSubjectHierarchyNode") == 0:
            self._scene.AddNode(self._slicer.vtkMRMLSubjectHierarchyNode())

    def _complete(self, *_: Any) -> None:
        """Nodes of a loaded scene whose items it did not bring along."""
        for index in range(self._scene.GetNumberOfNodes()):
            self._add_item(self._scene.GetNthNode(index))

    def _added(self, scene: Any, _event: str, node: Any) -> None:
        if not scene.IsImporting() and not scene.IsClosing():
            self._add_item(node)

    def _add_item(self, node: Any) -> None:
        owner = next((plugin for class_name, plugin in _OWNERS if node.IsA(class_name)), None)
        if owner is None or node.GetHideFromEditors() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(node)
        if not item:
            item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
        hierarchy.SetItemOwnerPluginName(item, owner)
        if owner == "Segmentations":
            self._watch_segments(node)

    def _removed(self, scene: Any, _event: str, node: Any) -> None:
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        if node.IsA("vtkMRMLSegmentationNode"):
            self._forget_segmentation(node.GetSegmentation())
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, True)

    def _watch_segments(self, node: Any) -> None:
        segmentation = node.GetSegmentation()
        if segmentation is None or segmentation in self._segment_observers:
            return
        # Not the node itself: taking the observer away could then be the end of the node, in the midst of its removal.
        identifier = node.GetID()
        update = lambda *_: self._update_segments(self._scene.GetNodeByID(identifier))
        events = (segmentation.SegmentAdded, segmentation.SegmentRemoved, segmentation.SegmentModified)
        self._segment_observers[segmentation] = [segmentation.AddObserver(event, update) for event in events]
        update()

    def _update_segments(self, node: Any) -> None:
        """One child item a segment, in the order of the segments."""
        import vtk

        if node is None:
            return
        hierarchy = self._hierarchy()
        parent = hierarchy.GetItemByDataNode(node)
        segmentation = node.GetSegmentation()
        if not parent or segmentation is None:
            return
        children = vtk.vtkIdList()
        hierarchy.GetItemChildren(parent, children)
        items = {
            hierarchy.GetItemAttribute(children.GetId(index), "segmentID"): children.GetId(index)
            for index in range(children.GetNumberOfIds())
        }
        for identifier in segmentation.GetSegmentIDs():
            item = items.pop(identifier, None)
            if item is None:
                item = hierarchy.CreateHierarchyItem(parent, segmentation.GetSegment(identifier).GetName(), "")
                hierarchy.SetItemAttribute(item, "segmentID", identifier)
                hierarchy.SetItemOwnerPluginName(item, "Segments")
            hierarchy.SetItemName(item, segmentation.GetSegment(identifier).GetName())
        for item in items.values():
            hierarchy.RemoveItem(item, False, False)
