"""A case becomes what its network takes: channels on one grid, then the model's preprocessing in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from ..core.case import Case
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..models.operations import Resize, SpatialOperation
from ..models.spec import InferenceStage
from .cascade import FollowedLabels, decided_labels
from .channels import first_of, joined, stacked
from .memory import is_out_of_memory
from .pieces import contiguous
from .prepared import Prepared
from .prepared_again import prepared_once
from .restore import LabelLayers
from .steps import carry_out

_PROCESSOR = torch.device("cpu")
_NO_ROOM = Notice("memory-ladder", "Memory on the device was short; the image was prepared on the processor.")


def prepare(
    case: Case,
    stage: InferenceStage,
    progress: Progress | None = None,
    labels: LabelLayers | None = None,
    device: torch.device = _PROCESSOR,
) -> Prepared:
    """The network's input.

    Args:
        labels: (k, j, i) of an earlier stage on the grid of the first channel; each of its values that this stage
            decides about is a further channel of the network, 1 where it is.
        device: where it is computed if that is a GPU with room for it, else on the processor. MPS, which has no
            numbers of 64 bits, is not one.
    """
    progress = progress or Progress()
    place = device if device.type == "cuda" else _PROCESSOR
    if labels is not None:
        return _where_it_fits(place, lambda place: _prepared(case, stage, progress, labels, place))
    how = (stage.preprocessing, stage.channels_apart, place)
    return prepared_once(
        case,
        how,
        progress.cancel.raise_if_cancelled,
        lambda: _where_it_fits(place, lambda place: _prepared(case, stage, progress, None, place)),
    )


def _where_it_fits(place: torch.device, attempt: Callable[[torch.device], Prepared]) -> Prepared:
    if place == _PROCESSOR:
        return attempt(place)
    try:
        return attempt(place)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    torch.cuda.empty_cache()
    return attempt(_PROCESSOR).with_notice(_NO_ROOM)


def _prepared(
    case: Case, stage: InferenceStage, progress: Progress, labels: LabelLayers | None, place: torch.device
) -> Prepared:
    poll = progress.cancel.raise_if_cancelled
    apart = stage.channels_apart and len(case.channels) > 1
    prepared = first_of(case, poll, place) if apart else stacked(case, poll, place)
    followed = None if labels is None else FollowedLabels(labels, case.geometry)
    for count, operation in enumerate(stage.preprocessing, start=1):
        if apart and not isinstance(operation, SpatialOperation):
            prepared, apart = joined(prepared, case), False
        before, prepared = prepared, carry_out(operation, prepared)
        if followed is not None and isinstance(operation, Resize):
            followed = followed.resized(operation, before, prepared)
        progress.report(RunStage.PREPARE, count / len(stage.preprocessing))
    prepared = joined(prepared, case) if apart else prepared
    if followed is not None:
        prepared = replace(prepared, labels=followed.channels(prepared, decided_labels(stage)))
    return prepared.with_values(contiguous(prepared.values, prepared.poll))
