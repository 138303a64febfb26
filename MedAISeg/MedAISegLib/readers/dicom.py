"""DICOM files to listings and volumes (PS3.3 C.7.6.2 image plane, C.7.6.16 multi-frame functional groups)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.notice import Notice
from ..core.quantities import PADDING_VALUES
from ..core.volume import SeriesReference, Volume
from . import dicom_pixels
from .dicom_geometry import SliceGrid, grid_of
from .dicom_header import is_dicom, read_header
from .dicom_pixels import Array, read_frames
from .dicom_records import Frame, Instance
from .dicom_series import Stack, by_refusal, by_series, is_projection, kind_of, stacks_of
from .dicom_split import Part, places_of, split
from .listing import ImageListing

_NAME = "dicom"
_WORKERS = 4
_ACQUISITION = ("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime")
_REMEDY = "Choose a series of images."


@dataclass(frozen=True, eq=False)
class _Source:
    """A stack with its parts' grids; no parts where only the pixels can tell copies from different images."""

    stack: Stack
    grids: tuple[tuple[Part, SliceGrid], ...]


def recognises(path: Path) -> bool:
    """By the first bytes; a file that calls itself DICOM is taken too, so that a damaged one is named."""
    return path.suffix.lower() in (".dcm", ".dicom") or is_dicom(path)


def list_images(paths: Sequence[Path], *, accept: bool) -> tuple[ImageListing, ...]:
    """All series in the files, damaged files and other objects included, each with the reason.

    DICOM leaves nothing to accept: geometry is either known or refused.
    """
    del accept
    listings: list[ImageListing] = []
    instances: list[Instance] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for header in pool.map(_header_or_problem, paths):
            if isinstance(header, ImageListing):
                listings.append(header)
            elif header is not None:
                instances.append(header)
    for series in by_series(instances):
        images, refused = by_refusal(series)
        listings += [_refused(kind, why, group) for kind, why, group in refused]
        listings += _list_stacks(stacks_of(images))
    return tuple(listings)


def read(listing: ImageListing, *, accept: bool, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """The volumes of a listing.

    Where slices were made up or moved to a regular grid, the series' instances and files are those of the source: fewer
    or other than the volume's slices.

    Raises:
        InputError: if a file is damaged, or different images lie at one place and no tag tells them apart.
    """
    del accept
    source = cast("_Source", listing.source)
    stack, shape = source.stack, (source.stack.first.rows, source.stack.first.columns)
    _check_copies(stack, shape)
    grids = source.grids
    notices: tuple[Notice, ...] = ()
    if not grids:
        frames, notice = _without_equal_frames(stack, shape)
        part = Part(frames)
        grids, notices = ((part, _grid(stack, part)),), (notice,)
    volumes: list[Volume] = []
    for number, (part, grid) in enumerate(grids):
        voxels = read_frames(grid.frames, shape, lambda f, done=number: progress((done + f) / len(grids)))  # type: ignore[misc]
        if volumes and np.array_equal(voxels, volumes[0].voxels):
            notices = (*notices, Notice("copies-dropped", f"A copy of the same images ({part.label}) was left out."))
            continue
        volumes.append(_volume(stack, part, grid, voxels))
    return tuple(replace(v, attributes=dict(v.attributes), notices=v.notices + notices) for v in volumes)


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
        series=_series(first, ()),
        attributes=first.attributes,
        problem=InputError(why, where=first.description or first.path.name, remedy=_REMEDY),
    )


def _list_stacks(stacks: Sequence[Stack]) -> Iterator[ImageListing]:
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
        yield _list_stack(stack)


