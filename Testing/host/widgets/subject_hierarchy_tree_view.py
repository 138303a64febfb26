"""qMRMLSubjectHierarchyTreeView: the tree of patients, studies, folders, nodes and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, QItemSelectionModel, QModelIndex, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets import hierarchy_items as items
from Testing.host.widgets.hierarchy_filters import AttributeFilters, attribute_names, filter_property
from Testing.host.widgets.properties import held

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene


def _column(column: int) -> Any:
    def shown(view: Any) -> bool:
        return not view.isColumnHidden(column)

    def show(view: Any, visible: bool) -> None:
        view._hidden_columns = view._hidden_columns - {column} if visible else view._hidden_columns | {column}
        view.setColumnHidden(column, not visible)

    return Property(bool, shown, show)


class qMRMLSubjectHierarchyTreeView(AttributeFilters, QTreeView):
    """Without a selection the current item is the scene; menus of plugins are not modelled."""

    CXX_SIGNALS = (
        "currentItemChanged(vtkIdType)",
        "currentNodeChanged(vtkMRMLNode*)",
        "currentItemsChanged(QList<vtkIdType>)",
        "currentItemModified(vtkIdType)",
        "nodeAddedByUser(vtkMRMLNode*)",
    )
    currentItemChanged = Signal(object)
    currentNodeChanged = Signal(object)
    currentItemsChanged = Signal(object)
    currentItemModified = Signal(object)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hidden_columns = frozenset({items.DESCRIPTION})
        self._selected: list[int] = []
        self._root = items.INVALID
        self._renewing = False
        self._items = items.HierarchyItems(self, self._on_renewed)
        self.setModel(self._items.model)
        self._items.renew()
        self.setIndentation(8)
        self.setUniformRowHeights(False)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.clicked.connect(self._on_clicked)
        self._items.model.itemChanged.connect(self._on_edited)

    showRootItem = held(bool, False, lambda view: view._place_root())
    highlightReferencedItems = held(bool, True)
    contextMenuEnabled = held(bool, True)
    editMenuActionVisible = held(bool, True)
    addNodeMenuActionVisible = held(bool, False)
    selectRoleSubMenuVisible = held(bool, False)
    useTerminologySelector = held(bool, True)
    noneDisplay = held(str, "None")
    levelFilter = filter_property("QStringList", "levels")
    nameFilter = filter_property(str, "name")
    nodeTypes = filter_property("QStringList", "node_types")
    hideChildNodeTypes = filter_property("QStringList", "hidden_types")
    includeItemAttributeNamesFilter = attribute_names(of_nodes=False, wanted=True)
    includeNodeAttributeNamesFilter = attribute_names(of_nodes=True, wanted=True)
    excludeItemAttributeNamesFilter = attribute_names(of_nodes=False, wanted=False)
    excludeNodeAttributeNamesFilter = attribute_names(of_nodes=True, wanted=False)
    visibilityColumnVisible = _column(items.VISIBILITY)
    idColumnVisible = _column(items.IDENTIFIER)
    colorColumnVisible = _column(items.COLOUR)
    transformColumnVisible = _column(items.TRANSFORM)
    descriptionColumnVisible = _column(items.DESCRIPTION)

    def _is_multi(self) -> bool:
        return self.selectionMode() == QAbstractItemView.SelectionMode.ExtendedSelection

    def setMultiSelection(self, multi: bool) -> None:
        modes = QAbstractItemView.SelectionMode
        self.setSelectionMode(modes.ExtendedSelection if multi else modes.SingleSelection)

    multiSelection = Property(bool, _is_multi, setMultiSelection)

    def _has_none(self) -> bool:
        return False

    def _set_none(self, enabled: bool) -> None:
        if enabled:
            raise NotModelled("qMRMLSubjectHierarchyTreeView.noneEnabled")

    noneEnabled = Property(bool, _has_none, _set_none)

    # --- scene and items

    def mrmlScene(self) -> Any:
        return self._items.scene

    def subjectHierarchyNode(self) -> Any:
        return self._items.hierarchy

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        if scene is not self._items.scene:
            self._root = items.INVALID
            self._items.set_scene(scene)

    def displayedItemCount(self) -> int:
        return self._items.count()

    def model(self) -> Any:
        return QTreeView.model(self)

    def _on_renewed(self) -> None:
        """The rows are other ones: columns, root, expansion and selection are as before."""
        kept = list(self._selected)
        self._renewing = True
        header = self.header()
        header.setStretchLastSection(False)
        for column in range(self._items.model.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self.setColumnHidden(column, column in self._hidden_columns)
        header.setSectionResizeMode(items.NAME, QHeaderView.ResizeMode.Stretch)
        self._place_root()
        self.expandToDepth(4)
        self.setCurrentItems(kept)
        self._renewing = False
        if kept and self._chosen() != kept:
            self._on_selection()

    def _place_root(self) -> None:
        root = self._root or (self._items.hierarchy.GetSceneItemID() if self._items.hierarchy is not None else 0)
        index = self._items.index_of(root)
        self.setRootIndex(index.parent() if self.showRootItem else index)

    def rootItem(self) -> int:
        hierarchy = self._items.hierarchy
        return self._root or (hierarchy.GetSceneItemID() if hierarchy is not None else items.INVALID)

    def setRootItem(self, item: int) -> None:
        self._root = item
        self._place_root()

    # --- the selection

    def _chosen(self) -> list[int]:
        return [self._items.item_of(index) for index in self.selectionModel().selectedRows()]

    def currentItem(self) -> int:
        return self._selected[0] if self._selected else items.INVALID

    def currentItems(self, item_list: Any) -> None:
        item_list.Reset()
        for item in self._selected:
            item_list.InsertNextId(item)

    def currentNode(self) -> Any:
        hierarchy, item = self._items.hierarchy, self.currentItem()
        return hierarchy.GetItemDataNode(item) if hierarchy is not None and item else None

    def setCurrentItem(self, item: int) -> None:
        self.setCurrentItems([item])

    def setCurrentItems(self, item_list: Any) -> None:
        if hasattr(item_list, "GetNumberOfIds"):
            item_list = [item_list.GetId(position) for position in range(item_list.GetNumberOfIds())]
        flags, model = QItemSelectionModel.SelectionFlag, self.selectionModel()
        indexes = [index for index in map(self._items.index_of, item_list) if index.isValid()]
        if not indexes:
            model.clearSelection()
        for number, index in enumerate(indexes):
            how = flags.Select if number else flags.ClearAndSelect
            model.setCurrentIndex(index, how | flags.Rows)

    def setCurrentNode(self, node: vtkMRMLNode | None) -> None:
        if node is not None and self._items.hierarchy is not None:
            self.setCurrentItem(self._items.hierarchy.GetItemByDataNode(node))

    def _on_selection(self, *_: Any) -> None:
        if self._renewing or self._items.hierarchy is None or self._items.scene.IsBatchProcessing():
            return
        self._selected = self._chosen() or [self._items.hierarchy.GetSceneItemID()]
        self.currentItemChanged.emit(self._selected[0])
        self.currentItemsChanged.emit(tuple(self._selected))
        self.currentNodeChanged.emit(self.currentNode())

    def findFirstNodeByClass(self, kind: str) -> Any:
        nodes = (self._items.hierarchy.GetItemDataNode(item) for item in self._items.all_items())
        return next((node for node in nodes if node is not None and node.IsA(kind)), None)

    def expandItem(self, item: int) -> None:
        self.expand(self._items.index_of(item))

    def collapseItem(self, item: int) -> None:
        self.collapse(self._items.index_of(item))

    @Slot()
    def deleteSelectedItems(self) -> None:
        for item in list(self._selected):
            if item != self._items.hierarchy.GetSceneItemID():
                self._items.hierarchy.RemoveItem(item)

    @Slot()
    def renameCurrentItem(self) -> None:
        self.edit(self._items.index_of(self.currentItem()))

    def _show_items(self, visible: Any) -> None:
        for item in list(self._selected):
            shown = self._items.hierarchy.GetItemDataNode(item)
            if shown is not None and shown.IsA("vtkMRMLDisplayableNode"):
                shown.SetDisplayVisibility(not shown.GetDisplayVisibility() if visible is None else visible)
        self._items.renew()

    @Slot()
    def hideSelectedItems(self) -> None:
        self._show_items(False)

    @Slot()
    def showSelectedItems(self) -> None:
        self._show_items(True)

    @Slot()
    def toggleVisibilityOfSelectedItems(self) -> None:
        self._show_items(None)

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == items.VISIBILITY:
            self._items.toggle_visibility(self._items.item_of(index))

    def _on_edited(self, cell: Any) -> None:
        item = self._items.item_of(cell.index())
        hierarchy = self._items.hierarchy
        if cell.column() == items.NAME and item and cell.text() != hierarchy.GetItemName(item):
            hierarchy.SetItemName(item, cell.text())
