"""What numbers in a description may be, so that a hostile or mistaken one cannot exhaust the machine."""

from __future__ import annotations

import dataclasses
import math
import unicodedata
from collections.abc import Iterator
from typing import Any

from ...core.errors import ModelError
from ...models import operations as op
from ...models.spec import Argmax, InferenceStage, Windows
from .description import Description, NetworkFile

_MOST_LABEL = 65535
_LONGEST_NAME, _LONGEST_TEXT = 300, 20_000
_MOST_CHANNELS, _MOST_STAGES, _MOST_MEMBERS, _MOST_OPERATIONS = 64, 64, 64, 100
_LONGEST_WINDOW, _MOST_WINDOW_VOXELS, _LARGEST_BATCH, _MOST_FLIPS = 4096, 2**28, 64, 64
_SMALLEST_SPACING_MM, _LARGEST_SPACING_MM = 0.01, 1000.0
_LARGEST_NUMBER = 1e12
_LENGTHS = (op.PadToSize, op.PadToMultiple, op.ResizeTo)


def require_sane(description: Description, where: str) -> None:
    """Raises ModelError, naming what is beyond its limits."""
    for problem in _problems(description):
        raise ModelError(f"{problem}.", where=where)


def classes_of(stage: InferenceStage, description: Description) -> int:
    """How many scores a voxel the stage's networks have to give."""
    if isinstance(stage.decision, Argmax) and not stage.decision.labels:
        return 1 + max(segment.label_value for segment in description.segments)
    return len(stage.decision.labels)


def _problems(description: Description) -> Iterator[str]:
    yield from _counts(description)
    yield from _texts(description)
    if description.classes:
        yield from _problems_of_classes(description)
    labels = [segment.label_value for segment in description.segments]
    if any(not 1 <= value <= _MOST_LABEL for value in labels):
        yield f"label values are 1 to {_MOST_LABEL}, not {min(labels)} to {max(labels)}"
    for segment in description.segments:
        if segment.color_rgb is not None and not all(0 <= value <= 255 for value in segment.color_rgb):
            yield f"the colour of {segment.name} is not three numbers from 0 to 255"
    if any(not 0 <= index < len(description.stages) for index in description.merged):
        yield "merged names a stage that is not there"
    if description.ensemble is not None:
        joined = description.ensemble.stages
        if len(set(joined)) < 2 or any(not 0 <= index < len(description.stages) for index in joined):
            yield "ensemble does not name two or more of its stages"
    for number, stage in enumerate(description.stages):
        for problem in _stage_problems(stage, description):
            yield f"stages[{number}]: {problem}"


def _counts(description: Description) -> Iterator[str]:
    for what, items, most in (
        ("channels", description.channels, _MOST_CHANNELS),
        *([] if description.classes else [("segments", description.segments, _MOST_LABEL)]),
        ("stages", description.stages, _MOST_STAGES),
    ):
        if not 1 <= len(items) <= most:
            yield f"it has {len(items)} {what}, and may have 1 to {most}"
    if len(description.networks) != len(description.stages):
        yield f"it has {len(description.stages)} stages and networks for {len(description.networks)}"
    for members in description.networks:
        if not 1 <= len(members) <= _MOST_MEMBERS:
            yield f"a stage has {len(members)} networks, and may have 1 to {_MOST_MEMBERS}"
        yield from (problem for member in members for problem in _member_problems(member))


def _member_problems(member: NetworkFile) -> Iterator[str]:
    if member.dimensions not in (2, 3):
        yield f"the network {member.file} has {member.dimensions} dimensions, and may have 2 or 3"
    if member.slice_axis not in (0, 1, 2):
        yield f"the network {member.file} sees slices across the axis {member.slice_axis}, and may across 0, 1 or 2"


def _texts(description: Description) -> Iterator[str]:
    parts = [*(s.name for s in description.segments), *(c.name for c in description.channels), *description.classes]
    for name in (description.name, *parts):
        if len(name) > _LONGEST_NAME or any(unicodedata.category(letter) == "Cc" for letter in name):
            yield f"the name {name[:40]!r} is longer than {_LONGEST_NAME} characters or holds control characters"
    if not all(name.strip() for name in parts):
        yield "a channel, segment or class has no name"
    for name in ("version", "description", "anatomy", "license", "citation", "intended_use"):
        if len(getattr(description, name)) > _LONGEST_TEXT:
            yield f"{name} is longer than {_LONGEST_TEXT} characters"


def _problems_of_classes(description: Description) -> Iterator[str]:
    """A model that says what an image shows as a whole has one network, which gives one score a class."""
    if description.segments:
        yield "it has segments and classes, and a model finds either"
    if len(description.classes) > _MOST_LABEL:
        yield f"it has {len(description.classes)} classes, and may have {_MOST_LABEL}"
    if len(description.stages) != 1 or [len(members) for members in description.networks] != [1]:
        yield "a model with classes has one stage with one network"
        return
    ((member,),), (stage,) = description.networks, description.stages
    cleaned = (stage.decision.labels, stage.paints, stage.postprocessing, stage.restore.cleaning)
    if any(cleaned) or description.postprocessing or description.merged:
        yield "it says what is to be done with labels, and a model with classes finds none"
    if (member.dimensions == 2) is not stage.slicewise or (1 in (stage.windows.size or ())) is not stage.slicewise:
        yield "a flat image has 2 dimensions, goes slicewise, and has a window that is 1 long; a volume none of that"
    if member.slice_axis:
        yield "a model with classes sees slices across the last axis of what is prepared, and has no slice_axis"


