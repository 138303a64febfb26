"""qMRMLSubjectHierarchyComboBox: a combo box whose list is the tree of the subject hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QTreeView, QWidget

from Testing.host.widgets import hierarchy_items as items
from Testing.host.widgets.combo_box import ctkComboBox
from Testing.host.widgets.hierarchy_filters import AttributeFilters, attribute_names, filter_property
from Testing.host.widgets.properties import held

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene

_FIRST_TEXT = "Select subject hierarchy item"


class qMRMLSubjectHierarchyComboBox(AttributeFilters, ctkComboBox):
    """What is chosen is shown as the default text, with the names above it, as Slicer does it."""

    CXX_SIGNALS = ("currentItemChanged(vtkIdType)", "currentItemModified(vtkIdType)")
    currentItemChanged = Signal(object)
    currentItemModified = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._item = items.INVALID
        self._root = items.INVALID
        self._items = items.HierarchyItems(self, self._on_renewed)
        self._tree = QTreeView(self)
        self._tree.setWindowFlag(Qt.WindowType.Popup)
        self._tree.setHeaderHidden(True)
        self._tree.setModel(self._items.model)
        self._tree.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self._tree.clicked.connect(self._on_clicked)
        self.forceDefault = True
        self.defaultText = _FIRST_TEXT

    showRootItem = held(bool, False)
    highlightReferencedItems = held(bool, True)
    maximumNumberOfShownItems = held(int, 20)
    alignPopupVertically = held(bool, True)
    noneEnabled = held(bool, False, lambda combo: combo._show_item())
    noneDisplay = held(str, "None", lambda combo: combo._show_item())
    showCurrentItemParents = held(bool, True, lambda combo: combo._show_item())
    showEmptyHierarchyItems = filter_property(bool, "with_empty_folders")
    includeItemAttributeNamesFilter = attribute_names(of_nodes=False, wanted=True)
    includeNodeAttributeNamesFilter = attribute_names(of_nodes=True, wanted=True)
    excludeItemAttributeNamesFilter = attribute_names(of_nodes=False, wanted=False)
    excludeNodeAttributeNamesFilter = attribute_names(of_nodes=True, wanted=False)
    nodeTypes = filter_property("QStringList", "node_types")

    def setNodeTypes(self, kinds: list[str]) -> None:
        self.nodeTypes = list(kinds)

    def setHideChildNodeTypes(self, kinds: list[str]) -> None:
        self._items.filter.hidden_types = list(kinds)
        self._items.renew()

    def setLevelFilter(self, levels: list[str]) -> None:
        self._items.filter.levels = list(levels)
        self._items.renew()

    def mrmlScene(self) -> Any:
        return self._items.scene

    def subjectHierarchyNode(self) -> Any:
        return self._items.hierarchy

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        if scene is not self._items.scene:
            self._item = self._root = items.INVALID
            self._items.set_scene(scene)

    def rootItem(self) -> int:
        hierarchy = self._items.hierarchy
        return self._root or (hierarchy.GetSceneItemID() if hierarchy is not None else items.INVALID)

    def setRootItem(self, item: int) -> None:
        self._root = item

    def currentItem(self) -> int:
        return self._item

    def currentNode(self) -> Any:
        hierarchy = self._items.hierarchy
        return hierarchy.GetItemDataNode(self._item) if hierarchy is not None and self._item else None

    def setCurrentItem(self, item: int) -> None:
        known = item if self._items.index_of(item).isValid() else items.INVALID
        if known != self._item:
            self._item = known
            self._show_item()
            self.currentItemChanged.emit(known)

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        hierarchy = self._items.hierarchy
        self.setCurrentItem(hierarchy.GetItemByDataNode(node) if hierarchy is not None and node is not None else 0)

    def clearSelection(self) -> None:
        self.setCurrentItem(items.INVALID)

    def _on_renewed(self) -> None:
        if self._item and not self._items.index_of(self._item).isValid():
            self.setCurrentItem(items.INVALID)
        else:
            self._show_item()

    def _show_item(self) -> None:
        if not self._item:
            self.defaultText = self.noneDisplay if self.noneEnabled else _FIRST_TEXT
            return
        hierarchy, item, names = self._items.hierarchy, self._item, []
        while item and item != hierarchy.GetSceneItemID():
            names.insert(0, hierarchy.GetItemName(item))
            item = hierarchy.GetItemParent(item) if self.showCurrentItemParents else items.INVALID
        self.defaultText = " / ".join(names)

    def _on_clicked(self, index: QModelIndex) -> None:
        self.hidePopup()
        self.setCurrentItem(self._items.item_of(index))

    def showPopup(self) -> None:
        tree = self._tree
        for column in range(1, self._items.model.columnCount()):
            tree.setColumnHidden(column, True)
        root = self._items.index_of(self.rootItem())
        tree.setRootIndex(root.parent() if self.showRootItem else root)
        tree.expandAll()
        tree.resize(self.width(), tree.sizeHintForRow(0) * min(self._items.count() + 1, self.maximumNumberOfShownItems))
        tree.move(self.mapToGlobal(QPoint(0, self.height())))
        tree.show()

    @Slot()
    def hidePopup(self) -> None:
        self._tree.hide()
