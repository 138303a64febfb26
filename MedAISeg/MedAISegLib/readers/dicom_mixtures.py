"""Slices of one series, size and orientation that are not one image, although their places would allow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.language import tr as _
from .dicom_records import Frame
from .dicom_series import Stack, is_projection
from .dicom_split import distances_mm, places_of, words_for

_CONTRASTS = (
    "EchoTime", "EchoNumbers", "InversionTime", "FlipAngle", "DiffusionBValue", "SequenceName", "ConvolutionKernel",
)  # fmt: skip
"""Marks that all slices of a volume share, those first that say most plainly what differs."""

_SAME_VALUE = 0.05
"""Values that differ by no more than this share of the larger are one setting, which the scanner has tuned."""

_UNEVEN_SHARE = 0.1
_VALUES_NAMED = 4


@dataclass(frozen=True, eq=False)
class Mixture:
    """Several images in one stack.

    Attributes:
        what: they are told apart by, in a user's words.
        groups: a stack for each, none where they do not form volumes of their own.
    """

    what: str
    groups: tuple[Stack, ...] = ()


def mixture_of(stack: Stack) -> Mixture | None:
    """What a stack mixes: frames of reference (PS3.3 C.7.4.1: one for a series), else contrasts at different places.

    Contrasts at the same places are volumes of one grid, and :mod:`dicom_split`'s business.
    """
    if is_projection(stack.first):
        return None
    return _of_reference(stack) or _of_contrast(stack)


def _of_reference(stack: Stack) -> Mixture | None:
    by_path = {instance.path: instance.frame_of_reference_uid for instance in stack.instances}
    groups = _grouped(stack.frames, [by_path[frame.path] for frame in stack.frames])
    if len(groups) == 1:
        return None
    what = _("{count} frames of reference (FrameOfReferenceUID)").format(count=len(groups))
    # One that is not given may be that of the others.
    are_known = "" not in groups
    return Mixture(what, _stacks(stack, groups) if are_known and min(map(len, groups.values())) > 1 else ())


def _of_contrast(stack: Stack) -> Mixture | None:
    are_known = all(frame.marks for frame in stack.frames)
    if not are_known or len(set(places_of(stack.frames))) < len(stack.frames):
        return None
    for mark in _CONTRASTS:
        groups = _grouped(stack.frames, _settings([frame.marks.get(mark, "") for frame in stack.frames]))
        if len(groups) > 1:
            values = ", ".join(value or _("none") for value in list(groups)[:_VALUES_NAMED])
            more = ", …" if len(groups) > _VALUES_NAMED else ""
            what = _("slices of different {mark} ({values})").format(mark=words_for(mark), values=values + more)
            return Mixture(what, _stacks(stack, groups) if all(map(_is_even, groups.values())) else ())
    return None


def _settings(values: Sequence[str]) -> list[str]:
    """The same with values that are as good as equal replaced by the lowest of them."""
    try:
        numbers = sorted({float(value) for value in values})
    except ValueError:
        return list(values)
    if not np.isfinite(numbers).all():
        return list(values)
    lowest: dict[float, float] = {}
    begin = numbers[0]
    for number in numbers:
        if abs(number - begin) > _SAME_VALUE * max(abs(number), abs(begin)):
            begin = number
        lowest[number] = begin
    return [f"{lowest[float(value)]:g}" for value in values]


def _is_even(frames: Sequence[Frame]) -> bool:
    """Whether the slices are several and stand evenly, as those of a volume of its own do."""
    gaps = np.diff(np.sort(distances_mm(frames)))
    return bool(gaps.size and np.abs(gaps - gaps.mean()).max() <= _UNEVEN_SHARE * gaps.mean())


def _grouped(frames: Sequence[Frame], keys: Sequence[str]) -> dict[str, list[Frame]]:
    groups: dict[str, list[Frame]] = {}
    for frame, key in zip(frames, keys, strict=True):
        groups.setdefault(key, []).append(frame)
    return groups


def _stacks(stack: Stack, groups: Mapping[str, Sequence[Frame]]) -> tuple[Stack, ...]:
    return tuple(_part(stack, frames) for frames in groups.values())


def _part(stack: Stack, frames: Sequence[Frame]) -> Stack:
    members, paths = set(frames), {frame.path for frame in frames}
    return replace(
        stack,
        instances=tuple(instance for instance in stack.instances if instance.path in paths),
        frames=tuple(frames),
        copies=tuple(pair for pair in stack.copies if pair[0] in members),
    )
