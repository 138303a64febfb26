"""What is known of the segments of a node as they are now: origin, edits, volume and mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.provenance_tags import CHECKSUM, MODEL_ID
from ..core.result import SegmentResult
from ..slicer_io.edited import find_edited, is_surely_untouched
from ..slicer_io.merge_roles import is_completed
from ..slicer_io.node_stamp import segment_stamp
from ..slicer_io.provenance_tags import read_tag
from ..slicer_io.pump import Pump

Stamp = tuple[int, int]
"""Time of the last change of a segment's labelmap, and its label value: another stamp, other voxels."""


@dataclass(frozen=True)
class SegmentState:
    """A segment.

    Attributes:
        model_id: of the model that made it, empty for one of other origin.
        is_edited: since its run; None while that is being found out.
        measured: its numbers, None where there are none for it as it is now.
        was_measured: there were some for it as it was.
    """

    segment_id: str
    name: str
    color_rgb: tuple[int, int, int]
    model_id: str
    is_completed: bool
    is_edited: bool | None
    measured: SegmentResult | None
    was_measured: bool


class SegmentStates:
    """The states of the segments of the scene's segmentations.

    Args:
        pump: finds out what was edited, in pieces.
        changed: is called when something more is known.
    """

    def __init__(self, pump: Pump, changed: Callable[[], None]) -> None:
        self._pump, self._changed = pump, changed
        self._edited: dict[str, tuple[Stamp, bool]] = {}
        self._measured: dict[str, tuple[Stamp, SegmentResult]] = {}
        self._asked: set[tuple[str, Stamp]] = set()

    def of(self, node: Any) -> tuple[SegmentState, ...]:
        """The states of a segmentation node's segments, in the node's order; none for no node."""
        if node is None:
            return ()
        self._find_edited(node)
        return tuple(self._state(node, segment_id) for segment_id in node.GetSegmentation().GetSegmentIDs())

    def take_measured(self, node: Any, results: Mapping[str, SegmentResult]) -> None:
        """Remember numbers by segment ID, of the segments as they are now."""
        for segment_id, result in results.items():
            segment = node.GetSegmentation().GetSegment(segment_id)
            if segment is not None:
                self._measured[segment_id] = (segment_stamp(segment), result)
        self._changed()

    def forget(self) -> None:
        """The scene is another one."""
        self._edited.clear()
        self._measured.clear()
        self._asked.clear()

    def _state(self, node: Any, segment_id: str) -> SegmentState:
        segment = node.GetSegmentation().GetSegment(segment_id)
        stamp = segment_stamp(segment)
        measured_at, result = self._measured.get(segment_id, (None, None))
        return SegmentState(
            segment_id=segment_id,
            name=segment.GetName() or segment_id,
            color_rgb=_rgb(segment.GetColor()),
            model_id=read_tag(segment, MODEL_ID),
            is_completed=is_completed(segment),
            is_edited=self._is_edited(node, segment, segment_id, stamp),
            measured=result if measured_at == stamp else None,
            was_measured=result is not None,
        )

    def _is_edited(self, node: Any, segment: Any, segment_id: str, stamp: Stamp) -> bool | None:
        if not read_tag(segment, CHECKSUM) or is_surely_untouched(node, segment_id):
            return False
        known_at, is_edited = self._edited.get(segment_id, (None, False))
        return is_edited if known_at == stamp else None

    def _find_edited(self, node: Any) -> None:
        doubtful = {
            segment_id: stamp
            for segment_id, stamp in _stamps(node)
            if read_tag(node.GetSegmentation().GetSegment(segment_id), CHECKSUM)
            and not is_surely_untouched(node, segment_id)
            and (segment_id, stamp) not in self._asked
        }
        if not doubtful:
            return
        self._asked |= set(doubtful.items())

        def done(edited: frozenset[str]) -> None:
            self._edited |= {i: (stamp, i in edited) for i, stamp in doubtful.items()}
            self._changed()

        self._pump.add(find_edited(node, doubtful), on_done=done)


def _stamps(node: Any) -> Iterator[tuple[str, Stamp]]:
    content = node.GetSegmentation()
    return ((segment_id, segment_stamp(content.GetSegment(segment_id))) for segment_id in content.GetSegmentIDs())


def _rgb(color: Iterable[float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in color)
    return red, green, blue
