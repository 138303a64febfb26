"""The images of a run, from what the user chose to what the worker reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..app.checks import SUV, wants_suv
from ..core.errors import InputError
from ..core.language import tr as _
from ..models.spec import Channel
from .arrivals import Arrivals
from .dicom_loading import load_series
from .dicom_origin import Origin, read_origin
from .event_loop import wait_cursor
from .inputs import Input, SeriesInput
from .pump import WAITING, Pieces
from .runs import RunRequest
from .sending import Sent, require_volume, send_volume
from .snapshot import Change

_MOST_TRIES = 5


@dataclass(frozen=True)
class LoadedSeries:
    """The volume node that a series was loaded into, and the time stamp of its image: another stamp, other voxels.

    The node itself is not held, so that deleting it gives its memory back.
    """

    node_id: str
    modified: int


@dataclass(frozen=True, eq=False)
class Bound:
    """A channel's volume node and where it came from."""

    node: Any
    origin: Origin


def bind(
    inputs: Mapping[str, Input], nodes: Mapping[str, Any], arrivals: Arrivals, loaded: dict[str, LoadedSeries]
) -> Pieces[dict[str, Any]]:
    """A volume node for each channel, the series of the database being loaded now.

    Args:
        nodes: those that were in the scene already, by channel name.
        arrivals: hears of what is loaded.
        loaded: series that were loaded by earlier runs; these are used again as long as nobody has changed them.

    Raises:
        InputError: if an image is gone, empty, or cannot be loaded.
        ResourceError: if the database is not open.
    """
    bound = {}
    for name, wanted in inputs.items():
        # Lets the application show what is going on before Slicer's reader blocks it.
        yield None
        bound[name] = _loaded(wanted.series_uid, arrivals, loaded) if isinstance(wanted, SeriesInput) else nodes[name]
        require_volume(bound[name])
    return bound


def with_origins(
    nodes: Mapping[str, Any], request: RunRequest, channels: Mapping[str, Channel]
) -> Pieces[dict[str, Bound]]:
    """Each channel's node with its origin, the units settled.

    Args:
        channels: of the model by name, as far as they are known.

    Raises:
        InputError: if a series is no volume to be trusted.
        ConfirmationRequired: if the units of a PET image are not known and the user has not said them.
    """
    bound = {}
    for name, node in nodes.items():
        origin = yield from read_origin(node)
        if origin.problem is not None:
            raise origin.problem
        answer = request.units.get(name, SUV if request.accept else "")
        if origin.question is not None and name in channels and wants_suv(channels[name]):
            if not answer:
                raise origin.question
            origin = _answered(origin, answer)
        bound[name] = Bound(node, origin)
    return bound


def send(folder: Path, bound: Mapping[str, Bound], on_fraction: Callable[[float], None]) -> Pieces[dict[str, Sent]]:
    """All channels as they are at one moment: where one changes meanwhile, everything is sent anew.

    Raises:
        InputError: if an image is gone, or keeps changing.
        ResourceError: if the disk is full.
    """
    for attempt in range(_MOST_TRIES):
        sent: dict[str, Sent] = {}
        for n, (name, channel) in enumerate(bound.items()):
            share = _Share(on_fraction, n / len(bound), 1 / len(bound))
            one = yield from send_volume(
                folder,
                f"{attempt}-{n}",
                channel.node,
                channel.origin,
                on_fraction=share.report,
                channel_name=name,
            )
            if one is None:
                break
            sent[name] = one
        if len(sent) == len(bound) and all(s.snapshot.change() is Change.NONE for s in sent.values()):
            return sent
        for path in folder.glob(f"{attempt}-*"):
            path.unlink()
        yield WAITING
    raise InputError(
        _("the image keeps changing while it is being read."), remedy=_("Wait until it is at rest, and rerun.")
    )


@dataclass(frozen=True)
class _Share:
    """A part of a fraction."""

    tell: Callable[[float], None]
    begin: float
    length: float

    def report(self, fraction: float) -> None:
        self.tell(self.begin + self.length * fraction)


def _loaded(series_uid: str, arrivals: Arrivals, loaded: dict[str, LoadedSeries]) -> Any:
    known = loaded.get(series_uid)
    node = arrivals.scene.GetNodeByID(known.node_id) if known is not None else None
    if known is not None and node is not None and _modified(node) == known.modified:
        return node
    with wait_cursor():
        node = arrivals.load(lambda: load_series(series_uid))
    loaded[series_uid] = LoadedSeries(node.GetID(), _modified(node))
    return node


def _modified(node: Any) -> int:
    image = node.GetImageData() if node.IsA("vtkMRMLVolumeNode") else None
    return int(image.GetMTime()) if image is not None else 0


def _answered(origin: Origin, answer: str) -> Origin:
    if answer == SUV:
        return origin.accepted()
    return replace(origin, attributes=dict(origin.attributes) | {"Units": answer}, question=None)
