"""All that a result needs to come into the scene, made beside the scene in pieces."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from ..core.errors import InputError
from ..core.language import tr as _
from ..core.node_description import BINARY_LABELMAP
from ..core.region import OrientedBox
from ..core.result import JobResult
from ..core.segmentation import Segment, Segmentation
from .canvas import Painted, paint
from .edited import find_edited, tally_labelmap
from .labelmaps import CLOSED_SURFACE
from .merge_plan import MergePlan, plan_merge, plan_new
from .merge_roles import PlaceMode, Roles, Target, assign_roles, find_counterparts
from .output_frame import OutputFrame, cut_off_notices, frame_of_node, new_frame
from .placement import Found, Placement
from .segment_content import SegmentContent
from .surfaces import closed_surface


def prepare_new(segmentation: Segmentation, result: JobResult, source_node: Any) -> Generator[None, None, Placement]:
    """For a new node."""
    frame = new_frame(segmentation.geometry, source_node)
    plan = plan_new(segmentation, frame.local, frame.world)
    painted = yield from _paint_all(plan, None)
    fresh = yield from _find(plan.fresh, painted, frame, None)
    missing = _not_found(segmentation.segments, fresh)
    return Placement(result, frame, source_node, fresh=fresh, not_found=missing, notices=frame.notices)


def prepare_merge(
    segmentation: Segmentation, result: JobResult, source_node: Any, target: Target, region: OrientedBox | None
) -> Generator[None, None, Placement]:
    """For a node that is there.

    Raises:
        InputError: if the node keeps its segments as surfaces, or lies under a transform that bends it.
    """
    node: Any = target.node
    content = node.GetSegmentation()
    if content.GetNumberOfSegments() and content.GetSourceRepresentationName() != BINARY_LABELMAP:
        raise InputError(
            _("the segmentation keeps its segments as surfaces."), remedy=_("Choose a new segmentation as output.")
        )
    counterparts = find_counterparts(content, segmentation, result.provenance)
    candidates = content.GetSegmentIDs() if target.mode is PlaceMode.REPLACE else tuple(counterparts)
    edited = frozenset() if target.overwrite_edited else (yield from find_edited(node, candidates))
    roles = assign_roles(content, segmentation, counterparts, target, edited)
    frame = frame_of_node(node, segmentation.geometry, source_node, emptied=_is_emptied(content, roles, target, region))
    cut_off = yield from cut_off_notices(segmentation, frame.world)
    plan = plan_merge(node, segmentation, roles, frame.local, frame.world, region)
    painted = yield from _paint_all(plan, region)
    shown = content if content.ContainsRepresentation(CLOSED_SURFACE) else None
    fresh = yield from _find(plan.fresh, painted, frame, shown)
    at = [(counterpart, plan.segments[i][0]) for i, counterpart in roles.renewed.items()]
    by_name = {found.described.name: found for found in (yield from _find(at, painted, frame, shown))}
    renewed = {i: by_name[c.name] for i, c in roles.renewed.items() if c.name in by_name}
    moved = yield from _move(plan, painted, roles, content)
    left_alone = {counterparts[i].name for i in roles.protected if i in counterparts}
    wanted = [s for s in segmentation.segments if s.name not in left_alone]
    return Placement(
        result,
        frame,
        source_node,
        fresh=fresh,
        renewed=renewed,
        moved=moved,
        cut=frozenset(roles.removed) & frozenset(moved),
        removed=tuple(i for i in (*roles.renewed, *roles.removed) if i not in renewed and i not in moved),
        not_found=_not_found(wanted, (*fresh, *renewed.values())),
        kept=tuple(f"{content.GetSegment(i).GetName()} ({why.in_words()})" for i, why in roles.protected.items()),
        notices=(*frame.notices, *cut_off),
    )


def _is_emptied(content: Any, roles: Roles, target: Target, region: OrientedBox | None) -> bool:
    """Whether nothing is left of what the node held, so that it may as well lie on the result's grid."""
    if content.GetNumberOfSegments() == 0:
        return True
    gone = len(roles.renewed) + len(roles.removed)
    return target.mode is PlaceMode.REPLACE and region is None and gone == content.GetNumberOfSegments()


def _paint_all(plan: MergePlan, region: OrientedBox | None) -> Generator[None, None, list[Painted]]:
    painted: list[Painted] = []
    for canvas in plan.canvases:
        sheet = yield from paint(canvas, region)
        painted.append(sheet)
    return painted


def _find(
    segments: Iterable[tuple[Segment, int]], painted: Sequence[Painted], frame: OutputFrame, shown: Any
) -> Generator[None, None, tuple[Found, ...]]:
    """Those that have a voxel.

    Args:
        segments: with the index of their canvas.
        shown: the ``vtkSegmentation`` that shows surfaces, so that theirs are needed; else None.
    """
    found = []
    tallies = {}
    for segment, index in segments:
        sheet = painted[index]
        if sheet.tally.count(segment.label_value) == 0:
            continue
        if index not in tallies:
            on_frame = sheet.canvas.local.matches(frame.local)
            tallies[index] = sheet.tally if on_frame else (yield from tally_labelmap(sheet.image, frame.local))
        content = SegmentContent(sheet.image, segment.label_value, _surface(sheet, segment.label_value, shown))
        found.append(Found(segment, content, tallies[index].checksum(segment.label_value)))
        if shown is not None:
            yield
    return tuple(found)


def _move(
    plan: MergePlan, painted: Sequence[Painted], roles: Roles, shown: Any
) -> Generator[None, None, dict[str, SegmentContent]]:
    """The content of segments that stay, or of which a region leaves something, on a labelmap made anew."""
    moved = {}
    for segment_id, (index, value) in plan.segments.items():
        sheet = painted[index]
        if segment_id in roles.renewed or (segment_id in roles.removed and sheet.tally.count(value) == 0):
            continue
        surface = shown.GetSegment(segment_id).GetRepresentation(CLOSED_SURFACE)
        if surface is not None and segment_id in roles.removed:
            surface = _surface(sheet, value, shown)
            yield
        moved[segment_id] = SegmentContent(sheet.image, value, surface)
    return moved


def _surface(sheet: Painted, label_value: int, shown: Any) -> Any:
    if shown is None:
        return None
    return closed_surface(shown, sheet.image, label_value, sheet.tally.box(label_value))


def _not_found(wanted: Iterable[Segment], found: Iterable[Found]) -> tuple[str, ...]:
    names = {f.described.name for f in found}
    return tuple(s.name for s in wanted if s.name not in names)
