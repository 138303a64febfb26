"""A node's segments as they are now, as layers of labels on one grid in the world."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.node_description import BINARY_LABELMAP
from ..core.provenance_tags import LABEL_VALUE
from ..core.segmentation import Segment
from ..core.terminology_tag import TERMINOLOGY, terminology_from_tag
from .geometry import PlacedGrid, placed_grid
from .labelmaps import common_grid, labelmap_array, labelmap_grid, labels_on_grid, reference_grid
from .provenance_tags import read_tag, readable
from .resampling import covering_grid, resample_image
from .scene import vtk_module


@dataclass(frozen=True, eq=False)
class NodeLayer:
    """A labelmap, and the label values to be written for those in it."""

    image: Any
    new_values: Mapping[int, int]


@dataclass(frozen=True, eq=False)
class NodeLayers:
    """What a node holds.

    Attributes:
        geometry: the grid that was asked for in the world; an upright one under a transform that bends it.
        segments: in the node's order, under the names they have now.
        segment_ids: of those segments.
        dtype: of the labels, uint8 or uint16.
    """

    geometry: VolumeGeometry
    segments: tuple[Segment, ...]
    segment_ids: tuple[str, ...]
    layers: tuple[NodeLayer, ...]
    placed: PlacedGrid
    parent: Any

    @property
    def dtype(self) -> Any:
        return np.uint8 if max((s.label_value for s in self.segments), default=0) < 256 else np.uint16

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(layer, k, j, i), one empty layer where there is no segment."""
        return (max(len(self.layers), 1), *self.geometry.shape_kji)

    def planes(self) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Layer, slice and labels (j, i), in turn: a copy or a view, to be read before the node changes."""
        for n, layer in enumerate(self.layers):
            table = np.zeros(1 << 16, np.uint16)
            for old, new in layer.new_values.items():
                table[old] = new
            for k, plane in enumerate(self._planes_of(layer)):
                known = plane.astype(np.uint16, copy=False)
                yield n, k, (table[known] if known.any() else known).astype(self.dtype, copy=False)

    def _planes_of(self, layer: NodeLayer) -> Iterator[NDArray[Any]]:
        labels, local = labelmap_array(layer.image), self.placed.local
        if self.placed.exact or labels is None:
            return labels_on_grid(labels, labelmap_grid(layer.image), local)
        return self._bent_planes(layer.image)

    def _bent_planes(self, image: Any) -> Iterator[NDArray[Any]]:
        plain = vtk_module().vtkImageData()
        plain.SetDimensions(*image.GetDimensions())
        plain.GetPointData().SetScalars(image.GetPointData().GetScalars())
        for k in range(self.geometry.shape_kji[0]):
            target = self.geometry.window((k, 0, 0), (1, *self.geometry.shape_kji[1:]))
            yield resample_image(plain, labelmap_grid(image), self.parent, target, labels=True)[0]


def layers_of_node(node: Any, *, whole: bool) -> NodeLayers:
    """What a node holds now, each labelmap as one layer; nothing is copied yet.

    Args:
        whole: on the grid that holds all of it, as Slicer writes it, rather than the node's reference grid.

    Raises:
        InputError: if the segments have no labelmap, as those of a surface model.
    """
    content = node.GetSegmentation()
    if content.GetNumberOfSegments() > 0 and not content.ContainsRepresentation(BINARY_LABELMAP):
        raise InputError(
            _("the segments have no labelmap."), where=node.GetName() or "", remedy=_("Create it in Slicer.")
        )
    parent = node.GetParentTransformNode()
    placed = placed_grid(common_grid(node) if whole else reference_grid(node), parent)
    layers: list[NodeLayer] = []
    described: dict[str, Segment] = {}
    for n in range(content.GetNumberOfLayers(BINARY_LABELMAP)):
        ids = content.GetSegmentIDsForLayer(n, BINARY_LABELMAP)
        members = [content.GetSegment(segment_id) for segment_id in ids]
        values = _original_label_values(members)
        layers.append(
            NodeLayer(
                content.GetLayerDataObject(n, BINARY_LABELMAP),
                {s.GetLabelValue(): v for s, v in zip(members, values, strict=True)},
            )
        )
        described |= {i: _describe(s, v, n) for i, s, v in zip(ids, members, values, strict=True)}
    ids = tuple(content.GetSegmentIDs())
    target = placed.world if placed.exact else covering_grid(placed, parent)
    return NodeLayers(target, _with_own_names([described[i] for i in ids]), ids, tuple(layers), placed, parent)


def _original_label_values(segments: list[Any]) -> list[int]:
    """What the model called the segments of a layer: Slicer renumbers overlapping layers when it writes them.

    The values in the layer stay where a segment is not ours, or where a copy carries the same value twice.
    """
    recorded = [_label_value(read_tag(segment, LABEL_VALUE)) for segment in segments]
    if 0 not in recorded and len(set(recorded)) == len(recorded):
        return recorded
    return [segment.GetLabelValue() for segment in segments]


def _label_value(tag: str) -> int:
    """0 for what is no label."""
    value = int(tag) if re.fullmatch("0*[1-9][0-9]{0,4}", tag) else 0
    return value if value < 1 << 16 else 0


def _describe(segment: Any, label_value: int, layer: int) -> Segment:
    red, green, blue = (round(255 * value) for value in segment.GetColor())
    return Segment(
        label_value=label_value,
        name=readable(segment.GetName() or ""),
        color_rgb=(red, green, blue),
        terminology=terminology_from_tag(read_tag(segment, TERMINOLOGY)),
        layer=layer,
    )


def _with_own_names(segments: list[Segment]) -> tuple[Segment, ...]:
    """In Slicer several segments may have one name."""
    taken: set[str] = set()
    named = []
    for segment in segments:
        name, number = segment.name, 2
        while name in taken:
            name, number = f"{segment.name} ({number})", number + 1
        taken.add(name)
        named.append(replace(segment, name=name))
    return tuple(named)
