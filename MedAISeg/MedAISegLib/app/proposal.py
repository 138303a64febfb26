"""Which image may serve which channel, for somebody who is still choosing: gaps and doubts are shown, not raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, TypeVar

from ..core.errors import InputError
from ..core.language import tr as _
from ..models.spec import Channel
from .colours import HasChannels, as_one_channel
from .contrast import appearance_of
from .fit import Candidate, describe, image_of, is_other_modality
from .match import ChannelMatch, assign, options_for

C = TypeVar("C", bound=Candidate)

_MOST_TRIED = 6
"""Images tried for a channel; those that fit it best."""


@dataclass(frozen=True)
class Proposal(Generic[C]):
    """What a channel would get.

    Attributes:
        image: None where nothing fits.
        reason: a phrase for a user: why this image, or why none.
        rivals: other images that fit as well.
    """

    channel: Channel
    image: C | None
    reason: str
    rivals: tuple[C, ...] = ()


def propose(
    model: HasChannels, candidates: Sequence[C], *, chosen: Mapping[str, C] | None = None
) -> tuple[Proposal[C], ...]:
    """A proposal for each channel, in the model's order, from headers alone.

    The same as what :func:`~MedAISegLib.app.match.assign` gives where that is without doubt; else as many channels as
    possible get the image that fits best.

    Args:
        model: a model's specification or card.
        candidates: volumes, nodes or listings.
        chosen: what the user has named, by channel name; it is taken as it is.
    """
    chosen = dict(chosen or {})
    picture = as_one_channel(model)
    if picture is not None:
        image = next(iter(chosen.values()), None)
        (one,) = propose(picture, candidates, chosen={} if image is None else {picture.channels[0].name: image})
        return tuple(replace(one, channel=channel) for channel in model.channels)
    try:
        return tuple(
            Proposal(found.channel, found.image, found.reason) for found in assign(model, candidates, chosen=chosen)
        )
    except InputError:
        free = [image for image in candidates if all(image is not taken for taken in chosen.values())]
        open_channels = [channel for channel in model.channels if channel.name not in chosen]
        found = _best(open_channels, free, only_channel=len(model.channels) == 1, flat=model.sees_slices)
    return tuple(
        Proposal(channel, chosen[channel.name], _("chosen")) if channel.name in chosen else found[channel.name]
        for channel in model.channels
    )


def _best(
    channels: Sequence[Channel], images: Sequence[C], *, only_channel: bool, flat: bool
) -> dict[str, Proposal[C]]:
    options = [_fitting(channel, images, only_channel=only_channel, flat=flat) for channel in channels]
    rows = [
        row
        for row in product(*([*fitting[:_MOST_TRIED], None] for fitting in options))
        if len({id(m.image) for m in row if m}) == sum(m is not None for m in row)
    ]
    # Python's maximum is the first of equals, so that the order of the candidates decides between rivals.
    best = max(rows, key=_worth)
    rivals = [row for row in rows if _worth(row) >= (_worth(best)[0], _worth(best)[1] - 1e-9)]
    return {
        channel.name: _proposal(channel, taken, [row[n] for row in rivals], images)
        for n, (channel, taken) in enumerate(zip(channels, best, strict=True))
    }


def _fitting(channel: Channel, images: Sequence[C], *, only_channel: bool, flat: bool) -> list[ChannelMatch[C]]:
    """Options that nothing speaks against: another modality, a localizer, no contrast agent where one is wanted."""
    wants_agent = appearance_of(channel.name, {}).enhanced
    return [
        option
        for option in options_for(channel, images, only_channel=only_channel, flat=flat)
        if not is_other_modality(channel, option.image)
        and option.score >= 0
        and not (wants_agent and appearance_of(option.image.description, option.image.attributes).enhanced is False)
    ]


def _worth(row: Sequence[ChannelMatch[C] | None]) -> tuple[int, float]:
    taken = [found for found in row if found is not None]
    return len(taken), sum(found.score for found in taken)


def _proposal(
    channel: Channel, taken: ChannelMatch[C] | None, equals: Sequence[ChannelMatch[C] | None], images: Sequence[C]
) -> Proposal[C]:
    if taken is None:
        wants = f" ({channel.modality})" if channel.modality else ""
        what = f"{image_of(channel.name)}{wants}"
        reason = _("No {image} fits; choose one.") if images else _("There is no {image}; choose one.")
        return Proposal(channel, None, reason.format(image=what))
    others = {id(found.image): found.image for found in equals if found and found.image is not taken.image}
    if not others:
        return Proposal(channel, taken.image, taken.reason)
    as_well = ", ".join(image.description or describe(image) for image in others.values())
    reason = _("{reason}; as well fits: {others}").format(reason=taken.reason, others=as_well)
    return Proposal(channel, taken.image, reason, tuple(others.values()))
