"""A case through a model: prepare, infer, restore, clean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from ..core.case import Case
from ..core.errors import ModelError, UsageError
from ..core.notice import Notice
from ..core.progress import Progress, RunStage
from ..models.spec import Decision, InferenceStage, ModelSpec, RestoreOrder
from .activation import activate
from .air_windows import AirWindows, anew_where_air_has_labels
from .backends import AUTOMATIC, PLAIN, FastestNetworks, Wanted
from .backends.reduced_precision import tensor_float_32
from .deciding import decider
from .device import choose_device
from .ensemble import common_axis, mean
from .even_windows import WindowCount
from .labels import clean
from .memory import climb_down
from .parts import NOTHING_TO_CROP_TO, box_of_labels, cropped_to, merged_layers, pasted, slices_of
from .preparation import prepare
from .prepared import Prepared
from .probabilities import ProbabilitySink, Shifted, marked, probabilities_of, put_slab
from .restore import LabelGatherer, LabelLayers, restore_labels, undone
from .slabs import SlabStream
from .slicewise import slices_of_case
from .stage_run import StageRun, air_of, keep, stage_runs
from .windows import Placement, before_each_layer, score_slabs


@dataclass(frozen=True, eq=False)
class EngineResult:
    """What the engine gives.

    Attributes:
        layers: (layer, k, j, i) label values on the grid of the case's first channel.
        device: where the network ran in the end.
        backend: how the networks were run there, and in what precision.
        windows: of all stages; none where a network takes the whole array at once.
    """

    layers: LabelLayers
    device: str
    notices: tuple[Notice, ...]
    backend: str = str(PLAIN)
    windows: WindowCount = field(default_factory=WindowCount)


def segment(
    case: Case,
    spec: ModelSpec,
    networks: Sequence[Sequence[torch.nn.Module]],
    *,
    device: str = "auto",
    wanted: Wanted = AUTOMATIC,
    progress: Progress | None = None,
    probabilities: ProbabilitySink | None = None,
) -> EngineResult:
    """Labels for a case.

    Args:
        networks: of each stage of the spec: folds or members, whose scores are averaged.
        device: ``auto``, ``cpu``, ``cuda:N`` or ``mps``.
        wanted: how the networks shall be run; what it leaves open is measured.
        probabilities: is told those of all classes on the source grid.

    Raises:
        UsageError: if probabilities are wanted of a model that has none in common, or what the device cannot do.
        ModelError: if a network's output does not fit the spec.
        ResourceError: if memory or the device does not suffice.
        Cancelled: if the user asked the run to stop.
    """
    progress = progress or Progress()
    if len(networks) != len(spec.stages):
        raise ModelError(f"it has {len(spec.stages)} stages and networks for {len(networks)}.", where=spec.id)
    if probabilities is not None:
        require_probabilities(spec)
    poll = progress.cancel.raise_if_cancelled
    fastest = FastestNetworks(spec, networks, choose_device(device), wanted, poll)
    runs = stage_runs(spec, fastest.networks, plain=wanted != AUTOMATIC or probabilities is not None)
    results: dict[int, EngineResult] = {}
    alone, last = _alone(spec), -1 if spec.ensemble else len(spec.stages) - 1
    parts = len(alone) + (1 if spec.ensemble else 0)
    for count, number in enumerate(alone):
        with progress.part(count, parts):
            sink = probabilities if number == last else None
            earlier = {done: found.layers for done, found in results.items()}
            results[number] = _run_stage(case, runs[number], earlier, device, progress, sink)
    if spec.ensemble is None:
        layers = merged_layers(spec, [found.layers for found in results.values()], poll)
    else:
        with progress.part(parts - 1, parts):
            earlier = {done: found.layers for done, found in results.items()}
            results[last] = _run_ensemble(case, spec, runs, earlier, device, progress, probabilities)
        layers = results[last].layers
    if spec.postprocessing:
        with progress.stage(RunStage.POSTPROCESS):
            layers = clean(layers, spec.postprocessing, poll, case.geometry)
    found_by_stages = [notice for found in results.values() for notice in found.notices]
    notices = tuple(dict.fromkeys((*found_by_stages, *fastest.notices)))
    return EngineResult(layers, results[last].device, notices, fastest.taken, _windows_of(results.values()))


def _windows_of(results: Iterable[EngineResult]) -> WindowCount:
    return sum((found.windows for found in results), WindowCount())


def require_probabilities(spec: ModelSpec) -> None:
    """Raises UsageError if a model's result is not decided by the probabilities of one set of classes."""
    if spec.own_code:
        raise UsageError("there are no probabilities: it runs by code of its own.", where=f"model {spec.id}")
    if len(spec.merged) > 1:
        raise UsageError(
            f"there are no probabilities of its labels: they come from {len(spec.merged)} networks, each with classes "
            "of its own.",
            where=f"model {spec.id}",
            remedy="Run it without them, or a part of it by itself.",
        )