def _list_stack(stack: Stack) -> ImageListing:
    first = stack.first
    listing = ImageListing(
        _NAME,
        kind_of(stack),
        tuple(dict.fromkeys(frame.path for frame in stack.frames)),
        modality=first.modality,
        description=first.description,
        series=_series(first, ()),
        attributes=_attributes(stack, stack.frames),
        notices=(*stack.notices, *_identifier_notices(stack)),
    )
    try:
        _check_complete(stack)
        parts = _parts(stack)
        grids = tuple((part, _grid(stack, part)) for part in parts or ())
        shown = grids[0][1] if grids else _grid(stack, Part(_first_at_each_place(stack.frames)))
    except InputError as problem:
        described = InputError(problem.what, where=first.description or first.path.name, remedy=problem.remedy)
        return replace(listing, attributes=dict(listing.attributes), problem=described)
    notices = listing.notices + _notices_of(grids, shown)
    return replace(
        listing,
        paths=tuple(dict.fromkeys(frame.path for _, grid in grids for frame in grid.frames)) or listing.paths,
        geometry=shown.geometry,
        series=_series(first, shown.frames),
        attributes=dict(listing.attributes),
        volume_count=max(1, len(grids)),
        notices=notices,
        source=_Source(replace(stack, notices=listing.notices), grids),
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


def _grid(stack: Stack, part: Part) -> SliceGrid:
    first = stack.first
    if is_projection(first):
        return _projection_grid(first)
    return grid_of(part.frames, first.rows, first.columns, first.slice_thickness_mm)


def _projection_grid(instance: Instance) -> SliceGrid:
    """A plane of its own: such an image has pixels of a size, but no place in the patient."""
    frame = instance.frames[0]
    notices = [Notice("no-position", "The image has no place in the patient; it lies in a plane of its own.")]
    if frame.pixel_spacing_mm is None:
        notices.append(Notice("pixel-size-assumed", "The size of its pixels is not given; 1 mm was assumed."))
    down, across = frame.pixel_spacing_mm or (1.0, 1.0)
    geometry = VolumeGeometry(
        (1, instance.rows, instance.columns), np.eye(4)[:, [2, 1, 0, 3]] @ np.diag([1, down, across, 1])
    )
    return SliceGrid(geometry, instance.frames, None, tuple(notices))


def _first_at_each_place(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    return tuple(
        {place: frame for frame, place in reversed(list(zip(frames, places_of(frames), strict=True)))}.values()
    )


def _check_copies(stack: Stack, shape: tuple[int, int]) -> None:
    """Raises InputError if two files of one SOP instance do not hold the same pixels."""
    for kept, copy in stack.copies:
        if not np.array_equal(*read_frames((kept, copy), shape, lambda _: None)):
            raise InputError(
                f"{kept.path.name} and {copy.path.name} have the same SOPInstanceUID but different pixels.",
                where=stack.first.description,
                remedy="Remove the one that does not belong to the series.",
            )


def _without_equal_frames(stack: Stack, shape: tuple[int, int]) -> tuple[tuple[Frame, ...], Notice]:
    """One frame at each place, if the others there hold the same pixels.

    Raises:
        InputError: if they do not.
    """
    kept: dict[int, tuple[Frame, Array]] = {}
    dropped = 0
    for frame, place in zip(stack.frames, places_of(stack.frames), strict=True):
        pixels = read_frames((frame,), shape, lambda _: None)
        if place not in kept:
            kept[place] = (frame, pixels)
        elif np.array_equal(kept[place][1], pixels):
            dropped += 1
        else:
            raise InputError(
                f"{kept[place][0].path.name} and {frame.path.name} lie at the same place, their pixels differ, "
                "and no tag sorts them into whole volumes.",
                where=stack.first.description,
                remedy="Separate what does not belong together into folders of their own.",
            )
    message = f"{dropped} image{'s' if dropped > 1 else ''} with the same place and pixels left out."
    return tuple(frame for frame, _ in kept.values()), Notice("duplicates-dropped", message)


def _volume(stack: Stack, part: Part, grid: SliceGrid, voxels: Array) -> Volume:
    first = stack.first
    notices = (*stack.notices, *grid.notices)
    if stack.copies:
        message = f"{len(stack.copies)} images that lie in the folder twice were read once."
        notices = (*notices, Notice("duplicates-dropped", message))
    if first.samples > 1:
        notices = (*notices, Notice("colour-to-grey", "The colour image was turned to grey by its luminance."))
    if first.photometric == "MONOCHROME1" and first.modality not in dicom_pixels.VALUES_NOT_DISPLAY:
        notices = (*notices, Notice("inverted", "The image is stored bright for dark (MONOCHROME1); it was inverted."))
    return Volume(
        voxels if grid.along is None else _interpolated(voxels, grid),
        grid.geometry,
        modality=first.modality,
        description=f"{first.description} ({part.label})" if part.label else first.description,
        series=_series(first, grid.frames),
        attributes=_attributes(stack, grid.frames),
        notices=notices,
    )


def _interpolated(voxels: Array, grid: SliceGrid) -> Array:
    """Slices between the sources', linearly."""
    if grid.along is None:
        return voxels
    below = np.minimum(np.floor(grid.along + 1e-6).astype(int), len(voxels) - 2)
    share = (grid.along - below).astype(np.float32)
    out = np.empty((len(grid.along), *voxels.shape[1:]), dtype=np.float32)
    for k, (n, w) in enumerate(zip(below, share, strict=True)):
        out[k] = voxels[n] if w < 1e-6 else voxels[n] * (1 - w) + voxels[n + 1] * w
    return out


def _series(first: Instance, frames: Sequence[Frame]) -> SeriesReference:
    """Files and instances in the order of the slices, one for a multi-frame object."""
    files = dict.fromkeys(frame.path for frame in frames)
    uids = dict.fromkeys((frame.path, frame.sop_instance_uid) for frame in frames)
    return SeriesReference(
        study_instance_uid=first.study_instance_uid,
        series_instance_uid=first.series_instance_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        sop_class_uid=first.sop_class_uid,
        sop_instance_uids=tuple(uid for _, uid in uids),
        files=tuple(files),
    )


def _attributes(stack: Stack, frames: Sequence[Frame]) -> dict[str, str]:
    """Those of a volume's first frame; the acquisition's date and time are the earliest, from which PET decays."""
    paths = {frame.path for frame in frames}
    instances = [instance for instance in stack.instances if instance.path in paths]
    attributes = dict(instances[0].attributes)
    attributes |= {mark: value for mark, value in frames[0].marks.items() if mark in attributes and value}
    earliest = min(instances, key=lambda i: tuple(i.attributes.get(keyword, "") for keyword in _ACQUISITION)).attributes
    attributes |= {keyword: earliest[keyword] for keyword in _ACQUISITION if keyword in earliest}
    rescales = {(frame.slope, frame.intercept) for frame in frames}
    if stack.first.padding_stored and len(rescales) == 1:
        slope, intercept = rescales.pop()
        ends = sorted(end * slope + intercept for end in stack.first.padding_stored)
        attributes[PADDING_VALUES] = "\\".join(f"{end:g}" for end in ends)
    return attributes


def _identifier_notices(stack: Stack) -> tuple[Notice, ...]:
    missing = sorted({keyword for instance in stack.instances for keyword in instance.missing})
    if not missing:
        return ()
    message = (
        f"{', '.join(missing)} missing in the files; a DICOM SEG cannot refer to them, other formats can be written."
    )
    return (Notice("identifiers-missing", message),)
