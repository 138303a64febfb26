"""Between segmentation nodes and segmentations in memory."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np

from ..core.notice import Notice
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .node_description import describe_node
from .node_layers import layers_of_node
from .placing import place_result

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
    """All that a node holds, on the grid in the world that Slicer writes it on, each shared labelmap as one layer.

    That is the node's reference grid, larger and finer where the segments are.

    Under a transform that bends the grid, the labels are resampled to an upright one.

    Raises:
        InputError: if the segments have no labelmap, as those of a surface model.
    """
    held = layers_of_node(node, whole=True)
    layers = np.zeros(held.shape, held.dtype)
    for n, k, plane in held.planes():
        layers[n, k] = plane
    return Segmentation(layers, held.geometry, held.segments, node=describe_node(node, held.segment_ids))


def run_to_end(pieces: Generator[None, None, T]) -> T:
    """What comes of work that is divided into pieces, done in one go."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            done: T = end.value
            return done
