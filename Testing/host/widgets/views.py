"""Slice and 3D view widgets: the genuine logics behind them, and pictures when they are asked for."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Slot
from PySide6.QtWidgets import QWidget

from Testing.host.pythonqt import NotModelled
from Testing.host.widgets.rendering import SliceRendering, ThreeDRendering

_SIZE = (560, 420)
_AXES = ("Left", "Right", "Posterior", "Anterior", "Inferior", "Superior")


class _View(QWidget):
    """What both kinds of views have; nothing is drawn until a picture is wanted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawn: Any = None

    def _new_rendering(self) -> Any:
        raise NotImplementedError

    def _rendering(self) -> Any:
        if self._drawn is None:
            self._drawn = self._new_rendering()
        return self._drawn

    def renderWindow(self) -> Any:
        return self._rendering().window

    def interactor(self) -> Any:
        return self._rendering().interactor

    @Slot()
    def forceRender(self) -> None:
        self._rendering().render()

    @Slot()
    def scheduleRender(self) -> None:
        """A picture is drawn when it is read, so there is nothing to wait for."""

    def displayableManagerByClassName(self, name: str) -> Any:
        return self._rendering().group.GetDisplayableManagerByClassName(name)

    def getDisplayableManagers(self, managers: Any) -> None:
        group = self._rendering().group
        for index in range(group.GetDisplayableManagerCount()):
            managers.AddItem(group.GetNthDisplayableManager(index))

    def _close(self) -> None:
        if self._drawn is not None:
            self._drawn.close()
            self._drawn = None


class qMRMLSliceView(_View):
    def __init__(self, parent: QWidget, logic: Any, application_logic: Any) -> None:
        super().__init__(parent)
        self._logic, self._application_logic = logic, application_logic

    def _new_rendering(self) -> SliceRendering:
        return SliceRendering(self._logic, self._application_logic)

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def _multiply(self, matrix: Any, point: list[float]) -> list[float]:
        return list(matrix.MultiplyPoint((*point, 1.0))[:3])

    def convertXYZToRAS(self, xyz: list[float]) -> list[float]:
        return self._multiply(self._logic.GetSliceNode().GetXYToRAS(), xyz)


class qMRMLSliceControllerWidget(QWidget):
    def __init__(self, parent: QWidget, logic: Any) -> None:
        super().__init__(parent)
        self._logic = logic

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceLogic(self) -> Any:
        return self._logic

    @Slot()
    def fitSliceToBackground(self) -> None:
        self._logic.FitSliceToBackground()
        self._logic.SnapSliceOffsetToIJK()

    @Slot(float)
    def setSliceOffsetValue(self, offset: float) -> None:
        self._logic.SetSliceOffset(offset)

    @Slot(bool)
    def setSliceVisible(self, visible: bool) -> None:
        self._logic.GetSliceNode().SetSliceVisible(visible)

    @Slot(bool)
    def setSliceLink(self, linked: bool) -> None:
        self._logic.GetSliceCompositeNode().SetLinkedControl(linked)


class qMRMLSliceWidget(QWidget):
    def __init__(self, parent: QWidget | None, logic: Any, application_logic: Any) -> None:
        super().__init__(parent)
        self._logic = logic
        self.setObjectName(f"qMRMLSliceWidget{logic.GetSliceNode().GetLayoutName()}")
        self._controller = qMRMLSliceControllerWidget(self, logic)
        self._view = qMRMLSliceView(self, logic, application_logic)
        logic.GetSliceNode().SetDimensions(*_SIZE, 1)

    sliceViewName = Property(str, lambda widget: widget._logic.GetSliceNode().GetLayoutName())
    sliceViewLabel = Property(str, lambda widget: widget._logic.GetSliceNode().GetLayoutLabel())

    def _orientation(self) -> str:
        return str(self._logic.GetSliceNode().GetOrientation())

    @Slot(str)
    def setSliceOrientation(self, orientation: str) -> None:
        self._logic.GetSliceNode().SetOrientation(orientation)

    sliceOrientation = Property(str, _orientation, setSliceOrientation)

    def mrmlSliceNode(self) -> Any:
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self._logic.GetSliceCompositeNode()

    def sliceLogic(self) -> Any:
        return self._logic

    def sliceController(self) -> qMRMLSliceControllerWidget:
        return self._controller

    def sliceView(self) -> qMRMLSliceView:
        return self._view

    @Slot()
    def fitSliceToBackground(self) -> None:
        self._controller.fitSliceToBackground()


