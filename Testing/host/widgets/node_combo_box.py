"""qMRMLNodeComboBox: a combo box of the nodes of a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Property, QModelIndex, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QSizePolicy, QWidget

from Testing.host.widgets.combo_box import ctkComboBox
from Testing.host.widgets.node_actions import actions_of, label_of
from Testing.host.widgets.node_list import ACTION, NodeList
from Testing.host.widgets.properties import held, property_of_filter
from Testing.host.widgets.scene_nodes import new_node

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode, vtkMRMLScene


def _renew_none(widget: Any) -> None:
    shown = widget.noneEnabled and widget.mrmlScene() is not None
    widget._nodes.set_none(widget.noneDisplay if shown else None)


def _renew_actions(widget: Any) -> None:
    widget._renew_actions()


class qMRMLNodeComboBox(QWidget):
    """Selection as recorded: what is there when the scene is set is selected, what comes later is not."""

    CXX_SIGNALS = (
        "currentNodeChanged(vtkMRMLNode*)",
        "nodeActivated(vtkMRMLNode*)",
        "nodeAdded(vtkMRMLNode*)",
        "nodeAddedByUser(vtkMRMLNode*)",
        "nodeAboutToBeRemoved(vtkMRMLNode*)",
        "nodeAboutToBeEdited(vtkMRMLNode*)",
    )
    ABSENT = ("nodeType", "currentIndex", "count")

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    currentNodeRenamed = Signal(str)
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base_names: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._menu_actions: list[QAction] = []
        self._requested = ""
        self._nodes = NodeList(self)
        self._combo = self._new_combo()
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._combo.setModel(self._nodes.model)
        self._combo.currentIndexChanged.connect(self._on_index)
        self._combo.activated.connect(self.emitNodeActivated)
        self._combo.view().clicked.connect(self.activateExtraItem)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setControlType(QSizePolicy.ControlType.ComboBox)
        self.setSizePolicy(policy)
        self._combo.setFocusProxy(self)
        self.setEnabled(False)

    def _new_combo(self) -> QComboBox:
        combo = ctkComboBox(self)
        combo.elideMode = 2  # in the middle
        return combo

    noneEnabled = held(bool, False, _renew_none)
    noneDisplay = held(str, "None", _renew_none)
    addEnabled = held(bool, True, _renew_actions)
    removeEnabled = held(bool, True, _renew_actions)
    editEnabled = held(bool, False, _renew_actions)
    renameEnabled = held(bool, False, _renew_actions)
    selectNodeUponCreation = held(bool, True)
    interactionNodeSingletonTag = held(str, "Singleton")
    nodeTypes = property_of_filter("QStringList", "node_types")
    hideChildNodeTypes = property_of_filter("QStringList", "hidden_types")
    showHidden = property_of_filter(bool, "show_hidden")
    showChildNodeTypes = property_of_filter(bool, "show_child_types")

    def _size_policy(self) -> int:
        return int(self._combo.sizeAdjustPolicy().value)

    def _set_size_policy(self, policy: int) -> None:
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy(policy))

    sizeAdjustPolicy = Property(int, _size_policy, _set_size_policy)

    def _base_name(self) -> str:
        return self._base_names.get(self.nodeTypes[0], "") if self.nodeTypes else ""

    def _set_base_name(self, name: str) -> None:
        self._base_names.update(dict.fromkeys(self.nodeTypes, name))

    baseName = Property(str, _base_name, _set_base_name)

    # --- the scene

    def mrmlScene(self) -> Any:
        return self._nodes.scene

    def setMRMLScene(self, scene: vtkMRMLScene | None) -> None:
        if scene is self._nodes.scene:
            return
        before = self._current_id() if self.nodeCount() else self._requested
        blocked = self._combo.blockSignals(True)
        self._nodes.set_scene(scene)
        _renew_none(self)
        self._renew_actions()
        self._combo.setCurrentIndex(-1)
        self._combo.blockSignals(blocked)
        if scene is not None:
            selects_first = not before and not self.noneEnabled and self.nodeCount()
            self._tell(0 if selects_first else self._nodes.row_of(before))
            self._requested = ""
        self.setEnabled(scene is not None)

    def _renew_actions(self) -> None:
        index = self._combo.currentIndex()
        blocked = self._combo.blockSignals(True)
        self._nodes.set_actions(actions_of(self, self._menu_actions))
        self._combo.setCurrentIndex(index)
        self._combo.blockSignals(blocked)
        kinds = self.nodeTypes
        if isinstance(self._combo, ctkComboBox):
            self._combo.defaultText = f"Select a {self.nodeTypeLabel(kinds[0] if kinds else '')}"

    # --- the selection

    def _row(self, index: int) -> int:
        """The row of the nth node; that of "None", or no row, for -1."""
        none = self._nodes.none_rows
        return index + none if index >= 0 else none - 1

    def _tell(self, row: int) -> None:
        """Selects the row and says so once, also where it was selected before."""
        blocked = self._combo.blockSignals(True)
        self._combo.setCurrentIndex(row if row >= 0 else self._row(-1))
        self._combo.blockSignals(blocked)
        self.emitCurrentNodeChanged()

    def nodeCount(self) -> int:
        return self._nodes.count()

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes.node_at(self._row(index)) if index >= 0 else None

    def currentNode(self) -> Any:
        return self._nodes.node_at(self._combo.currentIndex())

    def _current_id(self) -> str:
        node = self.currentNode()
        return node.GetID() if node is not None else ""

    def setCurrentNode(self, node: vtkMRMLNode | str | None) -> None:
        node_id = node if isinstance(node, str) or node is None else node.GetID()
        self.setCurrentNodeID(node_id or "")

    def setCurrentNodeID(self, node_id: str) -> None:
        if self._nodes.scene is None:
            self._requested = node_id
        row = self._nodes.row_of(node_id)
        self._combo.setCurrentIndex(row if row >= 0 else self._row(-1))

    currentNodeID = Property(str, _current_id, setCurrentNodeID)
    currentNodeId = Property(str, _current_id, setCurrentNodeID)

    @Slot(int)
    def setCurrentNodeIndex(self, index: int) -> None:
        self._combo.setCurrentIndex(self._row(index if index < self.nodeCount() else -1))

    @Slot()
    def emitCurrentNodeChanged(self) -> None:
        row, node = self._combo.currentIndex(), self.currentNode()
        if node is None and row != self._row(-1) and self.nodeCount():
            self.setCurrentNodeIndex(self.nodeCount() - 1)  # an action cannot stay selected
            return
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def _on_index(self, _row: int) -> None:
        self.emitCurrentNodeChanged()

    @Slot(int)
    def emitNodeActivated(self, row: int) -> None:
        node = self._nodes.node_at(row)
        if node is not None or (self.noneEnabled and row == 0):
            self.nodeActivated.emit(node)

    def _node_added(self, node: Any) -> None:
        self.nodeAdded.emit(node)

    def _remove_row(self, row: int) -> None:
        """Another node is selected in place of the current one; the last, which Slicer's source names."""
        node = self._nodes.node_at(row)
        self.nodeAboutToBeRemoved.emit(node)
        was_current = self._combo.currentIndex() == row
        blocked = self._combo.blockSignals(was_current or self._combo.signalsBlocked())
        self._nodes.drop_row(row)
        self._combo.blockSignals(blocked)
        if was_current:
            self._tell(self._row(self.nodeCount() - 1))

    # --- nodes made, removed, renamed

    def addAttribute(self, nodeType: str, attributeName: str, attributeValue: Any = None) -> None:
        value = None if attributeValue is None else str(attributeValue)
        self._nodes.filter.attributes[nodeType] = (attributeName, value)
        self._nodes.sort_out()

    def removeAttribute(self, nodeType: str, attributeName: str) -> None:
        if self._nodes.filter.attributes.get(nodeType, ("", None))[0] == attributeName:
            del self._nodes.filter.attributes[nodeType]
            self._nodes.sort_out()

    def setNodeTypeLabel(self, label: str, nodeType: str) -> None:
        self._labels.pop(nodeType, None)
        if label:
            self._labels[nodeType] = label
        self._renew_actions()

    def nodeTypeLabel(self, nodeType: str) -> str:
        return self._labels.get(nodeType) or label_of(self._nodes.scene, nodeType)

    def addNode(self, nodeType: str = "") -> Any:
        kinds = self.nodeTypes
        kind = nodeType or (kinds[0] if kinds else "")
        if kind not in kinds:
            return None
        attributes = {name: value or "" for name, value in self._nodes.filter.attributes.values()}
        node = new_node(self._nodes.scene, kind, self._base_names.get(kind, ""), attributes)
        if node is None:
            return None
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    @Slot()
    def removeCurrentNode(self) -> None:
        self._nodes.scene.RemoveNode(self.currentNode())

    @Slot()
    def editCurrentNode(self) -> None:
        node = self.currentNode()
        self.nodeAboutToBeEdited.emit(node)
        tag = self.interactionNodeSingletonTag
        interaction = self._nodes.scene.GetSingletonNode(tag, "vtkMRMLInteractionNode") if tag else None
        if interaction is not None:
            interaction.EditNode(node)

    @Slot()
    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        if node is None:
            return
        title = f"Rename {self.nodeTypeLabel(node.GetClassName())}"
        name, accepted = QInputDialog.getText(self, title, "New name:", text=node.GetName() or "")
        if accepted and name:
            node.SetName(name)
            self.currentNodeRenamed.emit(name)

    def _create_as(self, kind: str) -> None:
        name, accepted = QInputDialog.getText(self, f"Create new {self.nodeTypeLabel(kind)}", "New name:")
        node = self.addNode(kind) if accepted and name else None
        if node is not None:
            node.SetName(name)
            self.setCurrentNode(node)

    def addMenuAction(self, action: QAction) -> None:
        if all(known.text() != action.text() for known in self._menu_actions):
            self._menu_actions.append(action)
            self._renew_actions()

    @Slot(QModelIndex)
    def activateExtraItem(self, index: QModelIndex) -> None:
        command, _, kind = str(index.data(ACTION) or "").partition("/")
        if not command:
            return
        self._combo.hidePopup()
        if command == "CREATE":
            node = self.addNode(kind)
            if node is not None:
                self.setCurrentNode(node)
        elif command == "CREATE_AS":
            self._create_as(kind)
        elif command == "DELETE":
            self.removeCurrentNode()
        elif command == "EDIT":
            self.editCurrentNode()
        elif command == "RENAME":
            self.renameCurrentNode()
        else:
            self._menu_actions[int(kind)].trigger()
