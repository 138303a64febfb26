"""Whether the parts of a description fit each other; what any model may say and ask for is :mod:`..sanity`'s."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.errors import ModelError
from ...models.spec import Argmax, InferenceStage, ModelSpec
from .description import Description, NetworkFile


def require_whole(description: Description, where: str) -> None:
    """Raises ModelError, naming what is missing or contradicts itself."""
    for problem in _problems(description):
        raise ModelError(f"{problem}.", where=where)


def require_named(spec: ModelSpec, where: str) -> None:
    """Raises ModelError if its only stage gives labels that no segment names."""
    known = {segment.label_value for segment in spec.segments}
    (stage, *others) = spec.stages
    unnamed = sorted({value for value in stage.decision.labels if value} - known)
    if unnamed and not others and not stage.paints:
        raise ModelError(f"its decision gives the labels {unnamed[:5]}, which no segment names.", where=where)


def classes_of(stage: InferenceStage, description: Description) -> int:
    """How many scores a voxel the stage's networks have to give."""
    if isinstance(stage.decision, Argmax) and not stage.decision.labels:
        return 1 + max(segment.label_value for segment in description.segments)
    return len(stage.decision.labels)


def _problems(description: Description) -> Iterator[str]:
    for what, items in (
        ("channels", description.channels),
        *([] if description.classes else [("segments", description.segments)]),
        ("stages", description.stages),
    ):
        if not items:
            yield f"it has 0 {what}"
    if len(description.networks) != len(description.stages):
        yield f"it has {len(description.stages)} stages and networks for {len(description.networks)}"
    for members in description.networks:
        if not members:
            yield "a stage has 0 networks"
        yield from (problem for member in members for problem in _member_problems(member))
    if description.classes:
        yield from _problems_of_classes(description)
    if any(not 0 <= index < len(description.stages) for index in description.merged):
        yield "merged names a stage that is not there"
    if description.ensemble is not None:
        joined = description.ensemble.stages
        if len(set(joined)) < 2 or any(not 0 <= index < len(description.stages) for index in joined):
            yield "ensemble does not name two or more of its stages"


def _member_problems(member: NetworkFile) -> Iterator[str]:
    if member.dimensions not in (2, 3):
        yield f"the network {member.file!r} has {member.dimensions} dimensions, and may have 2 or 3"
    if member.slice_axis not in (0, 1, 2):
        yield f"the network {member.file!r} sees slices across the axis {member.slice_axis}, and may across 0, 1 or 2"


def _problems_of_classes(description: Description) -> Iterator[str]:
    """A model that says what an image shows as a whole has one network, which gives one score a class."""
    if description.segments:
        yield "it has segments and classes, and a model finds either"
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
