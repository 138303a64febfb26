"""A stage as a run takes it: its networks, and which of its windows may be left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from ..models.spec import Argmax, InferenceStage, ModelSpec, networks_apart
from .activation import activate
from .air_record import AirRecord
from .air_windows import AirWindows
from .backends.agreement import has_foreground
from .even_windows import are_undefined
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

    def air(number: int, stage: InferenceStage) -> AirRecord | None:
        if plain or not spec.sha256 or stage.windows.size is None or stage.slicewise:
            return None
        return AirRecord(spec.sha256, number, stage.windows)

    return [
        StageRun(stage, members, air(number, stage))
        for number, (stage, members) in enumerate(zip(spec.stages, networks, strict=True))
    ]


def air_of(prepared: Prepared, run: StageRun) -> AirWindows | None:
    """The windows of air of a prepared image; None where every window is computed, whatever is in it."""
    if run.air is None:
        return None
    stage, averaging = run.stage, run.stage.averaging
    apart = len(run.members) > 1 and networks_apart(stage.windows, averaging)

    def finds_label(scores: torch.Tensor) -> bool:
        """Or what is no number; by any network, where their scores come one behind the other, else by their mean."""
        parts = scores.chunk(len(run.members)) if apart else ()
        each = torch.stack([activate(part, averaging.activation) for part in parts]) if apart else scores[None]
        return not _is_background(each, stage) and (has_foreground(each, stage) or are_undefined(each))

    return AirWindows(prepared.values, finds_label, run.air)


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
