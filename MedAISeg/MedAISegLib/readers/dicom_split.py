"""Frames of one series that lie at the same places: several volumes, if a tag tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .dicom_attributes import MARKS
from .dicom_records import Frame

SAME_PLACE_MM = 0.005

_ORDERED = ("AcquisitionDateTime", "AcquisitionTime", "ContentTime", "InstanceNumber")
"""Marks that grow in the order of acquisition, but need not be the same for all slices of a volume."""

_WORDS = {
    "TemporalPositionIdentifier": "time point", "TemporalPositionIndex": "time point", "StackID": "stack",
    "FrameReferenceTime": "frame reference time", "DiffusionBValue": "b-value",
    "DiffusionGradientOrientation": "diffusion direction", "SequenceName": "sequence", "EchoTime": "echo time",
    "EchoNumbers": "echo", "InversionTime": "inversion time", "FlipAngle": "flip angle",
    "NominalPercentageOfCardiacPhase": "cardiac phase", "TriggerTime": "trigger time", "ImageType": "image type",
    "ConvolutionKernel": "kernel", "KVP": "kVp", "AcquisitionNumber": "acquisition",
    "AcquisitionDateTime": "acquisition time", "AcquisitionTime": "acquisition time", "ContentTime": "content time",
    "InstanceNumber": "instance number",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """Frames at places that all differ, and by what they stand out among the series' parts, e.g. ``echo time 4.6``."""

    frames: tuple[Frame, ...]
    label: str = ""


def split(frames: Sequence[Frame]) -> tuple[Part, ...] | None:
    """Frames of equal orientation as parts of one volume each.

    Returns:
        None where frames share a place and no tag tells them apart: only their pixels can say whether they are copies.

    Raises:
        InputError: if all frames lie at one place and are told apart by tags: a single slice watched over time.
    """
    places = places_of(frames)
    if len(set(places)) == len(frames):
        return (Part(tuple(frames)),)
    present = [mark for mark in MARKS if len({frame.marks.get(mark, "") for frame in frames}) > 1]
    if len(set(places)) == 1:
        if present:
            raise InputError(
                f"all {len(frames)} images lie at one place: a slice watched over time, not a volume.",
                remedy="Choose another series.",
            )
        return None
    for marks in (*((mark,) for mark in present), *combinations(present, 2)):
        parts = _by_marks(frames, places, marks)
        if parts:
            return parts
    for mark in _ORDERED:
        parts = _by_rank(frames, places, mark)
        if parts:
            return parts
    return None


def places_of(frames: Sequence[Frame]) -> list[int]:
    """For each frame the number of its place along the normal; frames at one place share it."""
    distances = distances_mm(frames)
    order = np.argsort(distances, kind="stable")
    steps = np.diff(distances[order]) > SAME_PLACE_MM
    places = np.empty(len(frames), dtype=int)
    places[order] = np.concatenate([[0], np.cumsum(steps)])
    return [int(place) for place in places]


def distances_mm(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """(n,) distance of each frame's plane along the normal of the first."""
    return np.asarray(np.array([frame.position_lps for frame in frames], dtype=np.float64) @ frames[0].normal)


def words_for(mark: str) -> str:
    """What a user calls a mark."""
    return _WORDS[mark]


def _by_marks(frames: Sequence[Frame], places: Sequence[int], marks: Sequence[str]) -> tuple[Part, ...] | None:
    """Parts of equal marks, if every part has each place once."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, frame in enumerate(frames):
        groups.setdefault(tuple(frame.marks.get(mark, "") for mark in marks), []).append(number)
    all_places = sorted(set(places))
    if any(sorted(places[n] for n in group) != all_places for group in groups.values()):
        return None
    return tuple(
        Part(
            tuple(frames[n] for n in groups[key]),
            ", ".join(f"{_WORDS[mark]} {value or 'none'}" for mark, value in zip(marks, key, strict=True)),
        )
        for key in sorted(groups, key=lambda key: [_sortable(value) for value in key])
    )


def _by_rank(frames: Sequence[Frame], places: Sequence[int], mark: str) -> tuple[Part, ...] | None:
    """The first of each place, the second of each place, …, if every place has as many and the mark orders them."""
    by_place: dict[int, list[Frame]] = {}
    for frame, place in zip(frames, places, strict=True):
        by_place.setdefault(place, []).append(frame)
    counts = {len(group) for group in by_place.values()}
    if len(counts) != 1 or any(len({f.marks.get(mark, "") for f in group}) < len(group) for group in by_place.values()):
        return None
    ranked = [sorted(group, key=lambda f: _sortable(f.marks.get(mark, ""))) for group in by_place.values()]
    total = counts.pop()
    return tuple(
        Part(tuple(group[n] for group in ranked), f"number {n + 1} of {total} by {_WORDS[mark]}") for n in range(total)
    )


def _sortable(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value