def _alone(spec: ModelSpec) -> list[int]:
    """The stages that are run one after the other, each for its own labels."""
    joined = spec.ensemble.stages if spec.ensemble else ()
    served = {stage.labels_of for stage in spec.stages}
    return [number for number in range(len(spec.stages)) if number not in joined or number in served]


def _run_stage(
    case: Case,
    run: StageRun,
    earlier: Mapping[int, LabelLayers],
    device: str,
    progress: Progress,
    probabilities: ProbabilitySink | None,
) -> EngineResult:
    """The labels of one stage on the case's grid, given those of the stages before it."""
    poll, stage = progress.cancel.raise_if_cancelled, run.stage
    labels = None if stage.labels_of is None else earlier[stage.labels_of][0]
    if stage.slicewise:
        return _slice_by_slice(case, run, device, progress, probabilities)
    if stage.crop is None:
        return _labels_of(case, run, labels, device, progress, probabilities)
    box = box_of_labels(earlier[stage.crop.stage], stage.crop, case.geometry, poll)
    if box is None:
        nothing = np.zeros((1, *case.geometry.shape_kji), dtype=np.uint8)
        return EngineResult(nothing, str(choose_device(device)), (NOTHING_TO_CROP_TO,))
    cropped = cropped_to(case, box, whole_numbers=stage.crop.whole_numbers)
    inside = None if labels is None else labels[slices_of(box)]
    sink = Shifted(probabilities, box[0]) if probabilities else None
    found = _labels_of(cropped, run, inside, device, progress, sink)
    return replace(found, layers=pasted(found.layers, box, case.geometry.shape_kji))


def _slice_by_slice(
    case: Case,
    run: StageRun,
    device: str,
    progress: Progress,
    probabilities: ProbabilitySink | None,
) -> EngineResult:
    found: list[EngineResult] = []
    for box, one in slices_of_case(case):
        with progress.part(box[0][0], case.geometry.shape_kji[0]):
            sink = Shifted(probabilities, box[0]) if probabilities else None
            found.append(_labels_of(one, run, None, device, progress, sink))
    layers = np.concatenate([result.layers for result in found], axis=1)
    notices = tuple(dict.fromkeys(notice for result in found for notice in result.notices))
    return EngineResult(layers, found[-1].device, notices, windows=_windows_of(found))


def _labels_of(
    case: Case,
    run: StageRun,
    labels: LabelLayers | None,
    device: str,
    progress: Progress,
    probabilities: ProbabilitySink | None,
) -> EngineResult:
    stage, compute = run.stage, choose_device(device)
    start = Placement(batch=stage.windows.batch, compute=compute, accumulate=compute)
    with torch.inference_mode(), tensor_float_32(allowed=False):
        with progress.stage(RunStage.PREPARE):
            prepared = prepare(case, stage, progress, labels, compute)
        # One window of a large network can take many seconds on a CPU.
        with progress.stage(RunStage.INFER), before_each_layer(run.members, lambda _: prepared.poll()):

            def attempt(placement: Placement) -> tuple[LabelLayers, WindowCount]:
                return anew_where_air_has_labels(
                    lambda: _infer(prepared, run, placement, progress, probabilities, air_of(case, prepared, run))
                )

            (layers, windows), placement, ladder = climb_down(attempt, start)
    with progress.stage(RunStage.POSTPROCESS):
        layers = clean(layers, stage.postprocessing, progress.cancel.raise_if_cancelled, case.geometry)
    notices = (*prepared.notices, *ladder, *windows.notices)
    return EngineResult(layers, str(placement.compute), notices, windows=windows)


