"""A result into the scene, in pieces: all is made beside the scene, and one short step puts it in."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import InputError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.region import OrientedBox
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from .merge_roles import PlaceMode, Target
from .node_stamp import node_stamp, place_stamp
from .placement import put_into_new_node, put_into_node
from .preparing import prepare_merge, prepare_new
from .revert import Revert
from .scene import mrml_scene

__all__ = ["PlaceMode", "Placed", "Target", "place_result"]


@dataclass(frozen=True, eq=False)
class Placed:
    """What came of it.

    Attributes:
        node: the segmentation node.
        segment_ids: what the model calls a segment, to the segment's ID in the node.
        not_found: what the model looked for and did not find: there is no segment of it.
        kept: segments that were left alone although their turn had come, and why.
        revert: the way back.
    """

    node: Any
    segment_ids: Mapping[str, str]
    not_found: tuple[str, ...]
    kept: tuple[str, ...]
    notices: tuple[Notice, ...]
    revert: Revert


def place_result(
    segmentation: Segmentation,
    result: JobResult,
    scene: Any = None,
    *,
    source_node: Any = None,
    target: Target | None = None,
    region: OrientedBox | None = None,
    name: str = "Segmentation",
) -> Generator[None, None, Placed]:
    """Put a result into a new or an existing node, yielding between pieces of work of a few milliseconds.

    If it is closed before its end the scene is as it was. If the node changes meanwhile, what was made is made anew
    from its present state, so that no edit is lost.

    Segments that the same model made are known by their tags; they keep their ID, name, colour, terminology and
    display. Segments that stay lose no voxel: where a new one overlaps them, it lies in a labelmap of its own.

    Args:
        segmentation: in the world.
        scene: where a new node goes; Slicer's own by default.
        source_node: the volume node that was segmented: a new node lies on its grid under its transform, beside it in
            the subject hierarchy, and has it as reference volume.
        region: what lies outside it in an existing node stays to the bit.
        name: of a new node.

    Raises:
        InputError: if the node is gone, keeps its segments as surfaces, or lies under a transform that bends it.
    """
    target = target or Target()
    while True:
        stamp = _stamp(target.node, source_node)
        if target.node is None:
            placement = yield from prepare_new(segmentation, result, source_node)
        else:
            placement = yield from prepare_merge(segmentation, result, source_node, target, region)
        if _stamp(target.node, source_node) == stamp:
            break
    if target.node is None:
        node, ids, revert = put_into_new_node(placement, scene or mrml_scene(), name)
    else:
        node, (ids, revert) = target.node, put_into_node(target.node, placement)
    return Placed(node, ids, placement.not_found, placement.kept, placement.notices, revert)


def _stamp(node: Any, source_node: Any) -> tuple[Any, ...]:
    """Another one as soon as what was prepared no longer holds; a source that has left the scene has no transform."""
    if node is None:
        return place_stamp(source_node)
    if node.GetScene() is None:
        raise InputError(
            _("the segmentation is no longer in the scene."), remedy=_("Choose a new segmentation as output.")
        )
    return (*place_stamp(source_node), *node_stamp(node))
