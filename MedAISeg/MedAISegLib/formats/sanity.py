"""What a model of any format may say and ask for, so that a hostile or mistaken one can harm nobody."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from ..core.characters import is_line, is_text
from ..core.errors import ModelError
from ..core.terminology import UNSPECIFIED, Code, Terminology
from ..models.spec import InferenceStage, ModelSpec
from .sane_steps import LARGEST_MM, has_sane_numbers, operation_problems, window_problems

_MOST_LABEL = 65535
_MOST_CHANNELS, _MOST_STAGES, _MOST_MEMBERS, _MOST_OPERATIONS = 64, 64, 64, 100
_LONGEST_NAME, _LONGEST_TEXT = 300, 20_000
_DIVIDERS = frozenset("~^|")
"""Between the codes of a segment, in Slicer's own files."""


def require_sane(spec: ModelSpec, where: str) -> None:
    """Raises ModelError, naming the first thing that is beyond its limits."""
    for problem in _problems(spec):
        raise ModelError(f"{problem}.", where=where)


def require_countable(what: str, count: int, where: str) -> None:
    """Raises ModelError for more channels or classes than any model may have, before they are listed.

    Args:
        what: ``channels`` or ``classes``.
    """
    most = _MOST_CHANNELS if what == "channels" else _MOST_LABEL
    if count > most:
        raise ModelError(f"it has {count} {what}, and may have {most}.", where=where)


def require_few(members: Sequence[int], where: str) -> None:
    """Raises ModelError if a stage has more networks (folds) than any model.

    Args:
        members: of each stage so many networks.
    """
    most = max(members, default=0)
    if most > _MOST_MEMBERS:
        raise ModelError(f"a stage has {most} networks, and may have {_MOST_MEMBERS}.", where=where)


def _problems(spec: ModelSpec) -> Iterator[str]:
    values = [segment.label_value for segment in spec.segments]
    if any(not 0 < value <= _MOST_LABEL for value in values):
        yield f"label values are 1 to {_MOST_LABEL}, not {min(values)} to {max(values)}"
    for what, items, most in (
        ("classes", spec.classes, _MOST_LABEL),
        ("channels", spec.channels, _MOST_CHANNELS),
        ("stages", spec.stages, _MOST_STAGES),
    ):
        if len(items) > most:
            yield f"it has {len(items)} {what}, and may have {most}"
    yield from _text_problems(spec)
    for segment in spec.segments:
        if segment.color_rgb is not None and not all(0 <= value <= 255 for value in segment.color_rgb):
            yield f"the colour of {segment.name} is not three numbers from 0 to 255"
        yield from _terminology_problems(segment.terminology, segment.name)
    for number, stage in enumerate(spec.stages):
        for problem in _stage_problems(stage, len(spec.channels)):
            yield f"{problem} (stage {number})" if number else problem
    for operation in spec.postprocessing:
        yield from operation_problems(operation, len(spec.channels))


def _text_problems(spec: ModelSpec) -> Iterator[str]:
    parts = [*(s.name for s in spec.segments), *(c.name for c in spec.channels), *spec.classes]
    if not all(name.strip() for name in parts):
        yield "a channel, segment or class has no name"
    others = (text for channel in spec.channels for text in (channel.modality, channel.units))
    for name in (spec.name, spec.version, *parts, *others, *spec.variants):
        if len(name) > _LONGEST_NAME or not is_line(name):
            yield f"the name {name[:40]!r} is longer than {_LONGEST_NAME} characters or has control characters"
    texts = (spec.description, spec.anatomy, spec.license, spec.citation, spec.intended_use)
    for text in (*texts, *(notice.message for notice in spec.notices)):
        if len(text) > _LONGEST_TEXT or not is_text(text):
            what = f"the text {text[:40]!r} ... is longer than {_LONGEST_TEXT} characters"
            yield f"{what} or has control characters"


def _terminology_problems(terminology: Terminology, name: str) -> Iterator[str]:
    if terminology is UNSPECIFIED:
        return
    for part in dataclasses.fields(terminology):
        code: Code | None = getattr(terminology, part.name)
        for text in (code.value, code.scheme, code.meaning) if code else ():
            if not text.strip() or len(text) > _LONGEST_NAME:
                yield f"a code of {name} is empty or longer than {_LONGEST_NAME} characters: {text[:40]!r}"
            if not is_line(text) or not _DIVIDERS.isdisjoint(text):
                yield f"a code of {name} has control characters, or one of {' '.join(sorted(_DIVIDERS))}: {text[:40]!r}"


def _stage_problems(stage: InferenceStage, channels: int) -> Iterator[str]:
    yield from window_problems(stage.windows)
    operations = (*stage.preprocessing, *stage.restore.cleaning, *stage.postprocessing)
    if len(operations) > _MOST_OPERATIONS:
        yield f"it has {len(operations)} operations, and may have {_MOST_OPERATIONS}"
    for operation in operations:
        yield from operation_problems(operation, channels)
    if not has_sane_numbers(stage.decision) or not has_sane_numbers(stage.averaging):
        yield "its scores are weighed or decided by numbers that are out of range"
    if any(not 0 <= value <= _MOST_LABEL for value in (*stage.decision.labels, *stage.paints)):
        yield f"labels are 0 to {_MOST_LABEL}"
    if stage.crop is not None and not 0 <= stage.crop.margin_mm <= LARGEST_MM:
        yield f"the margin {stage.crop.margin_mm} mm is out of range"
