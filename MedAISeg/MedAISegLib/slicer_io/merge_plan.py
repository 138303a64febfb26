"""Which labelmaps have to be made so that a result comes into a segmentation node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.geometry import VolumeGeometry
from ..core.node_description import BINARY_LABELMAP
from ..core.region import OrientedBox
from ..core.segmentation import Segment, Segmentation
from .canvas import Canvas, Source, Where
from .labelmaps import aligned_offset, labelmap_array, labelmap_grid
from .merge_roles import Roles
from .output_frame import world_grid


@dataclass(frozen=True, eq=False)
class MergePlan:
    """What is to be made and who gets it.

    Attributes:
        canvases: the labelmaps to be made.
        segments: ID of an existing segment to (index of its canvas, its label value there).
        fresh: segments of the result that are new to the node, with the index of their canvas.
    """

    canvases: tuple[Canvas, ...]
    segments: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fresh: tuple[tuple[Segment, int], ...] = ()


def plan_new(segmentation: Segmentation, local: VolumeGeometry, world: VolumeGeometry) -> MergePlan:
    """Every segment into an empty node: one labelmap a layer, shared by the layer's segments."""
    draft = _Draft(segmentation, local, world, None)
    for segment in segmentation.segments:
        draft.add_fresh(segment)
    return draft.plan()


def plan_merge(
    node: Any,
    segmentation: Segmentation,
    roles: Roles,
    local: VolumeGeometry,
    world: VolumeGeometry,
    region: OrientedBox | None,
) -> MergePlan:
    """The result into a node that has segments.

    No voxel of a segment that stays is painted over: what comes lies in labelmaps of its own, and a labelmap that some
    segments leave is made anew for those that stay, so that no label without a segment remains in it. With a region,
    segments keep what lies outside it on the grid on which it lies, to the bit.

    Args:
        local: the node's reference grid before its parent transform.
        world: the same grid in the world.

    Raises:
        InputError: if a transform bends a grid of the node.
    """
    draft = _Draft(segmentation, local, world, region)
    for segment_id, counterpart in roles.renewed.items():
        draft.add_renewed(node, segment_id, counterpart)
    for segment in roles.fresh:
        draft.add_fresh(segment)
    content = node.GetSegmentation()
    for layer in range(content.GetNumberOfLayers(BINARY_LABELMAP)):
        draft.keep_rest(node, content.GetSegmentIDsForLayer(layer, BINARY_LABELMAP), roles)
    return draft.plan()


@dataclass(eq=False)
class _Sheet:
    """A canvas in the making: labels of a layer of the result, and of the labelmap that some of them replace."""

    local: VolumeGeometry
    world: VolumeGeometry
    result_values: dict[int, int] = field(default_factory=dict)
    former_values: dict[int, int] = field(default_factory=dict)


class _Draft:
    """A plan in the making."""

    def __init__(
        self, segmentation: Segmentation, local: VolumeGeometry, world: VolumeGeometry, region: OrientedBox | None
    ) -> None:
        self._result = segmentation
        self._local, self._world, self._region = local, world, region
        self._sheets: dict[tuple[int, Any], _Sheet] = {}
        self._segments: dict[str, tuple[tuple[int, Any], int]] = {}
        self._fresh: list[tuple[Segment, tuple[int, Any]]] = []
        self._rests: list[tuple[Canvas, dict[str, int]]] = []

    def plan(self) -> MergePlan:
        position = {key: n for n, key in enumerate(self._sheets)}
        segments = {i: (position[key], value) for i, (key, value) in self._segments.items()}
        for n, (_, values) in enumerate(self._rests, start=len(position)):
            segments |= {segment_id: (n, value) for segment_id, value in values.items()}
        canvases = [self._canvas(*key, sheet) for key, sheet in self._sheets.items()]
        return MergePlan(
            (*canvases, *(canvas for canvas, _ in self._rests)),
            segments,
            tuple((segment, position[key]) for segment, key in self._fresh),
        )

    def add_fresh(self, segment: Segment) -> None:
        key = next((key for key in self._sheets if key[0] == segment.layer), (segment.layer, None))
        sheet = self._sheets.setdefault(key, _Sheet(self._local, self._world))
        sheet.result_values[segment.label_value] = segment.label_value
        self._fresh.append((segment, key))

    def add_renewed(self, node: Any, segment_id: str, counterpart: Segment) -> None:
        segment = node.GetSegmentation().GetSegment(segment_id)
        image = segment.GetRepresentation(BINARY_LABELMAP) if self._region is not None else None
        key = (counterpart.layer, image if labelmap_array(image) is not None else None)
        if key not in self._sheets:
            local = self._local if key[1] is None else self._extended(labelmap_grid(image))
            self._sheets[key] = _Sheet(local, world_grid(node, local))
        self._sheets[key].result_values[counterpart.label_value] = counterpart.label_value
        if key[1] is not None:
            self._sheets[key].former_values[segment.GetLabelValue()] = counterpart.label_value
        self._segments[segment_id] = (key, counterpart.label_value)

    def keep_rest(self, node: Any, segment_ids: tuple[str, ...], roles: Roles) -> None:
        """What stays of a labelmap that some of its segments leave."""
        content = node.GetSegmentation()
        values = {i: content.GetSegment(i).GetLabelValue() for i in segment_ids}
        leaving = {i for i in segment_ids if i in roles.renewed or i in roles.removed}
        staying = {i: values[i] for i in segment_ids if i not in leaving}
        cut = {i: values[i] for i in segment_ids if i in roles.removed} if self._region is not None else {}
        image = content.GetSegment(segment_ids[0]).GetRepresentation(BINARY_LABELMAP)
        labels = labelmap_array(image)
        if not leaving or labels is None or not (staying or cut):
            return
        grid = labelmap_grid(image)
        sources = (
            Source(labels, grid, {value: value for value in staying.values()}),
            Source(labels, grid, {value: value for value in cut.values()}, Where.OUTSIDE),
        )
        self._rests.append((Canvas(grid, world_grid(node, grid), sources), staying | cut))

    def _extended(self, grid: VolumeGeometry) -> VolumeGeometry:
        """The lattice of a former labelmap, as far as the labelmap or the reference grid reach."""
        if (offset := aligned_offset(self._local, grid)) is not None:
            low, high = np.array(offset), np.array(offset) + self._local.shape_kji
        else:
            at = grid.lps_to_index(self._local.corners_lps())
            low, high = np.floor(at.min(axis=0) + 0.5).astype(int), np.ceil(at.max(axis=0) + 0.5).astype(int)
        low, high = np.minimum(low, 0), np.maximum(high, grid.shape_kji)
        return grid.window([int(n) for n in low], [int(n) for n in high - low])

    def _canvas(self, layer: int, image: Any, sheet: _Sheet) -> Canvas:
        where = Where.EVERYWHERE if self._region is None else Where.INSIDE
        labels, geometry = self._result.layers[layer], self._result.geometry
        sources = [Source(labels, geometry, sheet.result_values, where, in_world=True)]
        if image is not None:
            former = labelmap_array(image), labelmap_grid(image)
            sources.append(Source(*former, sheet.former_values, Where.OUTSIDE))
        return Canvas(sheet.local, sheet.world, tuple(sources))
