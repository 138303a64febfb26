"""A stage as a run takes it: its networks, and which of its windows may be left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import torch

from ..core.case import Case
from ..models.spec import Argmax, InferenceStage, ModelSpec, networks_apart
from .activation import activate
from .air_record import AirRecord
from .air_windows import AirWindows
from .backends.agreement import has_foreground
from .even_windows import are_undefined
from .patient_outline import PatientOutline
from .prepared import Prepared


@dataclass(frozen=True, eq=False)
class StageRun:
    """A stage, its networks, and what is known of its windows of air; None where every window is computed."""

    stage: InferenceStage
    members: Sequence[torch.nn.Module]
    air: AirRecord | None = None


def stage_runs(spec: ModelSpec, networks: Sequence[Sequence[torch.nn.Module]], *, plain: bool) -> list[StageRun]:
    """Those of a model.

    Args:
        networks: of each stage.
        plain: every window is computed: a way to run them is laid down, or probabilities are wanted.
    """
    may_leave_out = not plain and bool(spec.sha256) and [channel.modality for channel in spec.channels] == ["CT"]

    def air(number: int, stage: InferenceStage) -> AirRecord | None:
        if not may_leave_out or stage.windows.size is None or stage.slicewise or stage.crop is not None:
            return None
        return AirRecord(spec.sha256, number, stage.windows)

    return [
        StageRun(stage, members, air(number, stage))
        for number, (stage, members) in enumerate(zip(spec.stages, networks, strict=True))
    ]


def air_of(case: Case, prepared: Prepared, run: StageRun) -> AirWindows | None:
    """The windows of air of an image as it was prepared; None where every window is computed, whatever is in it."""
    if run.air is None:
        return None
    stage, averaging = run.stage, run.stage.averaging
    apart = len(run.members) > 1 and networks_apart(stage.windows, averaging)

    def finds_label(scores: torch.Tensor) -> bool:
        """By any network, where their scores come one behind the other, else by their mean."""
        if not apart:
            return _is_labelled(scores[None], stage)
        # One by one: together they would take their number of times the memory.
        return any(
            _is_labelled(activate(part, averaging.activation)[None], stage) for part in scores.chunk(len(run.members))
        )

    return AirWindows(cache(lambda: PatientOutline(case.first)), prepared, finds_label, run.air)


def _is_labelled(scores: torch.Tensor, stage: InferenceStage) -> bool:
    """Whether (1, class, a, b, c) scores give a voxel a label, or are no numbers."""
    return not _is_background(scores, stage) and (has_foreground(scores, stage) or are_undefined(scores))


def _is_background(scores: torch.Tensor, stage: InferenceStage) -> bool:
    """Whether no class is above the first, which has no label; to find the winner of each voxel takes far longer."""
    decision = stage.decision
    if not isinstance(decision, Argmax) or any(decision.labels[:1]):
        return False
    first, *others = scores.unbind(dim=1)
    # What is no number is below nothing.
    return all(bool((other <= first).all()) for other in others)


def keep(airs: Iterable[AirWindows | None]) -> None:
    """What was seen in a run that has come to its end."""
    for air in airs:
        if air is not None:
            air.keep()
