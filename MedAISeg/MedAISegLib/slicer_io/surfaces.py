"""Closed surfaces of segments, one at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.node_description import BINARY_LABELMAP
from .edited import tally_labelmap
from .event_loop import wait_cursor
from .labelmaps import CLOSED_SURFACE, labelmap_array, labelmap_grid, new_labelmap
from .node_stamp import segment_stamp
from .scene import slicer_module, vtk_module

Box = tuple[slice, slice, slice]
Made = dict[str, tuple[tuple[int, int], Any]]
"""Segment ID to what the segment was like when its surface was made, and the surface."""

_MARGIN = 1
"""Voxels of background around a segment, so that its surface closes."""

_LONG_VOXELS = 500_000
"""In the box around a segment: with more of them Slicer's converter, one call, takes over a tenth of a second."""


def show_in_3d(node: Any) -> Generator[None, None, None]:
    """Make the surfaces that are missing, yielding after each segment, then show them all.

    Closed before its end it leaves the node as it was. A segment that changes meanwhile is done again; of a node that
    is deleted meanwhile nothing is shown.
    """
    segmentation = node.GetSegmentation()
    if not segmentation.ContainsRepresentation(CLOSED_SURFACE):
        made = yield from missing_surfaces(segmentation)
        for segment_id, surface in made.items():
            segmentation.GetSegment(segment_id).AddRepresentation(CLOSED_SURFACE, surface)
        segmentation.InvokeEvent(slicer_module().vtkSegmentation.ContainedRepresentationNamesModified)
    if node.GetScene() is None:
        return
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetPreferredDisplayRepresentationName3D(CLOSED_SURFACE)
    display.SetVisibility3D(True)
    display.SetVisibility(True)


def missing_surfaces(segmentation: Any) -> Generator[None, None, dict[str, Any]]:
    """The closed surfaces of the segments of a ``vtkSegmentation`` that has none, yielding after each; it gets none.

    They are of one moment: a segment that changes meanwhile is done again.

    Returns:
        Segment ID to a ``vtkPolyData``, RAS mm before the parent transform.
    """
    made: Made = {}
    while image := _outdated_labelmap(segmentation, made):
        yield from _make_surfaces(segmentation, image, made)
    return {segment_id: surface for segment_id, (_, surface) in made.items()}


def closed_surface(segmentation: Any, image: Any, label_value: int, box: Box | None) -> Any:
    """A ``vtkPolyData``, RAS mm before the parent transform: a label's surface by Slicer's converter.

    The labelmap is cut to the segment first: the converter reads all of it, which for each of a hundred segments that
    share a large one takes seconds. A wait cursor shows where it takes its time all the same.

    Args:
        segmentation: the ``vtkSegmentation`` whose conversion parameters (smoothing) hold.
        box: (k, j, i) around the label; None where it has no voxel.
    """
    slicer = slicer_module()
    labels = labelmap_array(image)
    if labels is None or box is None:
        return vtk_module().vtkPolyData()
    segment = slicer.vtkSegment()
    segment.AddRepresentation(BINARY_LABELMAP, _cut_out(image, labels[box] == label_value, box))
    alone = slicer.vtkSegmentation()
    alone.SetSourceRepresentationName(BINARY_LABELMAP)
    alone.CopyConversionParameters(segmentation)
    alone.AddSegment(segment, "segment")
    with wait_cursor() if labels[box].size > _LONG_VOXELS else nullcontext():
        alone.CreateRepresentation(CLOSED_SURFACE)
    return segment.GetRepresentation(CLOSED_SURFACE)


def _cut_out(image: Any, mask: NDArray[np.bool_], box: Box) -> Any:
    """A labelmap of a mask (k, j, i) and what surrounds it."""
    start = [n.start - _MARGIN for n in box]
    shape = [n + 2 * _MARGIN for n in mask.shape]
    small, target = new_labelmap(labelmap_grid(image).window(start, shape), np.uint8)
    target[:] = 0
    target[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = mask
    return small


def _make_surfaces(segmentation: Any, image: Any, made: Made) -> Generator[None, None, None]:
    """The surfaces of the segments of one labelmap, yielding after each; gives up where the labelmap changes."""
    stamp = image.GetMTime()
    tally = yield from tally_labelmap(image, labelmap_grid(image))
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        if segment is None or segment.GetRepresentation(BINARY_LABELMAP) is not image:
            continue
        value = segment.GetLabelValue()
        made[segment_id] = (stamp, value), closed_surface(segmentation, image, value, tally.box(value))
        yield
        if image.GetMTime() != stamp:
            return


def _outdated_labelmap(segmentation: Any, made: Made) -> Any:
    """A labelmap with a segment whose surface is missing or not of its present voxels; None where there is none."""
    present = set(segmentation.GetSegmentIDs())
    for segment_id in set(made) - present:
        del made[segment_id]
    for segment_id in present:
        segment = segmentation.GetSegment(segment_id)
        image = segment.GetRepresentation(BINARY_LABELMAP)
        if image is not None and (segment_id not in made or made[segment_id][0] != segment_stamp(segment)):
            return image
    return None
