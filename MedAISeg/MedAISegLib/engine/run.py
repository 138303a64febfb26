"""A case through a model: prepare, infer, restore, clean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..core.case import Case
from ..core.errors import ModelError
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..models.operations import Interpolation, Resize
from ..models.spec import InferenceStage, ModelSpec
from .cascade import FollowedLabels, decided_labels
from .device import choose_device
from .labels import clean
from .memory import climb_down
from .parts import NOTHING_TO_CROP_TO, box_of_labels, merged_layers, pasted, slices_of
from .pieces import Poll, contiguous
from .prepared import Prepared
from .resampling import Outside, resample
from .restore import LabelLayers, restore_labels
from .steps import carry_out
from .windows import Placement, before_each_layer, score_slabs


@dataclass(frozen=True, eq=False)
class EngineResult:
    """What the engine gives.

    Attributes:
        layers: (layer, k, j, i) label values on the grid of the case's first channel.
        device: where the network ran in the end.
    """

    layers: LabelLayers
    device: str
    notices: tuple[Notice, ...]


def segment(
    case: Case,
    spec: ModelSpec,
    networks: Sequence[Sequence[torch.nn.Module]],
    *,
    device: str = "auto",
    progress: Progress | None = None,
) -> EngineResult:
    """Labels for a case.

    Args:
        networks: of each stage of the spec: folds or members, whose scores are averaged.
        device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``.

    Raises:
        ModelError: if a network's output does not fit the spec.
        ResourceError: if memory or the device does not suffice.
        Cancelled: if the user asked the run to stop.
    """
    progress = progress or Progress()
    if len(networks) != len(spec.stages):
        raise ModelError(f"it has {len(spec.stages)} stages and networks for {len(networks)}.", where=spec.id)
    poll = progress.cancel.raise_if_cancelled
    results: list[EngineResult] = []
    for number, (stage, members) in enumerate(zip(spec.stages, networks, strict=True)):
        with progress.part(number, len(spec.stages)):
            results.append(_run_stage(case, stage, members, [found.layers for found in results], device, progress))
    layers = merged_layers(spec, [found.layers for found in results], poll)
    if spec.postprocessing:
        with progress.stage(RunStage.POSTPROCESS):
            layers = clean(layers, spec.postprocessing, poll)
    notices = tuple(dict.fromkeys(notice for found in results for notice in found.notices))
    return EngineResult(layers, results[-1].device, notices)


def _run_stage(
    case: Case,
    stage: InferenceStage,
    members: Sequence[torch.nn.Module],
    earlier: Sequence[LabelLayers],
    device: str,
    progress: Progress,
) -> EngineResult:
    """The labels of one stage on the case's grid, given those of the stages before it."""
    poll = progress.cancel.raise_if_cancelled
    labels = None if stage.labels_of is None else earlier[stage.labels_of][0]
    if stage.crop is None:
        return _labels_of(case, stage, members, labels, device, progress)
    box = box_of_labels(earlier[stage.crop.stage], stage.crop, case.geometry, poll)
    if box is None:
        nothing = np.zeros((1, *case.geometry.shape_kji), dtype=np.uint8)
        return EngineResult(nothing, str(choose_device(device)), (NOTHING_TO_CROP_TO,))
    cropped = Case(
        {name: volume if n else volume.window(*box) for n, (name, volume) in enumerate(case.channels.items())}
    )
    inside = None if labels is None else labels[slices_of(box)]
    found = _labels_of(cropped, stage, members, inside, device, progress)
    return replace(found, layers=pasted(found.layers, box, case.geometry.shape_kji))


def _labels_of(
    case: Case,
    stage: InferenceStage,
    members: Sequence[torch.nn.Module],
    labels: LabelLayers | None,
    device: str,
    progress: Progress,
) -> EngineResult:
    compute = choose_device(device)
    start = Placement(batch=stage.windows.batch, compute=compute, accumulate=compute)
    with torch.inference_mode():
        with progress.stage(RunStage.PREPARE):
            prepared = prepare(case, stage, progress, labels)
        # One window of a large network can take many seconds on a CPU.
        with progress.stage(RunStage.INFER), before_each_layer(members, lambda _: prepared.poll()):
            layers, placement, ladder = climb_down(
                lambda placement: _infer(prepared, stage, members, placement, progress), start
            )
    with progress.stage(RunStage.POSTPROCESS):
        layers = clean(layers, stage.postprocessing, progress.cancel.raise_if_cancelled)
    return EngineResult(layers, str(placement.compute), prepared.notices + ladder)


def prepare(
    case: Case, stage: InferenceStage, progress: Progress | None = None, labels: LabelLayers | None = None
) -> Prepared:
    """The network's input: channels on one grid, then the stage's preprocessing in order.

    Args:
        labels: (k, j, i) of an earlier stage on the grid of the first channel; each of its values that this stage
            decides about becomes a further channel, 1 where it is.
    """
    progress = progress or Progress()
    prepared = _stacked(case, progress.cancel.raise_if_cancelled)
    followed = None if labels is None else FollowedLabels(labels, case.geometry)
    for count, operation in enumerate(stage.preprocessing, start=1):
        before, prepared = prepared, carry_out(operation, prepared)
        if followed is not None and isinstance(operation, Resize):
            followed = followed.resized(operation, before, prepared)
        progress.report(RunStage.PREPARE, count / len(stage.preprocessing))
    if followed is not None:
        prepared = prepared.with_values(
            torch.cat([prepared.values, followed.channels(prepared, decided_labels(stage))])
        )
    return prepared.with_values(contiguous(prepared.values, prepared.poll))


def _stacked(case: Case, poll: Poll) -> Prepared:
    """(channel, k, j, i) on the grid of the first channel; the others are sampled in world space."""
    channels = []
    for volume in case.channels.values():
        voxels = np.empty(volume.voxels.shape, dtype=np.float32)
        for k, plane in enumerate(volume.voxels):
            voxels[k] = plane
            poll()
        values = torch.from_numpy(voxels)[None]
        if not volume.geometry.matches(case.geometry):
            index_map = case.geometry.index_to(volume.geometry)
            values = resample(values, index_map, case.geometry.shape_kji, Interpolation.LINEAR, Outside.ZERO, poll)
        channels.append(values)
    return Prepared(channels[0] if len(channels) == 1 else torch.cat(channels), case.geometry, poll=poll)


def _infer(
    prepared: Prepared,
    stage: InferenceStage,
    members: Sequence[torch.nn.Module],
    placement: Placement,
    progress: Progress,
) -> LabelLayers:
    networks = [network.to(placement.compute).eval() for network in members]
    scores = score_slabs(
        networks,
        prepared.values.to(placement.compute),
        stage.windows,
        placement,
        lambda fraction: progress.report(RunStage.INFER, fraction),
        stage.averaging,
    )
    return restore_labels(scores, prepared.undos, stage.decision, stage.restore, progress.cancel.raise_if_cancelled)