def _stage_problems(stage: InferenceStage, description: Description) -> Iterator[str]:
    yield from _window_problems(stage.windows)
    operations = (*stage.preprocessing, *stage.postprocessing)
    if len(operations) > _MOST_OPERATIONS:
        yield f"it has {len(operations)} operations, and may have {_MOST_OPERATIONS}"
    for operation in operations:
        yield from _operation_problems(operation, len(description.channels))
    if any(not 0 <= value <= _MOST_LABEL for value in (*stage.decision.labels, *stage.paints)):
        yield f"labels are 0 to {_MOST_LABEL}"
    known = {segment.label_value for segment in description.segments}
    unnamed = sorted({value for value in stage.decision.labels if value} - known)
    if len(description.stages) == 1 and not stage.paints and unnamed:
        yield f"its decision gives the labels {unnamed[:5]}, which no segment names"
    if stage.crop is not None and not 0 <= stage.crop.margin_mm <= _LARGEST_SPACING_MM:
        yield f"the margin {stage.crop.margin_mm} mm is out of range"


def _window_problems(windows: Windows) -> Iterator[str]:
    size = windows.size or (0, 0, 0)
    voxels = math.prod(length or 1 for length in size)
    if any(not 0 <= length <= _LONGEST_WINDOW for length in size) or voxels > _MOST_WINDOW_VOXELS:
        yield f"the window {list(size)} is too large"
    if not all(0 <= share < 1 for share in windows.overlap):
        yield f"the overlap {list(windows.overlap)} is not from 0 to below 1"
    if not 0 < windows.sigma_scale <= 10 or not 1 <= windows.batch <= _LARGEST_BATCH:
        yield f"sigma_scale {windows.sigma_scale} or batch {windows.batch} is out of range"
    axes = [axis for flip in windows.test_time_flips for axis in flip]
    if len(windows.test_time_flips) > _MOST_FLIPS or any(axis not in (0, 1, 2) for axis in axes):
        yield "test_time_flips are sets of the axes 0, 1 and 2"


def _operation_problems(operation: Any, channels: int) -> Iterator[str]:
    name = type(operation).__name__
    if isinstance(operation, op.OnChannel):
        if not 0 <= operation.channel < channels:
            yield f"{name} names channel {operation.channel} of {channels}"
        yield from _operation_problems(operation.operation, channels)
        return
    numbers = list(_numbers(operation))
    if any(not math.isfinite(value) or abs(value) > _LARGEST_NUMBER for value in numbers):
        yield f"{name} has numbers that are out of range"
    if isinstance(operation, _LENGTHS) and any(not 0 <= value <= _LONGEST_WINDOW for value in numbers):
        yield f"{name} asks for lengths beyond 0 to {_LONGEST_WINDOW}"
    if isinstance(operation, op.Conform) and not 1 <= operation.size <= _LONGEST_WINDOW // 4:
        yield f"{name} asks for a cube of {operation.size} voxels"
    if isinstance(operation, op.CropForeground) and not 0 <= operation.margin <= _LONGEST_WINDOW:
        yield f"{name} asks for a margin of {operation.margin} voxels"
    if isinstance(operation, op.Transpose) and sorted(operation.order) != [0, 1, 2]:
        yield f"{name} has the order {list(operation.order)}"
    if isinstance(operation, op.ZScoreInside) and any(not 0 <= c < channels for c in operation.channels):
        yield f"{name} names channels {list(operation.channels)} of {channels}"
    if isinstance(operation, (op.Orient, op.Conform)) and not _is_orientation(operation.axis_codes):
        yield f"{name} has the axes {operation.axis_codes[:10]!r}"
    yield from _spacing_problems(operation, name)


def _spacing_problems(operation: Any, name: str) -> Iterator[str]:
    spacing = getattr(operation, "spacing_mm", ())
    values = spacing if isinstance(spacing, tuple) else (spacing,)
    kept = (0.0,) if isinstance(spacing, tuple) else ()
    if any(value not in kept and not _SMALLEST_SPACING_MM <= value <= _LARGEST_SPACING_MM for value in values):
        yield f"{name} asks for a spacing beyond {_SMALLEST_SPACING_MM} to {_LARGEST_SPACING_MM} mm"


def _is_orientation(codes: str) -> bool:
    sides = ("RL", "AP", "IS")
    return len(codes) == 3 and all(sum(letter in pair for letter in codes) == 1 for pair in sides)


def _numbers(value: Any) -> Iterator[float]:
    if dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            yield from _numbers(getattr(value, item.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)
