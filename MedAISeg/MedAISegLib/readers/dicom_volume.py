"""From a stack of DICOM images to volumes: copies told from different images, slices filled in, words gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..core.colours import PHOTOMETRIC, is_grey
from ..core.errors import InputError
from ..core.notice import Notice
from ..core.volume import Volume
from .colour_volumes import volumes_of_colours
from .dicom_geometry import SliceGrid, grid_of, projection_grid
from .dicom_pixels import VALUES_NOT_DISPLAY, Array, read_colours, read_frames
from .dicom_records import Frame
from .dicom_series import Stack, attributes_of, is_projection, series_of
from .dicom_split import Part, places_of


@dataclass(frozen=True, eq=False)
class StackGrids:
    """A stack with its parts' grids; no parts where only the pixels can tell copies from different images."""

    stack: Stack
    parts: tuple[tuple[Part, SliceGrid], ...]


def grid_of_part(stack: Stack, part: Part) -> SliceGrid:
    """Where the slices of one volume lie.

    Raises:
        InputError: if they form no regular grid.
    """
    first = stack.first
    if is_projection(first):
        return projection_grid(stack.frames[0], first.rows, first.columns)
    return grid_of(part.frames, first.rows, first.columns, first.slice_thickness_mm)


def read_volumes(grids: StackGrids, progress: Callable[[float], None]) -> tuple[Volume, ...]:
    """The volumes of a stack.

    Where slices were made up or moved to a regular grid, the series' instances and files are those of the source: fewer
    or other than the volume's slices.

    Raises:
        InputError: if a file is damaged, or different images lie at one place and no tag tells them apart.
    """
    stack, parts = grids.stack, grids.parts
    shape = stack.first.rows, stack.first.columns
    _check_copies(stack, shape)
    notices: tuple[Notice, ...] = ()
    if not parts:
        frames, notice = _without_equal_frames(stack, shape)
        parts, notices = ((Part(frames), grid_of_part(stack, Part(frames))),), (notice,)
    if stack.first.is_coloured:
        ((part, grid),) = parts
        return _picture(stack, part, grid)
    volumes: list[Volume] = []
    for number, (part, grid) in enumerate(parts):
        voxels = read_frames(grid.frames, shape, partial(_report, progress, number, len(parts)))
        if volumes and np.array_equal(voxels, volumes[0].voxels):
            notices = (*notices, Notice("copies-dropped", f"A copy of the same images ({part.label}) was left out."))
            continue
        volumes.append(_volume(stack, part, grid, voxels))
    return tuple(replace(v, attributes=dict(v.attributes), notices=v.notices + notices) for v in volumes)


def are_copies(grids: StackGrids) -> bool:
    """Whether all parts of a stack hold the same pixels; those of a time series differ in their first slice.

    Raises:
        InputError: if a file is damaged.
    """
    shape = grids.stack.first.rows, grids.stack.first.columns
    first, *others = (grid.frames for _, grid in grids.parts)
    return all(_same_pixels(first, frames, shape) for frames in others)


def _same_pixels(some: Sequence[Frame], others: Sequence[Frame], shape: tuple[int, int]) -> bool:
    """More at once from time to time, since some files are read as a whole however few frames are wanted."""
    start, count = 0, 1
    while start < len(some):
        stop = start + count
        one, other = (read_frames(frames[start:stop], shape, lambda _: None) for frames in (some, others))
        if not np.array_equal(one, other):
            return False
        start, count = stop, 4 * count
    return len(some) == len(others)


def _picture(stack: Stack, part: Part, grid: SliceGrid) -> tuple[Volume, ...]:
    """Red, green and blue; one volume where they are the same everywhere."""
    pixels = read_colours(grid.frames[0])[None]
    volume = _volume(stack, part, grid, np.ascontiguousarray(pixels[..., 0]))
    if is_grey(pixels):
        attributes = {keyword: value for keyword, value in volume.attributes.items() if keyword != PHOTOMETRIC}
        return (replace(volume, attributes=attributes),)
    return volumes_of_colours(volume, pixels)


def _report(progress: Callable[[float], None], done: int, total: int, fraction: float) -> None:
    progress((done + fraction) / total)


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
    if first.photometric == "MONOCHROME1" and first.modality not in VALUES_NOT_DISPLAY:
        notices = (*notices, Notice("inverted", "The image is stored bright for dark (MONOCHROME1); it was inverted."))
    return Volume(
        voxels if grid.along is None else _interpolated(voxels, grid),
        grid.geometry,
        modality=first.modality,
        description=f"{first.description} ({part.label})" if part.label else first.description,
        series=series_of(first, grid.frames),
        attributes=attributes_of(stack, grid.frames),
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
