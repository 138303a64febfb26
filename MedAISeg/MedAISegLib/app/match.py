"""Which image serves which channel of a model, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, TypeVar

from ..core.case import Case
from ..core.errors import ConfirmationRequired, InputError, UsageError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.quantities import check_finite, padding_to_air, to_suv_bw
from ..core.volume import Volume
from ..models.spec import Channel, ModelSpec
from .colours import HasChannels, as_one_channel
from .contrast import appearance_of
from .fit import Candidate, appearance_points, describe, fit, image_of, is_other_modality

__all__ = ["Candidate", "ChannelMatch", "assign", "describe", "match", "options_for"]

C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True)
class ChannelMatch(Generic[C]):
    """The image that serves a channel; the reason is a phrase for a user, a higher score a better fit."""

    channel: Channel
    image: C
    reason: str
    score: float


FEWEST_SLICES = 3
"""With fewer there is no voxel that has neighbours on all sides, and what a network makes of them is chance."""

_MOST_TRIED = 6
"""Images tried for a channel when several channels compete; those that fit it best."""


def assign(
    spec: HasChannels, candidates: Sequence[C], *, chosen: Mapping[str, C] | None = None
) -> tuple[ChannelMatch[C], ...]:
    """One image for each channel of the model, in the model's order, from headers alone.

    Channels that are the colours of a picture have one image together.

    Args:
        spec: the model.
        candidates: volumes or listings.
        chosen: what the user named, by channel name; it is taken as it is.

    Raises:
        InputError: if a channel has no image, or several fit equally well: the text lists them.
        UsageError: if ``chosen`` names a channel that the model does not have.
    """
    chosen = dict(chosen or {})
    names = [channel.name for channel in spec.channels]
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise UsageError(f"the model {spec.id} has no channel {unknown[0]!r}.", remedy=f"It has {', '.join(names)}.")
    picture = as_one_channel(spec)
    if picture is not None:
        image = next(iter(chosen.values()), None)
        (found_one,) = assign(picture, candidates, chosen={} if image is None else {picture.channels[0].name: image})
        return tuple(replace(found_one, channel=c, image=chosen.get(c.name, found_one.image)) for c in spec.channels)
    found = {name: ChannelMatch(_channel(spec, name), image, "chosen", float("inf")) for name, image in chosen.items()}
    free = [image for image in candidates if all(image is not taken for taken in chosen.values())]
    open_channels = [channel for channel in spec.channels if channel.name not in chosen]
    if open_channels:
        found |= {match.channel.name: match for match in _best(spec, open_channels, free)}
    return tuple(found[name] for name in names)


def match(
    spec: ModelSpec,
    volumes: Sequence[Volume],
    *,
    chosen: Mapping[str, Volume] | None = None,
    accept: bool = False,
    poll: Poll = never,
) -> Case:
    """The case of a model: each channel's volume, with its quantities brought to what the model wants.

    Args:
        spec: the model.
        volumes: what there is to choose from.
        chosen: what the user named, by channel name.
        accept: take an image of a known modality that is not the model's.
        poll: called between slices.

    Raises:
        InputError: if a channel has no image or several, or values are missing or not finite.
        ConfirmationRequired: if an image's modality is known and not the model's, or it has too few slices.
        UsageError: if ``chosen`` names a channel that the model does not have.
    """
    matches = assign(spec, volumes, chosen=chosen)
    notices: list[Notice] = []
    channels: dict[str, Volume] = {}
    for found in matches:
        notices += _modality_notices(spec, found, accept)
        notices += _thinness_notices(spec, found, accept)
        notices += _appearance_notices(found)
        channels[found.channel.name] = _quantities(found.channel, found.image, poll)
    notices += _grid_notices(tuple(channels.items()))
    return Case(channels, tuple(notices))


def _channel(spec: HasChannels, name: str) -> Channel:
    return next(channel for channel in spec.channels if channel.name == name)


def _best(spec: HasChannels, channels: Sequence[Channel], images: Sequence[C]) -> tuple[ChannelMatch[C], ...]:
    """The assignment of different images to the channels with the highest total score.

    Raises:
        InputError: if a channel gets none, or another assignment is as good.
    """
    if not images:
        raise _missing(spec, channels[0], images)
    if len(channels) == 1 and len(images) == 1:
        score, reason = fit(channels[0], images[0], flat=spec.sees_slices)
        return (ChannelMatch(channels[0], images[0], f"the only image; {reason}", score),)
    options = [
        options_for(channel, images, only_channel=len(spec.channels) == 1, flat=spec.sees_slices)
        for channel in channels
    ]
    for channel, fitting in zip(channels, options, strict=True):
        if not fitting:
            raise _missing(spec, channel, images)
    assignments = [
        row
        for row in product(*(fitting[:_MOST_TRIED] for fitting in options))
        if len({id(m.image) for m in row}) == len(row)
    ]
    if not assignments:
        raise _missing(spec, _weakest(options), images)
    assignments.sort(key=lambda row: -sum(m.score for m in row))
    best = assignments[0]
    rivals = [row for row in assignments[1:] if sum(m.score for m in row) >= sum(m.score for m in best) - 1e-9]
    for n, channel in enumerate(channels):
        equal = [best[n], *(row[n] for row in rivals if row[n].image is not best[n].image)]
        if len(equal) > 1:
            raise _ambiguous(channel, list({id(m.image): m.image for m in equal}.values()))
    return best


def options_for(
    channel: Channel, images: Sequence[C], *, only_channel: bool, flat: bool = False
) -> list[ChannelMatch[C]]:
    """Images that may serve a channel, best first; those of another modality only if there are no others.

    A channel that wants a weighting takes an image of unknown weighting only where no other channel could want it too.
    """
    fitting = [image for image in images if not is_other_modality(channel, image)] or list(images)
    wanted = appearance_of(channel.name, {})
    if wanted.weighting:
        points = {id(i): appearance_points(wanted, appearance_of(i.description, i.attributes))[0] for i in fitting}
        likely = [image for image in fitting if points[id(image)] > 0]
        fitting = likely or [image for image in fitting if points[id(image)] == 0 and only_channel]
    scored = [
        ChannelMatch(channel, image, reason, score)
        for image in fitting
        for score, reason in [fit(channel, image, flat=flat)]
    ]
    return sorted(scored, key=lambda m: -m.score)


def _weakest(options: Sequence[Sequence[ChannelMatch[C]]]) -> Channel:
    """The channel that comes away empty when channels want the same images: the one with the lowest best score."""
    return min((fitting[0] for fitting in options), key=lambda m: m.score).channel


def _missing(spec: HasChannels, channel: Channel, images: Sequence[Candidate]) -> InputError:
    wants = f"{channel.name!r} ({channel.modality})" if channel.modality else repr(channel.name)
    what = f"the model {spec.id} needs an image for its channel {wants}, and there is none"
    found = f". There is:\n{_listed(images)}\n" if images else "."
    return InputError(what + found, remedy=f"Name it: --channel {channel.name}=FILE or series UID.")


def _ambiguous(channel: Channel, images: Sequence[Candidate]) -> InputError:
    return InputError(
        f"{len(images)} images serve the channel {channel.name!r} equally well:\n{_listed(images)}\n",
        remedy=f"Choose one: --series UID, or --channel {channel.name}=FILE or series UID.",
    )


def _listed(images: Sequence[Candidate]) -> str:
    return "\n".join(f"  {describe(image)}" for image in images)


def _modality_notices(spec: ModelSpec, found: ChannelMatch[Volume], accept: bool) -> list[Notice]:
    wanted, image = found.channel.modality, found.image
    if not wanted or (image.modality and not is_other_modality(found.channel, image)):
        return []
    if not image.modality:
        message = f"The {image_of(found.channel.name)} does not say its modality; it was taken as {wanted}."
        return [Notice("modality-unknown", message)]
    what = f"it is {image.modality}, and the model {spec.id} was made for {wanted}."
    if not accept:
        where = image.description or f"the {image_of(found.channel.name)}"
        raise ConfirmationRequired(what, where=where, remedy="Choose another image, or accept it (--accept).")
    return [Notice("modality-accepted", f"The {image_of(found.channel.name)}: {what}")]


def _thinness_notices(spec: ModelSpec, found: ChannelMatch[Volume], accept: bool) -> list[Notice]:
    slices = min(found.image.geometry.shape_kji)
    if slices >= FEWEST_SLICES or spec.sees_slices:
        return []
    name = found.image.description or f"the {image_of(found.channel.name)}"
    what = f"it has only {slices} slice{'s' if slices > 1 else ''}, and the model {spec.id} was made for volumes."
    if not accept:
        raise ConfirmationRequired(what, where=name, remedy="Choose another image, or accept it (--accept).")
    return [Notice("few-slices-accepted", f"{name}: {what}")]


def _appearance_notices(found: ChannelMatch[Volume]) -> list[Notice]:
    """A word where a chosen or only image does not look like its channel."""
    wanted = appearance_of(found.channel.name, {})
    seen = appearance_of(found.image.description, found.image.attributes)
    notices = []
    if wanted.weighting and seen.weighting and wanted.weighting is not seen.weighting:
        message = f"The {image_of(found.channel.name)} looks like {seen.weighting.value} (by {seen.weighting_ground})."
        notices.append(Notice("looks-different", message))
    elif wanted.enhanced and seen.enhanced is not True:
        message = f"Nothing says that the {image_of(found.channel.name)} was made with a contrast agent."
        notices.append(Notice("contrast-unknown", message))
    return notices


def _quantities(channel: Channel, volume: Volume, poll: Poll) -> Volume:
    check_finite(volume, poll)
    if (channel.units == "HU" or channel.modality == "CT") and volume.modality in ("CT", ""):
        return padding_to_air(volume, poll)
    if (channel.units == "SUV" or channel.modality == "PT") and volume.modality in ("PT", ""):
        return to_suv_bw(volume, poll)
    return volume


def _grid_notices(channels: Sequence[tuple[str, Volume]]) -> list[Notice]:
    (first_name, first), *others = channels
    notices = []
    frame = first.series.frame_of_reference_uid if first.series else ""
    for name, volume in others:
        own = volume.series.frame_of_reference_uid if volume.series else ""
        if frame and own and frame != own:
            message = f"{name} and {first_name} are in different frames of reference; they may not lie on each other."
            notices.append(Notice("frame-of-reference", message))
        if not volume.geometry.matches(first.geometry):
            message = f"{name} lies on another grid than {first_name}; it is resampled to it."
            notices.append(Notice("other-grid", message))
    return notices
