"""The life of a run, as work in pieces: load, send, run, place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..app.checks import SUV, wants_suv
from ..app.exchange import Exchange, open_array, release
from ..app.protocol import SegmentReply, SegmentRequest
from ..core.errors import InputError
from ..core.progress import ProgressEvent, RunStage
from ..core.segmentation import Segmentation
from ..models.spec import Channel
from .dicom_loading import load_series
from .dicom_origin import Origin, read_origin
from .event_loop import wait_cursor
from .inputs import Input, SeriesInput
from .placing import Placed, Target, place_result
from .pump import WAITING, Pieces
from .runs import Run, RunState
from .sending import Sent, require_volume, send_volume
from .snapshot import Change, SegmentationWatch, VolumeSnapshot, take_volume
from .verdicts import Verdict, judge
from .worker_link import WorkerLink

_SENDING_SHARE = 0.04
_PLACING_FROM = 0.96
"""Of the whole run; between the two the worker tells how far it is."""

_MOST_TRIES = 5


@dataclass(frozen=True, eq=False)
class Means:
    """What runs share.

    Attributes:
        device: of the settings.
        channels: a model's channels by name, as far as they are known.
        loaded: series that runs of this session have loaded.
        watches: of the outputs of the runs that are not finished.
    """

    scene: Any
    worker: WorkerLink
    exchange: Exchange
    device: Callable[[], str]
    channels: Callable[[str], Mapping[str, Channel]]
    loaded: dict[str, VolumeSnapshot] = field(default_factory=dict)
    watches: list[SegmentationWatch] = field(default_factory=list)


def live(run: Run, nodes: Mapping[str, Any], watch: SegmentationWatch | None, means: Means) -> Pieces[None]:
    """One run on one set of images; what becomes of it is told by the run.

    Args:
        nodes: the volume nodes of the inputs that were in the scene already, by channel name.
        watch: of the output, None for a new one.

    Raises:
        MedAISegError: why it failed; the scene is as before but for the series that were loaded.
    """
    run.enter(RunState.LOADING)
    bound = yield from _bind(run.request.inputs, nodes, means)
    origins = yield from _origins(run, bound, means)
    folder = means.exchange.new_folder()
    try:
        run.enter(RunState.SENDING)
        sent = yield from _send(run, folder, bound, origins)
        run.enter(RunState.RUNNING)
        job = run.request.job(means.device())
        request = SegmentRequest(folder, job, {name: channel.record for name, channel in sent.items()})
        reply = cast("SegmentReply", (yield from means.worker.ask(request, on_progress=_Span(run).report)))
        run.enter(RunState.PLACING)
        run.advance(ProgressEvent(RunStage.WRITE, _PLACING_FROM, None))
        yield from _place(run, folder, sent, reply, watch, means)
    finally:
        means.exchange.remove(folder)
    run.advance(ProgressEvent(RunStage.WRITE, 1.0, 0.0))


def _bind(inputs: Mapping[str, Input], nodes: Mapping[str, Any], means: Means) -> Pieces[dict[str, Any]]:
    """A volume node for each channel, the series of the database being loaded now."""
    bound = {}
    for name, wanted in inputs.items():
        # Lets the application show what is going on before Slicer's reader blocks it.
        yield None
        bound[name] = _loaded(wanted.series_uid, means.loaded) if isinstance(wanted, SeriesInput) else nodes[name]
        require_volume(bound[name])
    return bound


def _loaded(series_uid: str, loaded: dict[str, VolumeSnapshot]) -> Any:
    """The node of a series; what an earlier run has loaded and nobody has changed need not be loaded again."""
    known = loaded.get(series_uid)
    if known is None or known.change() in (Change.DELETED, Change.EDITED):
        with wait_cursor():
            known = take_volume(load_series(series_uid))
        loaded[series_uid] = known
    return known.node


def _origins(run: Run, bound: Mapping[str, Any], means: Means) -> Pieces[dict[str, Origin]]:
    """Where the images came from, their units settled.

    Raises:
        InputError: if a series is no volume to be trusted.
        ConfirmationRequired: if the units of a PET image are not known and the user has not said them.
    """
    origins, channels = {}, means.channels(run.request.model)
    for name, node in bound.items():
        origin = yield from read_origin(node)
        if origin.problem is not None:
            raise origin.problem
        answer = run.request.units.get(name, SUV if run.request.accept else "")
        if origin.question is not None and name in channels and wants_suv(channels[name]):
            if not answer:
                raise origin.question
            origin = _answered(origin, answer)
        origins[name] = origin
    return origins


def _answered(origin: Origin, answer: str) -> Origin:
    if answer == SUV:
        return origin.accepted()
    attributes = dict(origin.attributes) | {"Units": answer}
    return Origin(origin.modality, origin.description, origin.series, attributes, origin.notices)


def _send(run: Run, folder: Path, bound: Mapping[str, Any], origins: Mapping[str, Origin]) -> Pieces[dict[str, Sent]]:
    """All channels as they are at one moment: where one changes meanwhile, everything is sent anew.

    Raises:
        InputError: if an image is gone, or keeps changing.
        ResourceError: if the disk is full.
    """
    for attempt in range(_MOST_TRIES):
        sent: dict[str, Sent] = {}
        for n, (name, node) in enumerate(bound.items()):
            share = _Share(run, n / len(bound), 1 / len(bound))
            channel = yield from send_volume(folder, f"{attempt}-{n}", node, origins[name], on_fraction=share.report)
            if channel is None:
                break
            sent[name] = channel
        if len(sent) == len(bound) and all(s.snapshot.change() is Change.NONE for s in sent.values()):
            return sent
        for path in folder.glob(f"{attempt}-*"):
            path.unlink()
        yield WAITING
    raise InputError("the image keeps changing while it is being read.", remedy="Wait until it is at rest, and rerun.")


@dataclass(frozen=True)
class _Share:
    """A part of the sending."""

    run: Run
    begin: float
    length: float

    def report(self, fraction: float) -> None:
        done = _SENDING_SHARE * (self.begin + self.length * fraction)
        self.run.advance(ProgressEvent(RunStage.READ, done, None))


@dataclass(frozen=True)
class _Span:
    """What the worker does, as a part of the whole."""

    run: Run

    def report(self, event: ProgressEvent) -> None:
        fraction = _SENDING_SHARE + (_PLACING_FROM - _SENDING_SHARE) * event.fraction
        self.run.advance(ProgressEvent(event.stage, fraction, event.remaining_s))


def _place(
    run: Run,
    folder: Path,
    sent: Mapping[str, Sent],
    reply: SegmentReply,
    watch: SegmentationWatch | None,
    means: Means,
) -> Pieces[None]:
    """Put the labels into the scene as it is by then; judged anew whenever it changes before they are in."""
    layers = open_array(folder, reply.segmentation.layers)
    try:
        placed: Placed | None = None
        while placed is None:
            while means.scene.IsBatchProcessing():
                yield WAITING
            found = _state(sent, watch)
            verdict = yield from judge(sent, watch)
            if found != _state(sent, watch):
                continue
            segmentation = Segmentation(
                np.asarray(layers), verdict.geometry, reply.segmentation.segments, reply.segmentation.series
            )
            placing = place_result(
                segmentation,
                reply.result,
                scene=means.scene,
                source_node=verdict.source_node,
                target=_target(run, watch, verdict),
                region=run.request.region,
                name=run.request.output.name or _default_name(sent, reply),
            )
            placed = yield from _unless_changed(placing, sent, watch, means)
    finally:
        release(layers)
    run.placed, run.result = placed, reply.result
    run.notices += (*verdict.notices, *reply.result.notices, *placed.notices)


def _unless_changed(
    placing: Pieces[Placed], sent: Mapping[str, Sent], watch: SegmentationWatch | None, means: Means
) -> Pieces[Placed | None]:
    """Go on placing; None where the scene changed before it was done, which leaves the scene as it is then."""
    found = _state(sent, watch)
    try:
        while True:
            others = [other for other in means.watches if other is not watch and other.is_unchanged]
            try:
                step = next(placing)
            except StopIteration as end:
                for other in others:
                    other.take_again()
                return cast("Placed", end.value)
            yield step
            if found != _state(sent, watch):
                return None
    finally:
        placing.close()


def _state(sent: Mapping[str, Sent], watch: SegmentationWatch | None) -> tuple[object, ...]:
    """What a verdict rests on."""
    inputs = tuple(channel.snapshot.token() for channel in sent.values())
    return (*inputs, watch.token() if watch is not None else None)


def _target(run: Run, watch: SegmentationWatch | None, verdict: Verdict) -> Target:
    output = run.request.output
    if watch is None or not verdict.as_asked:
        return Target(None)
    kept = output.kept | watch.added()
    return Target(watch.node, mode=output.mode, overwrite_edited=output.overwrite_edited, kept=kept)


def _default_name(sent: Mapping[str, Sent], reply: SegmentReply) -> str:
    first = next(iter(sent.values())).snapshot.node
    return f"{first.GetName() or 'Image'} - {reply.result.provenance.model_name}"
