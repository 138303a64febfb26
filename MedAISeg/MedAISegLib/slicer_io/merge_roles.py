"""What becomes of each segment of an existing node when a result is put into it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..core.language import tr as _
from ..core.provenance_tags import LABEL_VALUE, MODEL_ID, SEGMENT_NAME, tag_text
from ..core.result import Provenance
from ..core.segmentation import Segment, Segmentation
from .provenance_tags import read_tag
from .scene import slicer_module


class PlaceMode(Enum):
    """What of an existing node makes room for a result: all of its segments, or this model's."""

    REPLACE = "replace"
    UPDATE = "update"


@dataclass(frozen=True, eq=False)
class Target:
    """Where a result goes.

    Attributes:
        node: a ``vtkMRMLSegmentationNode``; None for a new one.
        mode: which of its segments make room. Under REPLACE those of other origin go as well.
        overwrite_edited: also segments that were edited since a run made them.
        kept: IDs of segments that the user has unticked. They stay, as do those whose status is Completed.
    """

    node: Any | None = None
    mode: PlaceMode = PlaceMode.UPDATE
    overwrite_edited: bool = False
    kept: frozenset[str] = frozenset()


class Reason(Enum):
    """Why a segment is left alone."""

    COMPLETED = "completed"
    UNTICKED = "unticked"
    EDITED = "edited"

    def in_words(self) -> str:
        """For a user, as half a sentence."""
        if self is Reason.COMPLETED:
            return _("its status is Completed")
        return _("it was not ticked") if self is Reason.UNTICKED else _("it was edited since the run")


@dataclass(frozen=True)
class Roles:
    """The parts that segments play.

    Attributes:
        renewed: segment ID to the segment of the result that takes its place.
        removed: IDs of segments that go, where there is a region only inside it.
        protected: ID to why it stays although its turn had come.
        fresh: segments of the result that have no counterpart in the node.
    """

    renewed: Mapping[str, Segment]
    removed: tuple[str, ...]
    protected: Mapping[str, Reason]
    fresh: tuple[Segment, ...]


def find_counterparts(content: Any, segmentation: Segmentation, provenance: Provenance) -> dict[str, Segment]:
    """Segment ID to segment of the result, for those that the same model made, whatever they are called now.

    A new version of a model may number its labels anew, so the name that the model gave a segment comes first; where a
    user has made a copy of a segment, the copy is the user's own.
    """
    by_name = {tag_text(s.name): s for s in segmentation.segments}
    by_value = {str(s.label_value): s for s in segmentation.segments}
    found: dict[str, Segment] = {}
    taken: set[str] = set()
    for segment_id in content.GetSegmentIDs():
        segment = content.GetSegment(segment_id)
        if read_tag(segment, MODEL_ID) != tag_text(provenance.model_id):
            continue
        name = read_tag(segment, SEGMENT_NAME)
        counterpart = by_name.get(name) if name else by_value.get(read_tag(segment, LABEL_VALUE))
        if counterpart is not None and counterpart.name not in taken:
            found[segment_id] = counterpart
            taken.add(counterpart.name)
    return found


def assign_roles(
    content: Any,
    segmentation: Segmentation,
    counterparts: Mapping[str, Segment],
    target: Target,
    edited: Set[str],
) -> Roles:
    """Who is renewed, who goes and who stays.

    Args:
        content: the node's ``vtkSegmentation``.
        counterparts: of :func:`find_counterparts`.
        edited: IDs of segments that were changed since a run and may not be overwritten.
    """
    concerned = list(content.GetSegmentIDs()) if target.mode is PlaceMode.REPLACE else list(counterparts)
    protected = {
        segment_id: reason
        for segment_id in concerned
        if (reason := _reason(content.GetSegment(segment_id), segment_id, target.kept, edited)) is not None
    }
    free = [segment_id for segment_id in concerned if segment_id not in protected]
    renewed = {segment_id: counterparts[segment_id] for segment_id in free if segment_id in counterparts}
    known = {segment.name for segment in counterparts.values()}
    return Roles(
        renewed=renewed,
        removed=tuple(segment_id for segment_id in free if segment_id not in counterparts),
        protected=protected,
        fresh=tuple(s for s in segmentation.segments if s.name not in known),
    )


def is_completed(segment: Any) -> bool:
    """Whether the user has set a segment's status to Completed."""
    logic = slicer_module().vtkSlicerSegmentationsModuleLogic
    return bool(logic.GetSegmentStatus(segment) == logic.Completed)


def _reason(segment: Any, segment_id: str, unticked: Set[str], edited: Set[str]) -> Reason | None:
    if is_completed(segment):
        return Reason.COMPLETED
    if segment_id in unticked:
        return Reason.UNTICKED
    return Reason.EDITED if segment_id in edited else None
