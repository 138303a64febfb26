"""A run as a user sees it: what was asked for, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..app.checks import ACTIVITY, SUV
from ..app.job import SegmentationJob
from ..core.classification import ClassificationResult
from ..core.errors import Cancelled, MedAISegError, UsageError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.progress import ProgressEvent
from ..core.region import OrientedBox
from ..core.result import JobResult
from .inputs import Input
from .listeners import Listeners
from .merge_roles import PlaceMode


class RunState(Enum):
    """How far a run is."""

    QUEUED = "queued"
    LOADING = "loading"
    SENDING = "sending"
    RUNNING = "running"
    PLACING = "placing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Frames(Enum):
    """What of a volume that is a frame of a sequence: the one that is shown, or all of the sequence."""

    ONE = "this frame"
    ALL = "all frames"


@dataclass(frozen=True)
class Output:
    """Where a result goes.

    Attributes:
        node_id: of a segmentation node; empty for a new one.
        name: of the new node; empty for one made of the image's and the model's name.
        mode: what of an existing node makes room.
        overwrite_edited: also segments that were edited since they were made.
        kept: IDs of the segments that are to be left alone.
    """

    node_id: str = ""
    name: str = ""
    mode: PlaceMode = PlaceMode.UPDATE
    overwrite_edited: bool = False
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunRequest:
    """A run to be made of images in the scene or the DICOM database.

    Attributes:
        model: id of an installed model, or the path of one.
        inputs: by channel name.
        device: empty for the one of the settings.
        region: limits the run; what lies outside it in an existing segmentation stays.
        units: what the user says of PET images by channel name: ``checks.SUV`` or ``checks.ACTIVITY``.

    The others are those of :class:`~MedAISegLib.app.job.SegmentationJob`.
    """

    model: str
    inputs: Mapping[str, Input]
    output: Output = field(default_factory=Output)
    labels: tuple[str, ...] = ()
    device: str = ""
    region: OrientedBox | None = None
    test_time_flips: bool | None = None
    keep_largest_component: bool = False
    accept: bool = False
    units: Mapping[str, str] = field(default_factory=dict)
    frames: Frames = Frames.ONE

    def __post_init__(self) -> None:
        if not self.inputs:
            raise UsageError(_("no image is chosen."), remedy=_("Choose one for each channel of the model."))
        if self.frames is Frames.ALL and self.output.node_id:
            raise UsageError(
                _("the results of all frames go into a sequence of their own."), remedy=_("Choose a new segmentation.")
            )
        unknown = set(self.units.values()) - {SUV, ACTIVITY}
        if unknown:
            raise UsageError(
                _("{unit!r} is no unit of a PET image.").format(unit=min(unknown)),
                remedy=_("Say {first} or {second}.").format(first=SUV, second=ACTIVITY),
            )

    def job(self, device: str) -> SegmentationJob:
        """What the worker is to do."""
        return SegmentationJob(
            model=self.model,
            device=self.device or device,
            labels=self.labels,
            region=self.region,
            test_time_flips=self.test_time_flips,
            keep_largest_component=self.keep_largest_component,
            accept=self.accept,
        )


_FINAL = frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED})

Listener = Callable[["Run"], None]


class Run:
    """One run on its way; what it has is read, and its owner alone sets it.

    Attributes:
        progress: None before it has begun.
        error: why it failed, or :class:`Cancelled`.
        placed: what came into the scene, the last frame's for a sequence.
        result: the record of the run, the last frame's for a sequence; of a classification what was said of all images.
        notices: what a user should know, such as where the result went.
        on_cancel: what its owner does to stop it.
    """

    def __init__(self, request: RunRequest) -> None:
        self.request = request
        self.state = RunState.QUEUED
        self.progress: ProgressEvent | None = None
        self.error: MedAISegError | None = None
        self.placed: Any = None
        self.result: JobResult | ClassificationResult | None = None
        self.notices: tuple[Notice, ...] = ()
        self.is_cancelling = False
        self.on_cancel: Callable[[], None] = lambda: None
        self._listeners: Listeners[Run] = Listeners()

    @property
    def is_finished(self) -> bool:
        return self.state in _FINAL

    @property
    def node(self) -> Any:
        """The segmentation node of the result, or the table node of a classification; None before it is there."""
        return self.placed.node if self.placed is not None else None

    def cancel(self, *notices: Notice) -> None:
        """Stop it, within a second; nothing half-done stays in the scene. A run that is finished is let be."""
        if self.is_finished or self.is_cancelling:
            return
        self.is_cancelling = True
        self.notices += notices
        self.on_cancel()
        self.tell()

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Have a function called with the run at each change; the returned one takes that back."""
        return self._listeners.add(listener)

    def enter(self, state: RunState) -> None:
        """For the run's owner: go on to a state."""
        self.state = state
        self.tell()

    def advance(self, progress: ProgressEvent) -> None:
        """For the run's owner: note the progress, which never falls."""
        if self.progress is None or progress.fraction >= self.progress.fraction:
            self.progress = progress
            self.tell()

    def finish(self, error: MedAISegError | None = None) -> None:
        """For the run's owner: it is done, cancelled or failed."""
        self.error, self.is_cancelling = error, False
        cancelled = isinstance(error, Cancelled)
        self.enter(RunState.DONE if error is None else RunState.CANCELLED if cancelled else RunState.FAILED)

    def tell(self) -> None:
        """For the run's owner: tell the listeners."""
        self._listeners.tell(self)
