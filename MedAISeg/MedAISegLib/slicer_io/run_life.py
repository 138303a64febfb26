"""The life of a run, as work in pieces: load, send, run, place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ..app.exchange import Exchange
from ..core.errors import ConfirmationRequired, InputError, MedAISegError
from ..core.language import tr as _
from ..core.progress import ProgressEvent, RunStage
from ..models.card import ModelCard
from .arrivals import Arrivals
from .class_placing import ClassPlacer
from .pump import Pieces
from .run_inputs import Bound, LoadedSeries, bind, send, with_origins
from .run_placing import Placer, new_result_name
from .runs import Frames, Run, RunState
from .sequences import VolumeFrames, frame_node, frames_of
from .snapshot import SegmentationWatch
from .worker_link import WorkerLink

_SENDING_SHARE = 0.04
_PLACING_FROM = 0.96
"""Of the whole run; between the two the worker tells how far it is."""


@dataclass(frozen=True, eq=False)
class Means:
    """What runs share.

    Attributes:
        device: of the settings.
        card: of a model, None where it is not known.
        loaded: series that runs of this session have loaded.
        watches: of the outputs of the runs that are not finished.
    """

    scene: Any
    worker: WorkerLink
    exchange: Exchange
    device: Callable[[], str]
    card: Callable[[str], ModelCard | None]
    loaded: dict[str, LoadedSeries] = field(default_factory=dict)
    watches: list[SegmentationWatch] = field(default_factory=list)


def live(run: Run, nodes: Mapping[str, Any], watch: SegmentationWatch | None, means: Means) -> Pieces[None]:
    """A run on one set of images, or on each frame of a sequence; what becomes of it is told by the run.

    Series of the database that were loaded for it stay in the scene with its result, as do the finished frames of a
    sequence. If there is no result, those that nobody has used since go again, but where a question was asked: the next
    run, which has the answer, wants them.

    Args:
        nodes: the volume nodes of the inputs that were in the scene already, by channel name.
        watch: of the output, None for a new one.

    Raises:
        MedAISegError: why it failed; the scene is as before but for what is said above.
    """
    run.enter(RunState.LOADING)
    arrivals = Arrivals(means.scene)
    try:
        bound = yield from bind(run.request.inputs, nodes, arrivals, means.loaded)
        if run.request.frames is Frames.ALL:
            yield from _all_frames(run, bound, means)
        else:
            yield from _once(run, bound, _Share(run), _placer(run, watch, means), means)
    except MedAISegError as error:
        if run.placed is None and not isinstance(error, ConfirmationRequired):
            arrivals.take_back()
        raise


def _all_frames(run: Run, nodes: Mapping[str, Any], means: Means) -> Pieces[None]:
    """Frame by frame, each by its index; an image that is no sequence serves every frame."""
    frames = {name: found for name, node in nodes.items() if (found := frames_of(node)) is not None}
    count = _frame_count(frames)
    placer = _placer(run, None, means, frames=next(iter(frames.values())))
    for placer.frame in range(count):
        with ExitStack() as shown:
            at_index = {
                name: shown.enter_context(frame_node(frames[name], placer.frame)) if name in frames else node
                for name, node in nodes.items()
            }
            yield from _once(run, at_index, _Share(run, placer.frame / count, 1 / count), placer, means)


def _frame_count(frames: Mapping[str, VolumeFrames]) -> int:
    counts = {name: found.count for name, found in frames.items()}
    if not counts:
        raise InputError(_("the image belongs to no sequence."), remedy=_("Choose “this frame”."))
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(
            _("the sequences have different numbers of frames ({listed}).").format(listed=listed),
            remedy=_("Choose “this frame”."),
        )
    return next(iter(counts.values()))


def _placer(
    run: Run, watch: SegmentationWatch | None, means: Means, frames: VolumeFrames | None = None
) -> Placer | ClassPlacer:
    """Where the results go; of a model that is not known yet the worker says if it makes no segments."""
    card = means.card(run.request.model)
    if card is not None and card.classes:
        return ClassPlacer(run, means.scene, has_frames=frames is not None)
    return Placer(run, means.scene, watch, means.watches, frames=frames)


def _once(
    run: Run, nodes: Mapping[str, Any], share: _Share, placer: Placer | ClassPlacer, means: Means
) -> Pieces[None]:
    card = means.card(run.request.model)
    channels = {channel.name: channel for channel in card.channels} if card is not None else {}
    bound: dict[str, Bound] = yield from with_origins(nodes, run.request, channels)
    folder = means.exchange.new_folder()
    try:
        run.enter(RunState.SENDING)
        sent = yield from send(folder, bound, share.sending)
        run.enter(RunState.RUNNING)
        records = {name: channel.record for name, channel in sent.items()}
        request = placer.request(folder, run.request.job(means.device()), records)
        reply: Any = yield from means.worker.ask(request, on_progress=share.working)
        run.enter(RunState.PLACING)
        share.tell(RunStage.WRITE, _PLACING_FROM)
        yield from placer.place(folder, sent, reply, new_result_name(run, sent, reply))
    finally:
        means.exchange.remove(folder)
    share.tell(RunStage.WRITE, 1.0)


@dataclass(frozen=True)
class _Share:
    """What one set of images is of the whole run."""

    run: Run
    begin: float = 0.0
    length: float = 1.0

    def tell(self, stage: RunStage, fraction: float, remaining_s: float | None = None) -> None:
        self.run.advance(ProgressEvent(stage, self.begin + self.length * fraction, remaining_s))

    def sending(self, fraction: float) -> None:
        self.tell(RunStage.READ, _SENDING_SHARE * fraction)

    def working(self, event: ProgressEvent) -> None:
        fraction = _SENDING_SHARE + (_PLACING_FROM - _SENDING_SHARE) * event.fraction
        self.tell(event.stage, fraction, event.remaining_s if self.begin + self.length >= 1.0 else None)
