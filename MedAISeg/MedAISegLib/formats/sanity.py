"""What a model of any format may ask for, so that a hostile or mistaken one cannot exhaust the machine."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator

from ..core.errors import ModelError
from ..models import operations as op
from ..models.spec import InferenceStage, ModelSpec

_MOST_LABEL = 65535
_LONGEST_NAME, _LONGEST_TEXT = 300, 20_000
_MOST_CHANNELS = 64
_MOST_FLIPS = 64
_MOST_IMAGE_VOXELS = 2**31
_LONGEST_WINDOW, _MOST_WINDOW_VOXELS = 4096, 2**28


def require_sane(spec: ModelSpec, where: str) -> None:
    """Raises ModelError, naming the first thing that is beyond its limits."""
    for problem in _problems(spec):
        raise ModelError(f"{problem}.", where=where)


def _problems(spec: ModelSpec) -> Iterator[str]:
    values = [segment.label_value for segment in spec.segments]
    if any(not 0 < value <= _MOST_LABEL for value in values):
        yield f"label values are 1 to {_MOST_LABEL}, not {min(values)} to {max(values)}"
    if len(spec.classes) > _MOST_LABEL:
        yield f"it has {len(spec.classes)} classes, and may have {_MOST_LABEL}"
    if len(spec.channels) > _MOST_CHANNELS:
        yield f"it has {len(spec.channels)} channels, and may have {_MOST_CHANNELS}"
    for name in (spec.name, *(s.name for s in spec.segments), *(c.name for c in spec.channels), *spec.classes):
        if len(name) > _LONGEST_NAME or any(unicodedata.category(letter) == "Cc" for letter in name):
            yield f"the name {name[:40]!r} is longer than {_LONGEST_NAME} characters or has control characters"
    for text in (spec.version, spec.description, spec.anatomy, spec.license, spec.citation, spec.intended_use):
        if len(text) > _LONGEST_TEXT:
            yield f"one of its texts is longer than {_LONGEST_TEXT} characters"
    for stage in spec.stages:
        yield from _window_problems(stage)
        for operation in stage.preprocessing:
            yield from _operation_problems(operation.operation if isinstance(operation, op.OnChannel) else operation)


def _window_problems(stage: InferenceStage) -> Iterator[str]:
    size = stage.windows.size or (0, 0, 0)
    voxels = math.prod(length or 1 for length in size)
    if any(not 0 <= length <= _LONGEST_WINDOW for length in size) or voxels > _MOST_WINDOW_VOXELS:
        yield f"the window of {' x '.join(map(str, size))} voxels is too large"
    if not all(0 <= share < 1 for share in stage.windows.overlap):
        yield f"its windows overlap by {list(stage.windows.overlap)} of their length, and may by 0 to below 1"
    flips = stage.windows.test_time_flips
    if len(flips) > _MOST_FLIPS or any(axis not in (0, 1, 2) for flip in flips for axis in flip):
        yield "its windows are mirrored along axes that they do not have"


def _operation_problems(operation: op.Operation) -> Iterator[str]:
    if isinstance(operation, op.ScalePercentiles):
        if not (0 <= operation.lower <= 100 and 0 <= operation.upper <= 100):
            yield f"its percentiles {operation.lower} and {operation.upper} are not from 0 to 100"
    elif isinstance(operation, op.Zoom):
        if not all(0 < spacing < math.inf for spacing in operation.spacing_mm):
            yield f"no image has the spacing {list(operation.spacing_mm)} mm"
    elif isinstance(operation, (op.PadToSize, op.ResizeTo)):
        voxels = math.prod(max(length, 1) for length in operation.size)
        if voxels > _MOST_IMAGE_VOXELS or min(operation.size) < 0:
            yield f"an image of {' x '.join(map(str, operation.size))} voxels is too large"
