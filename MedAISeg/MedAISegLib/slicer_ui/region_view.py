"""The box that limits a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk

from .items import Switch, silent
from .texts import _, as_written


class RegionView:
    """The Region section. ``on_change`` gets the ROI node, None for the whole image."""

    def __init__(self, ui: Any, *, on_change: Callable[[Any], None]) -> None:
        self._ui, self._on_change = ui, on_change
        self._volume: Any = None
        self._selector = Switch(ui.regionSelector)
        ui.regionSelector.connect("currentNodeChanged(vtkMRMLNode*)", on_change)
        ui.drawRegionButton.connect("clicked()", self._draw)

    def show(self, region: Any, volume: Any, why_not: str) -> None:
        """Show the region, the image that a new one would go around (None for none), and why a run has no region."""
        self._volume = volume
        if self._ui.regionSelector.currentNode() is not region:
            with silent(self._ui.regionSelector):
                self._ui.regionSelector.setCurrentNode(region)
        self._selector.set(why_not)
        self._ui.drawRegionButton.enabled = volume is not None and not why_not
        self._ui.drawRegionButton.toolTip = as_written(why_not) or (
            _("Adds a box as large as the first input image, to be drawn smaller in the views")
            if volume is not None
            else _("Choose an image of the scene as input first")
        )
        name = region.GetName() if region is not None else ""
        self._ui.regionSection.text = _("Region: {name}").format(name=name) if name else _("Region (optional)")

    def _draw(self) -> None:
        region = box_around(self._volume)
        self._ui.regionSelector.setCurrentNode(region)
        self._on_change(region)


def box_around(volume: Any) -> Any:
    """A new ROI node around a volume node, along its axes and under its transform."""
    scene = slicer.mrmlScene
    name = scene.GenerateUniqueName(_("Region"))
    region = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    region.CreateDefaultDisplayNodes()
    size_ijk = volume.GetImageData().GetDimensions()
    ijk_to_ras = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(ijk_to_ras)
    middle = ijk_to_ras.MultiplyPoint([(n - 1) / 2 for n in size_ijk] + [1.0])
    box_to_ras = vtk.vtkMatrix4x4()
    spacing = volume.GetSpacing()
    for row in range(3):
        for axis in range(3):
            box_to_ras.SetElement(row, axis, ijk_to_ras.GetElement(row, axis) / spacing[axis])
        box_to_ras.SetElement(row, 3, middle[row])
    region.SetSize(*(n * length for n, length in zip(size_ijk, spacing, strict=True)))
    region.SetAndObserveObjectToNodeMatrix(box_to_ras)
    region.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    return region
