"""Pictures of slice and 3D views: the genuine displayable managers, drawn by VTK into a window that nobody sees."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer_core
from vtkmodules import vtkRenderingOpenGL2
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import (
    vtkActor2D,
    vtkImageMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkRenderWindowInteractor,
    vtkWindowToImageFilter,
)

_SLICE_MANAGERS = ("vtkMRMLVolumeGlyphSliceDisplayableManager", "vtkMRMLModelSliceDisplayableManager",
                   "vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLMarkupsDisplayableManager")  # fmt: skip
_THREE_D_MANAGERS = ("vtkMRMLCameraDisplayableManager", "vtkMRMLViewDisplayableManager",
                     "vtkMRMLModelDisplayableManager", "vtkMRMLSegmentationsDisplayableManager3D",
                     "vtkMRMLMarkupsDisplayableManager")  # fmt: skip


def hidden_window() -> Any:
    """A window without a screen; on Linux without an X server one of EGL."""
    no_x_server = sys.platform == "linux" and not os.environ.get("DISPLAY")
    window = vtkRenderingOpenGL2.vtkEGLRenderWindow() if no_x_server else vtkRenderWindow()
    window.SetOffScreenRendering(1)
    return window


def write_picture(window: Any, path: Path | str) -> None:
    window.Render()
    reader = vtkWindowToImageFilter()
    reader.SetInput(window)
    reader.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(reader.GetOutputPort())
    writer.Write()


class _Rendering:
    """A window, a renderer and the displayable managers of one view node, made when a picture is first wanted."""

    def __init__(self, factory: Any, managers: Sequence[str], node: Any, application_logic: Any) -> None:
        self.window = hidden_window()
        self.renderer = vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        factory.SetMRMLApplicationLogic(application_logic)
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = factory.InstantiateDisplayableManagers(self.renderer)
        self.group.SetMRMLDisplayableNode(node)

    def close(self) -> None:
        self.group.SetMRMLDisplayableNode(None)
        self.window.Finalize()


class SliceRendering(_Rendering):
    def __init__(self, logic: Any, application_logic: Any) -> None:
        factory = slicer_core.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, _SLICE_MANAGERS, logic.GetSliceNode(), application_logic)
        self._logic = logic
        self._mapper = vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image = vtkActor2D()
        self._image.SetMapper(self._mapper)
        self._image.GetProperty().SetDisplayLocationToBackground()
        # Below what the managers draw, in a renderer of its own, so that segments are blended with it.
        below = vtkRenderer()
        below.AddViewProp(self._image)
        self.window.SetNumberOfLayers(2)
        self.renderer.SetLayer(1)
        self.window.AddRenderer(below)

    def render(self) -> None:
        width, height, _ = self._logic.GetSliceNode().GetDimensions()
        self.window.SetSize(width, height)
        connection = self._logic.GetImageDataConnection()
        self._image.SetVisibility(connection is not None)
        if connection is not None:
            self._mapper.SetInputConnection(connection)
        self.window.Render()


class ThreeDRendering(_Rendering):
    def __init__(self, node: Any, size: tuple[int, int], application_logic: Any) -> None:
        factory = slicer_core.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        super().__init__(factory, _THREE_D_MANAGERS, node, application_logic)
        self.window.SetSize(*size)
        self.window.SetMultiSamples(4)

    def render(self) -> None:
        self.window.Render()
