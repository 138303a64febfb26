"""A result into the scene as it is by then, judged anew whenever the scene changes before the result is in."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from ..app.exchange import open_array, release
from ..app.protocol import ClassifyReply, SegmentReply, SegmentRequest
from ..core.errors import InputError
from ..core.language import tr as _
from ..core.segmentation import Segmentation
from .placing import Placed, Target, place_result
from .pump import WAITING, Pieces
from .runs import Run
from .sending import Sent
from .sequences import ResultSequence, VolumeFrames
from .snapshot import Change, SegmentationWatch
from .verdicts import Verdict, judge


@dataclass(eq=False)
class Placer:
    """Where the results of a run go.

    Attributes:
        request: what the worker is asked.
        watch: of the output, None for a new one.
        watches: of the outputs of all runs that are not finished.
        frames: the sequence that the image is a frame of, where all its frames are run.
        frame: the index of this one.
        results: what the results of earlier frames went into.
    """

    request: ClassVar = SegmentRequest

    run: Run
    scene: Any
    watch: SegmentationWatch | None
    watches: Sequence[SegmentationWatch]
    frames: VolumeFrames | None = None
    frame: int = 0
    results: ResultSequence | None = None

    def place(self, folder: Path, sent: Mapping[str, Sent], reply: SegmentReply, name: str) -> Pieces[None]:
        """Put the labels of a reply into the scene; closed before its end it leaves the scene as it was.

        Raises:
            InputError: if a frame of a sequence was changed or deleted meanwhile.
        """
        layers = open_array(folder, reply.segmentation.layers)
        try:
            placed: Placed | None = None
            while placed is None:
                while self.scene.IsBatchProcessing():
                    yield WAITING
                found = _state(sent, self.watch)
                verdict = yield from judge(sent, self.watch)
                if found == _state(sent, self.watch):
                    segmentation = Segmentation(
                        np.asarray(layers), verdict.geometry, reply.segmentation.segments, reply.segmentation.series
                    )
                    placing = self._placing(segmentation, reply, verdict, sent, name)
                    placed = yield from self._unless_changed(placing, sent)
        finally:
            release(layers)
        self.run.placed, self.run.result = placed, reply.result
        told = (*self.run.notices, *verdict.notices, *reply.result.notices, *placed.notices)
        self.run.notices = tuple(dict.fromkeys(told))

    def _placing(
        self, segmentation: Segmentation, reply: SegmentReply, verdict: Verdict, sent: Mapping[str, Sent], name: str
    ) -> Generator[None, None, Placed]:
        if self.frames is None:
            return place_result(
                segmentation,
                reply.result,
                scene=self.scene,
                source_node=verdict.source_node,
                target=self._target(verdict),
                region=self.run.request.region,
                name=name,
            )
        if any(channel.snapshot.change() in (Change.DELETED, Change.EDITED) for channel in sent.values()):
            raise InputError(
                _("the sequence was changed while the run went on."),
                where=_("frame {number}").format(number=self.frame + 1),
                remedy=_("Run it again; the frames before have their results."),
            )
        self.results = self.results or ResultSequence(self.frames, name)
        return self.results.place(self.frame, segmentation, reply.result, verdict.source_node)

    def _target(self, verdict: Verdict) -> Target:
        output = self.run.request.output
        if self.watch is None or not verdict.as_asked:
            return Target(None)
        kept = output.kept | self.watch.added()
        return Target(self.watch.node, mode=output.mode, overwrite_edited=output.overwrite_edited, kept=kept)

    def _unless_changed(
        self, placing: Generator[None, None, Placed], sent: Mapping[str, Sent]
    ) -> Pieces[Placed | None]:
        """Go on placing; None where the scene has changed before it was done, and nothing was put into it."""
        found = _state(sent, self.watch)
        try:
            while True:
                others = [other for other in self.watches if other is not self.watch and other.is_unchanged]
                try:
                    next(placing)
                except StopIteration as end:
                    for other in others:
                        other.take_again()
                    return cast("Placed", end.value)
                yield None
                if found != _state(sent, self.watch):
                    return None
        finally:
            placing.close()


def new_result_name(run: Run, sent: Mapping[str, Sent], reply: SegmentReply | ClassifyReply) -> str:
    """What a new segmentation or table is called."""
    image = next(iter(sent.values())).snapshot.node.GetName() or "Image"
    return run.request.output.name or f"{image} - {reply.result.provenance.model_name}"


def _state(sent: Mapping[str, Sent], watch: SegmentationWatch | None) -> tuple[object, ...]:
    """What a verdict rests on."""
    inputs = tuple(channel.snapshot.token() for channel in sent.values())
    return (*inputs, watch.token() if watch is not None else None)
