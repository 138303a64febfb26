"""Which image serves which channel of a model, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..core.case import Case
from ..core.geometry import VolumeGeometry
from ..core.volume import SeriesReference, Volume
from ..models.spec import Channel, ModelSpec


class Candidate(Protocol):
    """What matching looks at; a Volume has it, and so has a listing whose voxels are not read yet."""

    @property
    def modality(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, str]: ...

    @property
    def geometry(self) -> VolumeGeometry | None: ...

    @property
    def series(self) -> SeriesReference | None: ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True)
class ChannelMatch(Generic[C]):
    """The image that serves a channel; the reason is a phrase for a user, a higher score a better fit."""

    channel: Channel
    image: C
    reason: str
    score: float


def assign(
    spec: ModelSpec, candidates: Sequence[C], *, chosen: Mapping[str, C] | None = None
) -> tuple[ChannelMatch[C], ...]:
    """One image for each channel of the model, in the model's order, from headers alone.

    Args:
        spec: the model.
        candidates: volumes or listings.
        chosen: what the user named, by channel name; it is taken as it is.

    Raises:
        InputError: if a channel has no image, or several fit equally well: the text lists them.
        UsageError: if ``chosen`` names a channel that the model does not have.
    """
    raise NotImplementedError


def match(
    spec: ModelSpec, volumes: Sequence[Volume], *, chosen: Mapping[str, Volume] | None = None, accept: bool = False
) -> Case:
    """The case of a model: each channel's volume, with its quantities brought to what the model wants.

    Args:
        spec: the model.
        volumes: what there is to choose from.
        chosen: what the user named, by channel name.
        accept: take an image of a known modality that is not the model's.

    Raises:
        InputError: if a channel has no image or several, or values are missing or not finite.
        ConfirmationRequired: if an image's modality is known and not the model's.
        UsageError: if ``chosen`` names a channel that the model does not have.
    """
    raise NotImplementedError
