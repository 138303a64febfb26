"""DICOM files to listings and volumes (PS3.3 C.7.6.2 image plane, C.7.6.16 multi-frame functional groups)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from ..core.errors import ConfirmationRequired, InputError
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.volume import Volume
from .dicom_geometry import SliceGrid
from .dicom_header import is_dicom, read_header
from .dicom_mixtures import mixture_of
from .dicom_questions import questions_of, rescale_notice, with_assumptions
from .dicom_records import Frame, Instance
from .dicom_series import (
    Stack,
    attributes_of,
    by_refusal,
    by_series,
    is_projection,
    kind_of,
    series_of,
    stacks_of,
)
from .dicom_split import Part, places_of, split
from .dicom_volume import StackGrids, are_copies, grid_of_part, read_volumes
from .listing import ImageListing

_NAME = "dicom"
_WORKERS = 4
_REMEDY = "Choose a series of images."


def recognises(path: Path) -> bool:
    """By the first bytes; a file that calls itself DICOM is taken too, so that a damaged one is named."""
    return path.suffix.lower() in (".dcm", ".dicom") or is_dicom(path)


def list_images(paths: Sequence[Path], *, accept: bool, poll: Poll = never) -> tuple[ImageListing, ...]:
    """All series in the files, damaged files and other objects included, each with the reason."""
    listings: list[ImageListing] = []
    instances: list[Instance] = []
    for header in _headers(paths, poll):
        if isinstance(header, ImageListing):
            listings.append(header)
        elif header is not None:
            instances.append(header)
    for series in by_series(instances):
        poll()
        images, refused = by_refusal(series)
        listings += [_refused(kind, why, group) for kind, why, group in refused]
        listings += _list_stacks(stacks_of(images), accept=accept)
    return tuple(listings)


def _headers(paths: Sequence[Path], poll: Poll) -> Iterator[Instance | ImageListing | None]:
    pool = ThreadPoolExecutor(_WORKERS)
    try:
        for header in pool.map(_header_or_problem, paths):
            yield header
            poll()
    finally:
        pool.shutdown(cancel_futures=True)


def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """The volumes of a listing, more than one where its images lie at the same places.

    Raises:
        InputError: if a file is damaged, or different images lie at one place and no tag tells them apart.
    """
    del accept
    grids = cast("StackGrids", listing.source)
    if listing.wanted is not None and len(grids.parts) > 1:
        grids = replace(grids, parts=(grids.parts[listing.wanted],))
    return read_volumes(grids, progress)


def _header_or_problem(path: Path) -> Instance | ImageListing | None:
    try:
        return read_header(path)
    except InputError as problem:
        return ImageListing(_NAME, "damaged DICOM file", (path,), description=path.name, problem=problem)


def _refused(kind: str, why: str, instances: Sequence[Instance]) -> ImageListing:
    first = instances[0]
    return ImageListing(
        _NAME,
        kind,
        tuple(instance.path for instance in instances),
        modality=first.modality,
        description=first.description,
        series=series_of(first, ()),
        attributes=first.attributes,
        problem=InputError(why, where=first.description or first.path.name, remedy=_REMEDY),
    )


def _list_stacks(stacks: Sequence[Stack], *, accept: bool) -> Iterator[ImageListing]:
    """A listing for each stack of a series, or one that says why a mixed series is none."""
    odd = [stack for stack in stacks if not is_projection(stack.first) and not stack.first.is_localizer]
    lone = [stack for stack in odd if len(stack.frames) == 1]
    if len(odd) > 1 and lone:
        yield _refused(
            "DICOM series",
            f"its {sum(len(stack.frames) for stack in odd)} images have {len(odd)} different orientations or sizes and "
            "do not form volumes.",
            [instance for stack in odd for instance in stack.instances],
        )
        stacks = [stack for stack in stacks if stack not in odd]
    for stack in stacks:
        if len(odd) > 1 and not lone and stack in odd:
            message = f"The series mixes {len(odd)} orientations or sizes; this is group {odd.index(stack) + 1}."
            stack = replace(stack, notices=(Notice("mixed-orientation", message),))
        for image in _unmixed(stack):
            yield _list_stack(image, accept=accept)


def _unmixed(stack: Stack) -> Iterator[Stack]:
    """The images of a stack, each a stack of its own where they can be told apart, else one in question."""
    mixture = mixture_of(stack)
    if mixture is None:
        yield stack
        return
    if not mixture.groups:
        yield replace(stack, question=f"it mixes {mixture.what}; its slices are taken as one volume.")
    for number, group in enumerate(mixture.groups, start=1):
        notice = Notice("mixed-images", f"The series mixes {mixture.what}; this is group {number}.")
        yield from _unmixed(replace(group, notices=(*group.notices, notice)))


def _list_stack(stack: Stack, *, accept: bool) -> ImageListing:
    first, questions = stack.first, questions_of(stack)
    stack = with_assumptions(stack)
    listing = ImageListing(
        _NAME,
        kind_of(stack),
        tuple(dict.fromkeys(frame.path for frame in stack.frames)),
        modality=first.modality,
        description=first.description,
        series=series_of(first, ()),
        attributes=attributes_of(stack, stack.frames),
        notices=(
            *stack.notices,
            *_identifier_notices(stack),
            *rescale_notice(stack),
            *(_accepted(q) for q in questions if accept),
        ),
    )
    try:
        _check_complete(stack)
        parts = _parts(stack)
        grids = tuple((part, grid_of_part(stack, part)) for part in parts or ())
        shown = grids[0][1] if grids else grid_of_part(stack, Part(_first_at_each_place(stack.frames)))
    except InputError as problem:
        described = InputError(problem.what, where=first.description or first.path.name, remedy=problem.remedy)
        return replace(listing, attributes=dict(listing.attributes), problem=described)
    notices = listing.notices + _notices_of(grids, shown)
    source = StackGrids(replace(stack, notices=listing.notices), grids)
    return replace(
        listing,
        paths=tuple(dict.fromkeys(frame.path for _, grid in grids for frame in grid.frames)) or listing.paths,
        geometry=shown.geometry,
        series=series_of(first, shown.frames),
        attributes=dict(listing.attributes),
        volume_count=max(1, len(grids)),
        notices=notices,
        problem=_confirmation(questions, first) if questions and not accept else None,
        are_copies=partial(are_copies, source) if len(grids) > 1 else None,
        source=source,
    )


def _accepted(question: str) -> Notice:
    return Notice("assumption-accepted", f"Accepted: {question}")


def _confirmation(questions: Sequence[str], first: Instance) -> ConfirmationRequired:
    return ConfirmationRequired(
        " Besides, ".join(questions),
        where=first.description or first.path.name,
        remedy="Accept this (--accept) if it is right, else export the series again from its source.",
    )


def _parts(stack: Stack) -> tuple[Part, ...] | None:
    return (Part(stack.frames),) if is_projection(stack.first) else split(stack.frames)


def _notices_of(grids: Sequence[tuple[Part, SliceGrid]], shown: SliceGrid) -> tuple[Notice, ...]:
    if not grids:
        message = "Several images lie at one place; reading will tell copies from different images."
        return (*shown.notices, Notice("positions-repeated", message))
    if len(grids) == 1:
        return shown.notices
    labels = "; ".join(part.label for part, _ in grids[:4]) + ("; …" if len(grids) > 4 else "")
    return (*shown.notices, Notice("several-volumes", f"The series holds {len(grids)} volumes: {labels}."))


def _check_complete(stack: Stack) -> None:
    """Raises InputError if a file is shorter than its pixels."""
    for instance in stack.instances:
        expected, stored = instance.expected_bytes, instance.stored_bytes
        if expected is not None and stored is not None and stored < expected:
            raise InputError(
                f"the file {instance.path.name} is cut short: {expected - stored} bytes of its pixels are missing.",
                remedy="Copy it again from its source.",
            )


def _first_at_each_place(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    return tuple(
        {place: frame for frame, place in reversed(list(zip(frames, places_of(frames), strict=True)))}.values()
    )


def _identifier_notices(stack: Stack) -> tuple[Notice, ...]:
    missing = sorted({keyword for instance in stack.instances for keyword in instance.missing})
    if not missing:
        return ()
    message = (
        f"{', '.join(missing)} missing in the files; a DICOM SEG cannot refer to them, other formats can be written."
    )
    return (Notice("identifiers-missing", message),)
