"""A picture of the segments' surfaces, drawn by VTK without a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vtkmodules.vtkRenderingFreeType  # noqa: F401  # registers what draws text
from vtkmodules import vtkRenderingOpenGL2
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkPolyDataNormals, vtkWindowedSincPolyDataFilter
from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingAnnotation import vtkAnnotatedCubeActor
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkLightKit,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkTextActor,
    vtkWindowToImageFilter,
)

from ..core.errors import ResourceError
from ..core.language import tr as _
from ..core.segmentation import Segment, Segmentation

_WIDTH, _HEIGHT = 1200, 900
_SMOOTHING_PASSES, _PASS_BAND = 20, 0.08


def write_surface_picture(segmentation: Segmentation, path: Path) -> None:
    """The segments as smooth lit surfaces, seen from the patient's front, right and above, as a PNG.

    A cube in the corner carries the patient's sides (R L A P S I) and turns with the view.

    Raises:
        ResourceError: if this machine cannot draw.
    """
    window = _hidden_window()
    window.SetSize(_WIDTH, _HEIGHT)
    window.SetMultiSamples(8)
    scene = vtkRenderer()
    scene.SetBackground(0.05, 0.06, 0.08)
    scene.SetBackground2(0.19, 0.22, 0.27)
    scene.GradientBackgroundOn()
    found = [segment for segment in segmentation.segments if segmentation.mask(segment).any()]
    for segment in found:
        scene.AddActor(_surface(segmentation, segment))
    _light(scene)
    _look_from_front_right_above(scene)
    window.AddRenderer(scene)
    window.AddRenderer(_orientation_cube(window, scene))
    _write_names(scene, segmentation, found)
    window.Render()
    if not window.SupportsOpenGL():
        raise ResourceError(_("the 3D picture cannot be drawn on this machine."), remedy=_("Install Mesa's libEGL."))
    _save(window, path)


def _hidden_window() -> vtkRenderWindow:
    # The usual window of Linux would look for an X server first, and say on the terminal that there is none.
    no_x_server = sys.platform == "linux" and not os.environ.get("DISPLAY")
    window = vtkRenderingOpenGL2.vtkEGLRenderWindow() if no_x_server else vtkRenderWindow()
    window.SetOffScreenRendering(1)
    return window


def _surface(segmentation: Segmentation, segment: Segment) -> vtkActor:
    mask = segmentation.mask(segment)
    occupied = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    low = [int(present[0]) - 1 for present in occupied]
    box = tuple(slice(present[0], present[-1] + 1) for present in occupied)
    padded = np.pad(mask[box], 1).astype(np.uint8)
    image = vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    scalars = numpy_to_vtk(padded.ravel(), deep=True)  # type: ignore[no-untyped-call]
    image.GetPointData().SetScalars(scalars)
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(edges.GetOutputPort())
    smooth.SetNumberOfIterations(_SMOOTHING_PASSES)
    smooth.SetPassBand(_PASS_BAND)
    smooth.NormalizeCoordinatesOn()
    to_patient = vtkTransformPolyDataFilter()
    to_patient.SetInputConnection(smooth.GetOutputPort())
    to_patient.SetTransform(_ijk_to_lps(segmentation, low))
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(to_patient.GetOutputPort())
    normals.SetFeatureAngle(60)
    normals.AutoOrientNormalsOn()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(normals.GetOutputPort())
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetColor(*_color(segment))
    look.SetAmbient(0.08)
    look.SetDiffuse(0.85)
    look.SetSpecular(0.35)
    look.SetSpecularPower(25)
    return actor


def _ijk_to_lps(segmentation: Segmentation, start_kji: Sequence[int]) -> vtkTransform:
    affine = segmentation.geometry.affine_lps.copy()
    affine[:3, 3] = segmentation.geometry.index_to_lps(start_kji)
    matrix = vtkMatrix4x4()
    for row in range(4):
        for column, axis in enumerate((2, 1, 0, 3)):
            matrix.SetElement(row, column, affine[row, axis])
    transform = vtkTransform()
    transform.SetMatrix(matrix)
    return transform


def _light(scene: vtkRenderer) -> None:
    kit = vtkLightKit()
    kit.SetKeyLightIntensity(0.9)
    kit.SetKeyToFillRatio(2.5)
    kit.SetKeyToBackRatio(3.5)
    kit.AddLightsToRenderer(scene)


def _look_from_front_right_above(scene: vtkRenderer) -> None:
    camera = scene.GetActiveCamera()
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(-1.0, -0.75, 0.6)
    camera.SetViewUp(0, 0, 1)
    scene.ResetCamera()
    camera.Zoom(1.25)
    scene.ResetCameraClippingRange()


def _orientation_cube(window: vtkRenderWindow, scene: vtkRenderer) -> vtkRenderer:
    """A second renderer in the lower left corner, over the scene, with the same line of sight."""
    cube = vtkAnnotatedCubeActor()
    cube.SetXPlusFaceText("L")
    cube.SetXMinusFaceText("R")
    cube.SetYPlusFaceText("P")
    cube.SetYMinusFaceText("A")
    cube.SetZPlusFaceText("S")
    cube.SetZMinusFaceText("I")
    cube.SetFaceTextScale(0.6)
    cube.SetZFaceTextRotation(180)
    cube.GetCubeProperty().SetColor(0.82, 0.84, 0.87)
    cube.GetTextEdgesProperty().SetLineWidth(1)
    cube.GetTextEdgesProperty().SetColor(0.1, 0.1, 0.12)
    for face in (
        cube.GetXPlusFaceProperty(), cube.GetXMinusFaceProperty(), cube.GetYPlusFaceProperty(),
        cube.GetYMinusFaceProperty(), cube.GetZPlusFaceProperty(), cube.GetZMinusFaceProperty(),
    ):  # fmt: skip
        face.SetColor(0.15, 0.17, 0.2)
    corner = vtkRenderer()
    corner.SetViewport(0.0, 0.0, 0.2, 0.2 * _WIDTH / _HEIGHT)
    corner.SetLayer(1)
    corner.InteractiveOff()
    corner.AddActor(cube)
    window.SetNumberOfLayers(2)
    camera, view = corner.GetActiveCamera(), scene.GetActiveCamera()
    direction = np.subtract(view.GetPosition(), view.GetFocalPoint())
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(*(direction / np.linalg.norm(direction)))
    camera.SetViewUp(*view.GetViewUp())
    corner.ResetCamera()
    camera.Zoom(0.9)
    return corner


def _write_names(scene: vtkRenderer, segmentation: Segmentation, segments: Sequence[Segment]) -> None:
    for n, segment in enumerate(segments[:12]):
        text = vtkTextActor()
        text.SetInput(f"{segment.name}   {segmentation.volume_ml(segment):.2f} mL")
        style = text.GetTextProperty()
        style.SetFontSize(26)
        style.SetColor(*_color(segment))
        style.BoldOn()
        text.SetPosition(36, _HEIGHT - 64 - 40 * n)
        scene.AddViewProp(text)


def _save(window: vtkRenderWindow, path: Path) -> None:
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetInputConnection(grab.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()
    if not path.exists():
        raise ResourceError(_("the picture cannot be written."), where=path.name, remedy=_("Check the free space."))


def _color(segment: Segment) -> tuple[float, float, float]:
    red, green, blue = (part / 255 for part in segment.color_rgb)
    return red, green, blue
