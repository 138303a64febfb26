"""From a folder or file to the case of a model: what is there, what serves which channel, and only then the voxels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.case import Case
from ..core.disk import existing
from ..core.errors import ConfirmationRequired, InputError, UsageError
from ..core.notice import Notice
from ..core.progress import Poll, Progress, RunStage
from ..core.series_place import uid_and_place
from ..core.volume import Volume
from ..models.spec import Channel, ModelSpec
from ..readers import IMAGES_PASSED_OVER, list_files, list_images, read_listing
from ..readers.listing import ImageListing
from ..readers.slicer_database import series_files
from .colours import is_coloured, part_of_picture
from .fit import describe
from .match import assign, match


def read_case(
    spec: ModelSpec,
    path: Path | None,
    *,
    database: Path | None = None,
    series_uid: str = "",
    channels: Mapping[str, str] | None = None,
    accept: bool = False,
    progress: Progress | None = None,
) -> Case:
    """Choose the images of a model from headers, then read those and no others.

    Args:
        spec: the model.
        path: a folder or file; None where ``channels`` names every image, or a database is given.
        database: Slicer's DICOM database, in place of ``path``; only series that are named by their UID are read.
        series_uid: take this series of it and leave the others; ``UID:2`` takes the second volume of a series that
            holds several.
        channels: a file, a folder or the UID of a series in ``path`` or ``database``, by channel name.
        accept: go on under the assumptions that would otherwise be asked about.
        progress: is told how much has been read.

    Raises:
        UsageError: if a channel or series is named that does not exist.
        InputError: if the images cannot be used, or several would serve a channel equally well.
    """
    progress = progress or Progress()
    with progress.stage(RunStage.READ):
        poll = progress.cancel.raise_if_cancelled
        if database is not None:
            listings = _listed_in(database, (series_uid, *(channels or {}).values()), poll, accept=accept)
        else:
            listings = () if path is None else list_images(path, accept=accept, poll=poll)
        chosen = {
            name: _named_image(name, value, listings, poll, accept=accept) for name, value in (channels or {}).items()
        }
        if series_uid:
            series = _series(series_uid, listings)
            if len(spec.channels) == 1:
                chosen.setdefault(spec.channels[0].name, series)
            listings = (series,)
        set_aside = () if series_uid else _set_aside(listings, spec.channels)
        matches = assign(spec, _readable(listings, needed=len(chosen) < len(spec.channels)), chosen=chosen)
        bound: dict[str, Volume] = {}
        for n, found in enumerate(matches):
            bound[found.channel.name] = _read_one(
                found.image,
                found.channel,
                accept=accept,
                progress=progress,
                begin=n / len(matches),
                share=1 / len(matches),
            )
        case = match(spec, tuple(bound.values()), chosen=bound, accept=accept, poll=poll)
        return replace(case, notices=(*case.notices, *set_aside))


def _set_aside(listings: Sequence[ImageListing], channels: Sequence[Channel]) -> tuple[Notice, ...]:
    """Image files beside DICOM, and what might have served a channel but cannot be read as it is."""
    wanted = {"", *(channel.modality for channel in channels)}
    notices = [notice for listing in listings for notice in listing.notices if notice.code == IMAGES_PASSED_OVER]
    count = sum(listing.problem is not None and listing.modality in wanted for listing in listings)
    if count:
        message = (
            f"Not considered, since not readable as they are: {count} of the images there; 'medaiseg inspect' says why."
        )
        notices.append(Notice("images-set-aside", message))
    return tuple(dict.fromkeys(notices))


def _listed_in(database: Path, names: Sequence[str], poll: Poll, *, accept: bool) -> tuple[ImageListing, ...]:
    """The series among the names, each once; what is a file or folder is no series."""
    uids = dict.fromkeys(uid_and_place(name)[0] for name in names if name and existing(name) is None)
    return tuple(
        listing for uid in uids for listing in list_files(series_files(database, uid), accept=accept, poll=poll)
    )


def _named_image(name: str, value: str, listings: Sequence[ImageListing], poll: Poll, *, accept: bool) -> ImageListing:
    """The one image that a channel's value names.

    Raises:
        UsageError: if it names none or several.
        InputError: if that image cannot be read.
    """
    uid, place = uid_and_place(value)
    if (uid or place) and any(listing.series_instance_uid == uid for listing in listings):
        return _series(value, listings)
    path = existing(value)
    if path is None:
        raise UsageError(
            f"{value!r} is neither a file or folder nor the UID of a series in the input.",
            where=f"channel {name}",
            remedy=_UIDS_REMEDY,
        )
    found = _readable(list_images(path, accept=accept, poll=poll), needed=True)
    if len(found) > 1:
        raise UsageError(
            f"{path.name} holds {len(found)} images, and a channel takes one.",
            where=f"channel {name}",
            remedy=_UIDS_REMEDY,
        )
    return found[0]


_UIDS_REMEDY = "'medaiseg inspect' lists the series of a folder with their UIDs."


def _series(name: str, listings: Sequence[ImageListing]) -> ImageListing:
    """The one image of a series, or of several the one that its number names.

    Raises:
        UsageError: if there is no such series, or none of that number.
        InputError: if the series cannot be read, or holds several images and none is named.
    """
    uid, place = uid_and_place(name)
    found = [listing for listing in listings if listing.series is not None and listing.series_instance_uid == uid]
    if not found:
        raise UsageError(f"there is no series {uid} in the input.", remedy=_UIDS_REMEDY)
    readable = _readable(found, needed=True)
    if place is not None:
        return _numbered(place, readable, name)
    if len(readable) > 1:
        text = "\n".join(f"  {describe(listing)}, runs to {listing.orientation}" for listing in readable)
        raise InputError(
            f"the series holds {len(readable)} images that do not form one volume:\n{text}\n",
            where=f"series {uid}",
            remedy=f"Choose one: --series {readable[0].names[0]}, or --channel NAME={readable[0].names[0]}.",
        )
    return readable[0]


def _numbered(place: int, readable: Sequence[ImageListing], name: str) -> ImageListing:
    before = 0
    for listing in readable:
        if before < place <= before + listing.volume_count:
            return replace(listing, wanted=place - before - 1)
        before += listing.volume_count
    raise UsageError(f"there is no series {name} in the input: it holds {before}.", remedy=_UIDS_REMEDY)


def _readable(listings: Sequence[ImageListing], *, needed: bool) -> tuple[ImageListing, ...]:
    """Those that can be read; where none can but one is needed, why the first cannot."""
    readable = tuple(listing for listing in listings if listing.problem is None)
    problems = [listing.problem for listing in listings if listing.problem is not None]
    if needed and not readable and problems:
        questions = [problem for problem in problems if isinstance(problem, ConfirmationRequired)]
        raise (questions or problems)[0]
    return readable


def _read_one(
    listing: ImageListing, channel: Channel, *, accept: bool, progress: Progress, begin: float, share: float
) -> Volume:
    count = listing.volume_count
    # A large file or series is asked about before it is read; a slice or two tell that a series holds no copies.
    is_counted = listing.wanted is None and count > 1 and not (listing.are_copies and listing.are_copies())
    if is_counted and not accept:
        raise _one_of_several(listing, count)
    volumes = read_listing(
        replace(listing, wanted=0) if is_counted else listing,
        accept=accept,
        progress=lambda done: progress.report(RunStage.READ, begin + share * done),
    )
    first, count = volumes[0], count if is_counted else len(volumes)
    if count == 1:
        return first
    if all(is_coloured(volume) for volume in volumes):
        return part_of_picture(volumes, channel)
    if not accept:
        raise _one_of_several(listing, count)
    return first.with_voxels(
        first.voxels,
        Notice("first-volume", f"Of {count} volumes in the series the first was taken, as accepted."),
    )


def _one_of_several(listing: ImageListing, count: int) -> ConfirmationRequired:
    by_name = f"name one of them (--series {listing.names[1]})" if listing.names[1:] else "give that volume alone"
    return ConfirmationRequired(
        f"it holds {count} volumes (a time series or the like), and the channel takes one.",
        where=listing.description or listing.kind,
        remedy=f"Accept (--accept) to take the first, or {by_name}.",
    )
