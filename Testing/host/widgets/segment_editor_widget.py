"""qMRMLSegmentEditorWidget: the editor around the genuine segment editor logic, without its effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from Testing.host.widgets.scene_nodes import Observers
from Testing.host.widgets.segment_editor_options import SegmentEditorOptions

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene, vtkMRMLSegmentEditorNode


class qMRMLSegmentEditorWidget(SegmentEditorOptions):
    """Segmentation, source volume and segment are those of the editor node; the first segment is selected first."""

    CXX_SIGNALS = (
        "sourceVolumeNodeChanged(vtkMRMLVolumeNode*)",
        "masterVolumeNodeChanged(vtkMRMLVolumeNode*)",
        "segmentationNodeChanged(vtkMRMLSegmentationNode*)",
    )
    currentSegmentIDChanged = Signal(str)
    sourceVolumeNodeChanged = Signal(object)
    masterVolumeNodeChanged = Signal(object)
    segmentationNodeChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._segmentation: Any = None
        self._source: Any = None
        self._scene_observers, self._node_observers = Observers(self), Observers(self)
        self._segmentation_observers = Observers(self)
        parts = self._parts
        parts.segmentation.currentNodeChanged.connect(self._on_segmentation_chosen)
        parts.source.currentNodeChanged.connect(self._on_source_chosen)
        parts.table.selectionChanged.connect(self._on_selection)
        parts.table.segmentAboutToBeModified.connect(lambda _id: self.saveStateForUndo())
        parts.add.clicked.connect(self._add_segment)
        parts.remove.clicked.connect(self._remove_segment)

    # --- scene and nodes

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        import slicer

        if scene is self.mrmlScene():
            return
        self._scene_observers.clear()
        selectors = (self._parts.segmentation, self._parts.source)
        for selector in selectors:
            selector.blockSignals(True)
        super().setMRMLScene(scene)
        for widget in (*selectors, self._parts.table):
            widget.setMRMLScene(scene)
        for selector in selectors:
            selector.blockSignals(False)
        self._logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        self._logic.SetMRMLScene(scene)
        if scene is not None:
            for event in (scene.EndCloseEvent, scene.EndBatchProcessEvent):
                self._scene_observers.add(scene, event, self._on_event)
        self.updateWidgetFromMRML()

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLSegmentEditorNode(self, node: vtkMRMLSegmentEditorNode | None) -> None:
        if node is self._node:
            return
        self._node_observers.clear()
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._node_observers.add(node, "ModifiedEvent", self._on_event)
            self.updateWidgetFromMRML()

    def segmentationNode(self) -> Any:
        return self._logic.GetSegmentationNode()

    def segmentationNodeID(self) -> str:
        return _id_of(self.segmentationNode())

    def setSegmentationNode(self, node: vtkMRMLNode | None) -> None:
        if self._logic.GetSegmentationNode() is not node:
            self._logic.SetSegmentationNode(node)

    def setSegmentationNodeID(self, node_id: str) -> None:
        self.setSegmentationNode(self.mrmlScene().GetNodeByID(node_id) if self.mrmlScene() is not None else None)

    def sourceVolumeNode(self) -> Any:
        return self._logic.GetSourceVolumeNode()

    def sourceVolumeNodeID(self) -> str:
        return _id_of(self.sourceVolumeNode())

    def setSourceVolumeNode(self, node: vtkMRMLNode | None) -> None:
        self._logic.SetSourceVolumeNode(node)

    def setSourceVolumeNodeID(self, node_id: str) -> None:
        self.setSourceVolumeNode(self.mrmlScene().GetNodeByID(node_id) if self.mrmlScene() is not None else None)

    masterVolumeNode, masterVolumeNodeID = sourceVolumeNode, sourceVolumeNodeID
    setMasterVolumeNode, setMasterVolumeNodeID = setSourceVolumeNode, setSourceVolumeNodeID

    def currentSegmentID(self) -> str:
        return str(self._logic.GetCurrentSegmentID() or "")

    def setCurrentSegmentID(self, segment_id: str) -> None:
        if self._node is not None:
            self._node.SetSelectedSegmentID(segment_id)

    @Slot()
    def selectNextSegment(self) -> None:
        self._logic.SelectNextSegment()

    @Slot()
    def selectPreviousSegment(self) -> None:
        self._logic.SelectPreviousSegment()

    def _on_segmentation_chosen(self, node: Any) -> None:
        if self._may_update():
            self.setSegmentationNode(node)

    def _on_source_chosen(self, node: Any) -> None:
        if self._may_update():
            self.setSourceVolumeNode(node)

    def _may_update(self) -> bool:
        scene = self.mrmlScene()
        return scene is not None and not scene.IsClosing() and not scene.IsBatchProcessing()

    def _on_event(self, _caller: Any) -> None:
        self.updateWidgetFromMRML()

    @Slot()
    def updateWidgetFromMRML(self) -> None:
        if not self._may_update():
            return
        parts = self._parts
        parts.segmentation.setEnabled(self._node is not None)
        parts.show_3d.setLocked(self._locked or self._node is None)
        if self._node is None:
            parts.source.setEnabled(False)
            parts.effects.setEnabled(False)
            return
        was_modifying = self._node.StartModify()
        self._follow_segmentation()
        self._follow_source()
        parts.source.setEnabled(self._segmentation is not None)
        parts.effects.setEnabled(self._segmentation is not None)
        selected = self._selected_segment()
        parts.add.setEnabled(bool(self._logic.CanAddSegments()))
        parts.remove.setEnabled(bool(selected) and not self._locked)
        parts.switch.setEnabled(self._segmentation is not None)
        if selected:
            parts.table.setSelectedSegmentIDs([selected])
        else:
            parts.table.clearSelection()
        parts.table.setReadOnly(self._locked)
        self._on_history(None)
        self._node.EndModify(was_modifying)

    def _selected_segment(self) -> str:
        selected = self._node.GetSelectedSegmentID() or ""
        known = self._segmentation is not None and self._segmentation.GetSegmentation().GetSegmentIndex(selected) >= 0
        return selected if selected and known else ""

    def _follow_segmentation(self) -> None:
        node = self._logic.GetSegmentationNode()
        if self._parts.segmentation.currentNode() is not node:
            _select_silently(self._parts.segmentation, node)
        if node is self._segmentation:
            return
        self._segmentation_observers.clear()
        self._segmentation = node
        blocked = self._parts.table.blockSignals(True)
        self._parts.table.setSegmentationNode(node)
        self._parts.table.blockSignals(blocked)
        self._parts.show_3d.setSegmentationNode(node)
        if node is not None:
            events = slicer_core.vtkSegmentation
            for event in ("ModifiedEvent", events.SegmentAdded, events.SegmentRemoved):
                self._segmentation_observers.add(node, event, self._on_event)
            self._parts.source.setCurrentNode(node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()))
            node.CreateDefaultDisplayNodes()
            if displayed := self._parts.table.displayedSegmentIDs():
                self._node.SetSelectedSegmentID(displayed[0])
        self.segmentationNodeChanged.emit(node)

    def _follow_source(self) -> None:
        source = self._logic.GetSourceVolumeNode()
        if self._node.GetSegmentationNode() is None or source is self._source:
            return
        self._source = source
        _select_silently(self._parts.source, source)
        self.sourceVolumeNodeChanged.emit(source)
        self.masterVolumeNodeChanged.emit(source)

    def _on_selection(self, *_: Any) -> None:
        if self._node is None:
            return
        selected = (self._parts.table.selectedSegmentIDs() or [""])[0]
        if selected != (self._node.GetSelectedSegmentID() or ""):
            self._node.SetSelectedSegmentID(selected or None)
            self.updateWidgetFromMRML()
            self.currentSegmentIDChanged.emit(selected)

    def _add_segment(self) -> None:
        self._logic.AddEmptySegment(self._parts.table.textFilter, 0)

    def _remove_segment(self) -> None:
        self._logic.RemoveSelectedSegment()


def _id_of(node: Any) -> str:
    return node.GetID() if node is not None else ""


def _select_silently(selector: Any, node: Any) -> None:
    blocked = selector.blockSignals(True)
    selector.setCurrentNode(node)
    selector.blockSignals(blocked)