def _run_ensemble(
    case: Case,
    spec: ModelSpec,
    runs: Sequence[StageRun],
    earlier: Mapping[int, LabelLayers],
    device: str,
    progress: Progress,
    probabilities: ProbabilitySink | None,
) -> EngineResult:
    """The labels that the stages of an ensemble decide together, on the case's grid."""
    ensemble = spec.ensemble
    if ensemble is None:
        raise ValueError("the model has no ensemble")
    compute = choose_device(device)
    joined = [runs[n] for n in ensemble.stages]
    stages = [run.stage for run in joined]
    start = Placement(batch=max(stage.windows.batch for stage in stages), compute=compute, accumulate=compute)
    with torch.inference_mode(), tensor_float_32(allowed=False):
        with progress.stage(RunStage.PREPARE):
            given = [None if stage.labels_of is None else earlier[stage.labels_of][0] for stage in stages]
            prepared = [
                prepare(case, stage, progress, labels, compute) for stage, labels in zip(stages, given, strict=True)
            ]
        axes = common_axis(prepared, stages, case.geometry)
        every = [network for run in joined for network in run.members]

        def attempt(placement: Placement) -> tuple[LabelLayers, WindowCount]:
            done, counts = [0.0] * len(stages), [WindowCount() for _ in stages]
            streams, airs = [], [air_of(case, one, run) for one, run in zip(prepared, joined, strict=True)]
            for n, (one, run, air) in enumerate(zip(prepared, joined, airs, strict=True)):

                def report(fraction: float, n: int = n) -> None:
                    done[n] = fraction
                    progress.report(RunStage.INFER, sum(done) / len(done))

                scores = _scores(one, run, placement, report, counts[n], air, axes[n])
                streams.append(_probabilities(scores, one, run.stage))
            layers = _decided(mean(streams), ensemble.decision, progress, probabilities)
            keep(airs)
            return layers, sum(counts, WindowCount())

        with progress.stage(RunStage.INFER), before_each_layer(every, lambda _: progress.cancel.raise_if_cancelled()):
            (layers, windows), placement, ladder = climb_down(
                lambda placement: anew_where_air_has_labels(partial(attempt, placement)), start
            )
    notices = tuple(dict.fromkeys(notice for one in prepared for notice in one.notices))
    return EngineResult(layers, str(placement.compute), (*notices, *ladder, *windows.notices), windows=windows)


def _infer(
    prepared: Prepared,
    run: StageRun,
    placement: Placement,
    progress: Progress,
    probabilities: ProbabilitySink | None,
    air: AirWindows | None,
) -> tuple[LabelLayers, WindowCount]:
    poll, stage, restore = progress.cancel.raise_if_cancelled, run.stage, run.stage.restore
    labels_first = restore.order is RestoreOrder.DECIDE_THEN_LABELS
    grid = prepared.geometry if labels_first or prepared.label_grid is None else prepared.label_grid
    cleaned = partial(clean, operations=restore.cleaning, poll=poll, geometry=grid) if restore.cleaning else None
    count = WindowCount()
    layers = restore_labels(
        _scores(prepared, run, placement, lambda share: progress.report(RunStage.INFER, share), count, air),
        prepared.undos,
        stage.decision,
        restore,
        poll,
        label_undos=prepared.label_undos,
        cleaned=cleaned,
        probabilities=probabilities,
    )
    keep([air])
    return layers, count


def _scores(
    prepared: Prepared,
    run: StageRun,
    placement: Placement,
    report: Callable[[float], None],
    count: WindowCount,
    air: AirWindows | None,
    axis: int | None = None,
) -> SlabStream:
    stage, networks = run.stage, [network.to(placement.compute).eval() for network in run.members]
    values, labels = prepared.values.to(placement.compute), prepared.labels
    labels = None if labels is None else labels.to(placement.compute)
    return score_slabs(
        networks,
        values,
        stage.windows,
        placement,
        report,
        stage.averaging,
        labels=labels,
        axis=axis,
        count=count,
        air=air,
    )


def _probabilities(scores: SlabStream, prepared: Prepared, stage: InferenceStage) -> SlabStream:
    """On the source grid, whatever order the stage has by itself."""
    stream = scores.map_values(lambda values: marked(activate(values, stage.restore.activation)))
    stream = undone(stream, prepared.undos, stage.restore.interpolation)
    return stream.map_values(lambda values: probabilities_of(values, stage.decision, stage.restore))


def _decided(
    stream: SlabStream, decision: Decision, progress: Progress, probabilities: ProbabilitySink | None
) -> LabelLayers:
    gathered = LabelGatherer(stream, decider(decision), progress.cancel.raise_if_cancelled)
    for slab in gathered.aside().slabs:
        if probabilities is not None:
            put_slab(stream, slab, probabilities)
    return gathered.layers
