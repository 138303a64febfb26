"""Where a result lies in the subject hierarchy."""

from __future__ import annotations

from typing import Any

from .scene import slicer_module


def put_beside(node: Any, source_node: Any, scene: Any) -> None:
    """Into the source's folder of the subject hierarchy: DICOM export looks for the patient and study there."""
    if source_node is None:
        return
    hierarchy = slicer_module().vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item, source = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(source_node)
    if item and source:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(source))
