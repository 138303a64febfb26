"""The items of the subject hierarchy as a tree of rows, by the filters of Slicer's tree and of its combo box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer_core
from PySide6.QtCore import Property, QModelIndex, QObject, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from vtkmodules.vtkCommonCore import vtkIdList

from Testing.host.widgets.icons import icon, swatch
from Testing.host.widgets.scene_nodes import Observers

ITEM = Qt.ItemDataRole.UserRole + 1
INVALID = 0
NAME, VISIBILITY, COLOUR, TRANSFORM, DESCRIPTION, IDENTIFIER = range(6)
_EXCLUDED = slicer_core.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyExcludeFromTreeAttributeName()
_HEADERS = ("Node", "", "", "", "Description", "ID")


class qMRMLSubjectHierarchyModel(QStandardItemModel):
    """The rows, and which column shows what."""

    nameColumn = Property(int, lambda _: NAME)
    visibilityColumn = Property(int, lambda _: VISIBILITY)
    colorColumn = Property(int, lambda _: COLOUR)
    transformColumn = Property(int, lambda _: TRANSFORM)
    descriptionColumn = Property(int, lambda _: DESCRIPTION)
    idColumn = Property(int, lambda _: IDENTIFIER)


class ItemFilter:
    def __init__(self) -> None:
        self.node_types: list[str] = []
        self.hidden_types: list[str] = []
        self.levels: list[str] = []
        self.name = ""
        self.with_empty_folders = True
        self.node_attributes: list[tuple[str, str, bool, str]] = []
        """Name, value or "", whether it is wanted or unwanted, node class or ""."""
        self.item_attributes: list[tuple[str, str, bool]] = []

    def accepts(self, hierarchy: Any, item: int) -> bool:
        node, parent = hierarchy.GetItemDataNode(item), hierarchy.GetItemParent(item)
        if node is not None and (node.GetHideFromEditors() or node.GetAttribute(_EXCLUDED) is not None):
            return False
        if self._is_unwanted(hierarchy, item, node):
            return False
        if hierarchy.IsItemVirtualBranchParent(parent):  # a segment goes with its segmentation
            return self.accepts(hierarchy, parent) and self._is_named(hierarchy, item)
        if node is None and self.with_empty_folders:
            return True
        return self._fits_node(node) and self._fits_item(hierarchy, item)

    def _is_unwanted(self, hierarchy: Any, item: int, node: Any) -> bool:
        names = (
            _has_node_attribute(node, name, value, kind)
            for name, value, wanted, kind in self.node_attributes
            if not wanted
        )
        own = (
            _has_item_attribute(hierarchy, item, name, value)
            for name, value, wanted in self.item_attributes
            if not wanted
        )
        return any(names) or any(own)

    def _fits_node(self, node: Any) -> bool:
        wanted = [each for each in self.node_attributes if each[2]]
        if node is None:
            return not wanted
        if self.node_types and not any(node.IsA(kind) for kind in self.node_types):
            return False
        if any(node.IsA(kind) for kind in self.hidden_types):
            return False
        return not wanted or any(_has_node_attribute(node, name, value, kind) for name, value, _, kind in wanted)

    def _fits_item(self, hierarchy: Any, item: int) -> bool:
        wanted = [each for each in self.item_attributes if each[2]]
        if self.levels and hierarchy.GetItemLevel(item) not in self.levels:
            return False
        if wanted and not any(_has_item_attribute(hierarchy, item, name, value) for name, value, _ in wanted):
            return False
        return self._is_named(hierarchy, item)

    def _is_named(self, hierarchy: Any, item: int) -> bool:
        return self.name.lower() in hierarchy.GetItemName(item).lower()


def _has_node_attribute(node: Any, name: str, value: str, kind: str) -> bool:
    if node is None or (kind and not node.IsA(kind)):
        return False
    found = node.GetAttribute(name)
    return found is not None and value in ("", found)


def _has_item_attribute(hierarchy: Any, item: int, name: str, value: str) -> bool:
    return bool(hierarchy.HasItemAttribute(item, name)) and value in ("", hierarchy.GetItemAttribute(item, name))


class HierarchyItems(QObject):
    """A model that is made anew when the hierarchy changes; `changed()` is called after that."""

    def __init__(self, parent: QObject, changed: Callable[[], None]) -> None:
        super().__init__(parent)
        self.model = qMRMLSubjectHierarchyModel(self)
        self.filter = ItemFilter()
        self.scene: Any = None
        self.hierarchy: Any = None
        self._changed = changed
        self._scene_observers, self._observers = Observers(self), Observers(self)

    def set_scene(self, scene: Any) -> None:
        self._scene_observers.clear()
        self.scene = scene
        if scene is not None:
            for event in (scene.EndCloseEvent, scene.EndBatchProcessEvent, scene.EndImportEvent):
                self._scene_observers.add(scene, event, self._on_scene)
        self._on_scene(scene)

    def _on_scene(self, _caller: Any) -> None:
        """The hierarchy is another node after the scene was closed."""
        self._observers.clear()
        kind = slicer_core.vtkMRMLSubjectHierarchyNode
        self.hierarchy = kind.GetSubjectHierarchyNode(self.scene) if self.scene is not None else None
        if self.hierarchy is not None:
            for name in ("Added", "Removed", "Modified", "Reparented", "ChildrenReordered"):
                event = getattr(self.hierarchy, f"SubjectHierarchyItem{name}Event", None)
                if event is not None:
                    self._observers.add(self.hierarchy, event, self._on_hierarchy)
        self.renew()

    def _on_hierarchy(self, _caller: Any) -> None:
        if self.scene is not None and not self.scene.IsBatchProcessing():
            self.renew()

    def renew(self) -> None:
        self.model.clear()
        self.model.setHorizontalHeaderLabels(list(_HEADERS))
        for column, name in ((VISIBILITY, "eye"), (COLOUR, "palette"), (TRANSFORM, "cube")):
            self.model.horizontalHeaderItem(column).setIcon(icon(name))
        if self.hierarchy is not None:
            root = QStandardItem("Scene")
            root.setData(self.hierarchy.GetSceneItemID(), ITEM)
            self._fill(root, self.hierarchy.GetSceneItemID())
            self.model.appendRow(root)
        self._changed()

    def _fill(self, above: QStandardItem, parent: int) -> None:
        children = vtkIdList()
        self.hierarchy.GetItemChildren(parent, children)
        for position in range(children.GetNumberOfIds()):
            item = children.GetId(position)
            row = self._row(item)
            self._fill(row[0], item)
            if row[0].rowCount() or self.filter.accepts(self.hierarchy, item):
                above.appendRow(row)

    def _row(self, item: int) -> list[QStandardItem]:
        row = [QStandardItem() for _ in _HEADERS]
        row[NAME].setText(self.hierarchy.GetItemName(item))
        row[NAME].setData(item, ITEM)
        for cell in row[1:]:
            cell.setEditable(False)
        node = self.hierarchy.GetItemDataNode(item)
        if node is not None:
            row[IDENTIFIER].setText(node.GetID() or "")
            row[DESCRIPTION].setText(node.GetDescription() or "")
        shown = self._shown(item, node)
        if shown is not None:
            row[VISIBILITY].setIcon(icon("eye" if shown else "eye-closed"))
        segment = self._segment(item)
        if segment is not None:
            row[COLOUR].setIcon(swatch(*segment.GetColor()))
        return row

    def _segment(self, item: int) -> Any:
        kind = slicer_core.vtkSlicerSegmentationsModuleLogic
        return kind.GetSegmentForSegmentSubjectHierarchyItem(item, self.scene)

    def _shown(self, item: int, node: Any) -> bool | None:
        if node is not None and node.IsA("vtkMRMLDisplayableNode") and node.GetDisplayNode() is not None:
            return bool(node.GetDisplayVisibility())
        segmentation = self.hierarchy.GetItemDataNode(self.hierarchy.GetItemParent(item))
        name = self.hierarchy.GetItemAttribute(item, "segmentID")
        if name and segmentation is not None and segmentation.GetDisplayNode() is not None:
            return bool(segmentation.GetDisplayNode().GetSegmentVisibility(name))
        return None

    def toggle_visibility(self, item: int) -> None:
        node = self.hierarchy.GetItemDataNode(item)
        above = self.hierarchy.GetItemDataNode(self.hierarchy.GetItemParent(item))
        segment = self.hierarchy.GetItemAttribute(item, "segmentID")
        if node is not None and node.IsA("vtkMRMLDisplayableNode"):
            node.SetDisplayVisibility(not node.GetDisplayVisibility())
        elif segment and above is not None and above.GetDisplayNode() is not None:
            display = above.GetDisplayNode()
            display.SetSegmentVisibility(segment, not display.GetSegmentVisibility(segment))
        self.renew()

    def index_of(self, item: int) -> QModelIndex:
        found = self.model.match(self.model.index(0, 0), ITEM, item, 1, Qt.MatchFlag.MatchRecursive)
        return found[0] if found and item else QModelIndex()

    def item_of(self, index: QModelIndex) -> int:
        return int(index.siblingAtColumn(0).data(ITEM) or INVALID)

    def count(self) -> int:
        """Rows below the scene, at any depth."""
        return len(self.all_items())

    def all_items(self) -> list[int]:
        return _below(self.model.item(0)) if self.model.rowCount() else []


def _below(cell: QStandardItem) -> list[int]:
    children = [cell.child(row) for row in range(cell.rowCount())]
    return [item for child in children for item in (int(child.data(ITEM)), *_below(child))]
