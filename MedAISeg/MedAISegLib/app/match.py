"""Which image serves which channel of a model, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, TypeVar

from ..core.case import Case
from ..core.errors import ConfirmationRequired, InputError, UsageError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.quantities import check_finite, padding_to_air, to_suv_bw
from ..core.volume import Volume
from ..models.spec import Channel, ModelSpec
from .colours import HasChannels, as_one_channel, colours_of_picture
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
        what = _("the model {model} has no channel {channel!r}.").format(model=spec.id, channel=unknown[0])
        raise UsageError(what, remedy=_("It has {channels}.").format(channels=", ".join(names)))
    picture = as_one_channel(spec)
    if picture is not None:
        image = next(iter(chosen.values()), None)
        (found_one,) = assign(picture, candidates, chosen={} if image is None else {picture.channels[0].name: image})
        return tuple(replace(found_one, channel=c, image=chosen.get(c.name, found_one.image)) for c in spec.channels)
    found = {
        name: ChannelMatch(_channel(spec, name), image, _("chosen"), float("inf")) for name, image in chosen.items()
    }
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
    matches = assign(spec, volumes, chosen=chosen or colours_of_picture(spec, volumes))
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
        reason = _("the only image; {reason}").format(reason=reason)
        return (ChannelMatch(channels[0], images[0], reason, score),)
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
    what = (
        _("the model {model} needs an image for its channel {channel}, and there is none. There is:\n{images}\n")
        if images
        else _("the model {model} needs an image for its channel {channel}, and there is none.")
    )
    return InputError(
        what.format(model=spec.id, channel=wants, images=_listed(images)),
        remedy=_("Name it: --channel {channel}=FILE or series UID.").format(channel=channel.name),
    )


def _ambiguous(channel: Channel, images: Sequence[Candidate]) -> InputError:
    what = _("{count} images serve the channel {channel!r} equally well:\n{images}\n")
    remedy = _("Choose one: --series UID, or --channel {channel}=FILE or series UID.")
    return InputError(
        what.format(count=len(images), channel=channel.name, images=_listed(images)),
        remedy=remedy.format(channel=channel.name),
    )


def _listed(images: Sequence[Candidate]) -> str:
    return "\n".join(f"  {describe(image)}" for image in images)


def _modality_notices(spec: ModelSpec, found: ChannelMatch[Volume], accept: bool) -> list[Notice]:
    wanted, image = found.channel.modality, found.image
    if not wanted or (image.modality and not is_other_modality(found.channel, image)):
        return []
    if not image.modality:
        message = _("The {image} does not say its modality; it was taken as {wanted}.")
        return [Notice("modality-unknown", message.format(image=image_of(found.channel.name), wanted=wanted))]
    what = _("it is {found}, and the model {model} was made for {wanted}.")
    what = what.format(found=image.modality, model=spec.id, wanted=wanted)
    if not accept:
        raise _to_confirm(found, what)
    message = _("The {image}: {finding}").format(image=image_of(found.channel.name), finding=what)
    return [Notice("modality-accepted", message)]


def _thinness_notices(spec: ModelSpec, found: ChannelMatch[Volume], accept: bool) -> list[Notice]:
    slices = min(found.image.geometry.shape_kji)
    if slices >= FEWEST_SLICES or spec.sees_slices:
        return []
    one = _("it has only {count} slice, and the model {model} was made for volumes.")
    several = _("it has only {count} slices, and the model {model} was made for volumes.")
    what = (one if slices == 1 else several).format(count=slices, model=spec.id)
    if not accept:
        raise _to_confirm(found, what)
    return [Notice("few-slices-accepted", f"{_named(found)}: {what}")]


def _to_confirm(found: ChannelMatch[Volume], what: str) -> ConfirmationRequired:
    remedy = _("Choose another image, or accept it (--accept).")
    return ConfirmationRequired(what, where=_named(found), remedy=remedy)


def _named(found: ChannelMatch[Volume]) -> str:
    return found.image.description or _("the {image}").format(image=image_of(found.channel.name))


def _appearance_notices(found: ChannelMatch[Volume]) -> list[Notice]:
    """A word where a chosen or only image does not look like its channel."""
    wanted = appearance_of(found.channel.name, {})
    seen = appearance_of(found.image.description, found.image.attributes)
    notices = []
    if wanted.weighting and seen.weighting and wanted.weighting is not seen.weighting:
        message = _("The {image} looks like {weighting} (by {ground}).").format(
            image=image_of(found.channel.name), weighting=seen.weighting.value, ground=seen.weighting_ground
        )
        notices.append(Notice("looks-different", message))
    elif wanted.enhanced and seen.enhanced is not True:
        message = _("Nothing says that the {image} was made with a contrast agent.")
        message = message.format(image=image_of(found.channel.name))
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
            message = _("{channel} and {other} are in different frames of reference; they may not lie on each other.")
            notices.append(Notice("frame-of-reference", message.format(channel=name, other=first_name)))
        if not volume.geometry.matches(first.geometry):
            message = _("{channel} lies on another grid than {other}; it is resampled to it.")
            notices.append(Notice("other-grid", message.format(channel=name, other=first_name)))
    return notices
