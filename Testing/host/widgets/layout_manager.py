"""qSlicerLayoutManager: the views of the scene's layout; `slicer.app.layoutManager()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer_core
from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtWidgets import QWidget
from vtkmodules.vtkCommonCore import vtkCollection

from Testing.host.widgets.scene_nodes import Observers
from Testing.host.widgets.views import qMRMLSliceWidget, qMRMLThreeDWidget

if TYPE_CHECKING:
    from slicer_core import vtkMRMLNode


class qSlicerLayoutManager(QObject):
    """View nodes come from the genuine layout logic; each gets a widget when it first appears."""

    layoutChanged = Signal(int)

    def __init__(self, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._scene, self._application_logic = scene, application_logic
        self._viewport = QWidget()
        self._pauses = 0
        self._slices: dict[str, qMRMLSliceWidget] = {}
        self._three_d: dict[str, qMRMLThreeDWidget] = {}
        self._slice_logics, self._view_logics = vtkCollection(), vtkCollection()
        self._observers = Observers(self)
        self._logic = slicer_core.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        application_logic.SetSliceLogics(self._slice_logics)
        application_logic.SetViewLogics(self._view_logics)
        self._told = self._arrangement()
        self._make_widgets()
        self._observers.add(self._logic.GetLayoutNode(), "ModifiedEvent", self._on_layout)

    def _make_widgets(self) -> None:
        nodes = self._logic.GetViewNodes()
        for index in range(nodes.GetNumberOfItems()):
            node = nodes.GetItemAsObject(index)
            name = node.GetLayoutName()
            if node.IsA("vtkMRMLSliceNode") and name not in self._slices:
                logic = slicer_core.vtkMRMLSliceLogic()
                self._begin(logic, self._slice_logics)
                logic.SetSliceNode(node)
                self._slices[name] = qMRMLSliceWidget(self._viewport, logic, self._application_logic)
            elif node.IsA("vtkMRMLViewNode") and name not in self._three_d:
                logic = slicer_core.vtkMRMLViewLogic()
                logic.SetName(name)
                self._begin(logic, self._view_logics)
                self._three_d[name] = qMRMLThreeDWidget(self._viewport, logic, node, self._application_logic)

    def _begin(self, logic: Any, among: Any) -> None:
        logic.SetMRMLApplicationLogic(self._application_logic)
        logic.SetMRMLScene(self._scene)
        among.AddItem(logic)

    def _on_layout(self, _caller: Any) -> None:
        self._make_widgets()
        if self._arrangement() != self._told:
            self._told = self._arrangement()
            self.layoutChanged.emit(self._told)

    def _arrangement(self) -> int:
        return int(self._logic.GetLayoutNode().GetViewArrangement())

    def setLayout(self, layout: int) -> None:
        node = self._logic.GetLayoutNode()
        known = node.IsLayoutDescription(layout)
        node.SetViewArrangement(layout if known else node.SlicerLayoutConventionalView)

    layout = Property(int, _arrangement, setLayout)
    threeDViewCount = Property(int, lambda manager: len(manager._three_d))
    tableViewCount = Property(int, lambda _manager: 0)
    plotViewCount = Property(int, lambda _manager: 0)

    def mrmlScene(self) -> Any:
        return self._scene

    def layoutLogic(self) -> Any:
        return self._logic

    def mrmlSliceLogics(self) -> Any:
        return self._slice_logics

    def mrmlViewLogics(self) -> Any:
        return self._view_logics

    def viewport(self) -> QWidget:
        return self._viewport

    def sliceViewNames(self) -> list[str]:
        return sorted(self._slices)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        return self._slices.get(name)

    def threeDWidget(self, view: int | str) -> qMRMLThreeDWidget | None:
        if isinstance(view, str):
            return self._three_d.get(view)
        widgets = list(self._three_d.values())
        return widgets[view] if 0 <= view < len(widgets) else None

    def viewWidget(self, node: vtkMRMLNode | None) -> QWidget | None:
        name = node.GetLayoutName() if node is not None else ""
        return self._slices.get(name) or self._three_d.get(name)

    def activeMRMLThreeDViewNode(self) -> Any:
        first = self.threeDWidget(0)
        return first.mrmlViewNode() if first is not None else None

    @Slot()
    def resetThreeDViews(self) -> None:
        for widget in self._three_d.values():
            widget.threeDView().resetFocalPoint()
            widget.threeDView().resetCamera()

    @Slot()
    def resetSliceViews(self) -> None:
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    @Slot(bool)
    def setRenderPaused(self, paused: bool) -> None:
        self._pauses = max(self._pauses + (1 if paused else -1), 0)

    @Slot()
    def pauseRender(self) -> None:
        self.setRenderPaused(True)

    @Slot()
    def resumeRender(self) -> None:
        self.setRenderPaused(False)

    def _close(self) -> None:
        """Views first, then logics, before the scene goes."""
        self._observers.clear()
        for widget in self._slices.values():
            widget.sliceView()._close()
        for three_d in self._three_d.values():
            three_d.threeDView()._close()
        for logics in (self._slice_logics, self._view_logics):
            for index in range(logics.GetNumberOfItems()):
                logics.GetItemAsObject(index).SetMRMLScene(None)
            logics.RemoveAllItems()
        self._application_logic.SetSliceLogics(None)
        self._application_logic.SetViewLogics(None)
        self._logic.SetMRMLScene(None)


def install(host: Any) -> None:
    """The application with a main window has a layout manager; without one it has none."""
    if host.main_window is None:
        host.application.setLayoutManager(None)
        return
    manager = qSlicerLayoutManager(host.scene, host.parts.application_logic)
    host.application.setLayoutManager(manager)
    host.at_end(manager._close)
