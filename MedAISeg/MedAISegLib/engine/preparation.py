"""A case becomes what its network takes: channels on one grid, then the model's preprocessing in order."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import torch

from ..core.case import Case
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..models.operations import Resize, SpatialOperation
from ..models.spec import InferenceStage
from .cascade import FollowedLabels, decided_labels
from .channels import first_of, joined, stacked
from .device import release_unused_memory
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

    def on(place: torch.device) -> Prepared:
        if labels is not None:
            return _prepared(case, stage, progress, labels, place)
        poll = progress.cancel.raise_if_cancelled
        return prepared_once(
            case, how_prepared(stage, place), poll, lambda: _prepared(case, stage, progress, None, place)
        )

    if device.type != "cuda":
        return on(_PROCESSOR)
    try:
        prepared = on(device)
        # Else its last steps would count as the network's.
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    else:
        return prepared
    release_unused_memory()
    return on(_PROCESSOR).with_notice(_NO_ROOM)


def how_prepared(stage: InferenceStage, place: torch.device) -> Hashable:
    """All that a stage's input depends on beside the case; of a stage that takes no labels of another."""
    return stage.preprocessing, stage.channels_apart, place


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
