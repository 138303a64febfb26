"""Between segmentation nodes and segmentations in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from ..core.language import tr as _
from ..core.notice import Notice
from ..core.resampling import rectilinear_segmentation
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .labelmaps import BINARY_LABELMAP, new_labelmap, set_reference
from .node_layers import layers_of_node
from .placing import place_result
from .scene import slicer_module

T = TypeVar("T")


def segmentation_to_node(
    segmentation: Segmentation, result: JobResult, scene: Any, *, source_node: Any = None, name: str = "Segmentation"
) -> tuple[Any, tuple[Notice, ...]]:
    """A new ``vtkMRMLSegmentationNode`` with the segments that have a voxel.

    Each layer becomes one labelmap that its segments share, with the label values kept. Under the source volume's
    parent transform where that transform is what places the segmentation's grid, else in the world.

    Args:
        source_node: the volume node that was segmented: it becomes the reference volume, and the neighbour in the
            subject hierarchy.

    Returns:
        The node, and what a user should know, e.g. that a sheared grid had to be resampled.
    """
    placed = run_to_end(place_result(segmentation, result, scene=scene, source_node=source_node, name=name))
    return placed.node, placed.notices


def segmentation_from_node(node: Any) -> Segmentation:
    """The segments of a node on its reference grid, in the world, each shared labelmap as one layer.

    Under a transform that bends the grid, the labels are resampled to an upright one.

    Raises:
        InputError: if the segments have no labelmap, as those of a surface model.
    """
    held = layers_of_node(node)
    layers = np.zeros(held.shape, held.dtype)
    for n, k, plane in held.planes():
        layers[n, k] = plane
    return Segmentation(layers, held.geometry, held.segments)


def run_to_end(pieces: Generator[None, None, T]) -> T:
    """What comes of work that is divided into pieces, done in one go."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            done: T = end.value
            return done


@contextmanager
def in_world(node: Any) -> Iterator[tuple[Any, tuple[Notice, ...]]]:
    """A segmentation node without a parent transform: the node itself, or for a while a copy in the world.

    Slicer's own hardening is not used: it cuts segments off under a transform that bends an oblique grid.
    """
    if node.GetParentTransformNode() is None:
        yield node, ()
        return
    segmentation, notices = rectilinear_segmentation(segmentation_from_node(node), _("a segmentation in Slicer"))
    scene = node.GetScene()
    copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", node.GetName())
    try:
        content = copy.GetSegmentation()
        content.SetSourceRepresentationName(BINARY_LABELMAP)
        labelmaps = [_labelmap(segmentation, layer) for layer in range(len(segmentation.layers))]
        for segment_id, described in zip(node.GetSegmentation().GetSegmentIDs(), segmentation.segments, strict=True):
            segment = slicer_module().vtkSegment()
            segment.DeepCopyMetadata(node.GetSegmentation().GetSegment(segment_id))
            segment.SetLabelValue(described.label_value)
            segment.AddRepresentation(BINARY_LABELMAP, labelmaps[described.layer])
            content.AddSegment(segment, segment_id)
        set_reference(copy, segmentation.geometry)
        yield copy, notices
    finally:
        scene.RemoveNode(copy)


def _labelmap(segmentation: Segmentation, layer: int) -> Any:
    image, labels = new_labelmap(segmentation.geometry, segmentation.layers.dtype)
    labels[:] = segmentation.layers[layer]
    return image