class qMRMLThreeDView(_View):
    def __init__(self, parent: QWidget, node: Any, application_logic: Any) -> None:
        super().__init__(parent)
        self._node, self._application_logic = node, application_logic

    def _new_rendering(self) -> ThreeDRendering:
        return ThreeDRendering(self._node, _SIZE, self._application_logic)

    def mrmlViewNode(self) -> Any:
        return self._node

    def cameraNode(self) -> Any:
        """Made by the displayable manager of cameras, so not before there is one."""
        self._rendering()
        return self._node.GetScene().GetSingletonNode(self._node.GetLayoutName(), "vtkMRMLCameraNode")

    def resetCamera(
        self, resetRotation: bool = True, resetTranslation: bool = True, resetDistance: bool = True
    ) -> None:
        camera = self.cameraNode()
        camera.Reset(resetRotation, resetTranslation, resetDistance, self._rendering().renderer)

    @Slot()
    def resetFocalPoint(self) -> None:
        """The box and its labels are left out, as they are made after what is seen."""
        node, renderer = self._node, self._rendering().renderer
        shown = (node.GetBoxVisible(), node.GetAxisLabelsVisible())
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        bounds = renderer.ComputeVisiblePropBounds()
        if bounds[0] <= bounds[1]:
            camera = self.cameraNode()
            middle = [(bounds[axis * 2] + bounds[axis * 2 + 1]) / 2 for axis in range(3)]
            way = [new - old for new, old in zip(middle, camera.GetFocalPoint(), strict=True)]
            camera.SetPosition([old + step for old, step in zip(camera.GetPosition(), way, strict=True)])
            camera.SetFocalPoint(middle)
        node.SetBoxVisible(shown[0])
        node.SetAxisLabelsVisible(shown[1])
        node.InvokeEvent(node.ResetFocalPointRequestedEvent)
        renderer.ResetCameraClippingRange()

    def rotateToViewAxis(self, axis: int) -> None:
        if not isinstance(axis, int) or not 0 <= axis < len(_AXES):
            raise NotModelled(f"qMRMLThreeDView.rotateToViewAxis({axis!r})")
        camera = self.cameraNode()
        camera.RotateTo(getattr(camera, _AXES[axis]))


class qMRMLThreeDViewControllerWidget(QWidget):
    def __init__(self, parent: QWidget, view: qMRMLThreeDView) -> None:
        super().__init__(parent)
        self._view = view

    def mrmlThreeDViewNode(self) -> Any:
        return self._view.mrmlViewNode()

    @Slot()
    def resetFocalPoint(self) -> None:
        self._view.resetFocalPoint()


class qMRMLThreeDWidget(QWidget):
    def __init__(self, parent: QWidget | None, logic: Any, node: Any, application_logic: Any) -> None:
        super().__init__(parent)
        self._logic, self._node = logic, node
        self.setObjectName(f"ThreeDWidget{node.GetLayoutName()}")
        self._view = qMRMLThreeDView(self, node, application_logic)
        self._controller = qMRMLThreeDViewControllerWidget(self, self._view)

    def mrmlViewNode(self) -> Any:
        return self._node

    def viewLogic(self) -> Any:
        return self._logic

    def threeDView(self) -> qMRMLThreeDView:
        return self._view

    def threeDController(self) -> qMRMLThreeDViewControllerWidget:
        return self._controller
