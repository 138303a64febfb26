"""From the headers of a series to what matching and checks need: attributes, grid, instances in the slices' order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.volume import SeriesReference

if TYPE_CHECKING:
    from ..readers.dicom_records import Frame, Instance
    from ..readers.dicom_series import Stack


POSITIONS_REPEATED = "positions-repeated"
"""Code of the notice that several images of a series lie at one place."""


@dataclass(frozen=True, eq=False)
class SeriesScan:
    """What the headers of a series say.

    Attributes:
        geometry: the grid of the volume, LPS mm; None where the images form none.
        series: instances and files in the order of the grid's slices.
        attributes: as in ``Volume.attributes``.
        frames: the images of the volume in the order of its slices.
        problem: why the series is no volume.
    """

    attributes: Mapping[str, str]
    series: SeriesReference
    geometry: VolumeGeometry | None = None
    frames: tuple[Frame, ...] = ()
    notices: tuple[Notice, ...] = ()
    problem: InputError | None = None


def scan(instances: Sequence[Instance], title: str) -> SeriesScan:
    """Put the images of one series together.

    Of a series with several sizes or orientations, the largest stack of images counts: it is what Slicer loads, apart
    from a localizer.

    Args:
        instances: one or more.
        title: of the series, for messages.
    """
    from ..readers.dicom_geometry import grid_of, projection_grid
    from ..readers.dicom_mixtures import mixture_of
    from ..readers.dicom_questions import questions_of
    from ..readers.dicom_series import by_refusal, is_projection, series_of, stacks_of

    images, refused = by_refusal(instances)
    if not images:
        why, others = refused[0][1:]
        problem = InputError(why, where=title, remedy=_("Choose a series of images."))
        return SeriesScan(others[0].attributes, series_of(others[0], ()), problem=problem)
    stacks = stacks_of(images)
    stack = max(stacks, key=lambda stack: len(stack.frames))
    found = _described(stack, stack.frames)
    if is_projection(stack.first):
        plane = projection_grid(stack.first.frames[0], stack.first.rows, stack.first.columns)
        return replace(found, geometry=plane.geometry, notices=plane.notices)
    frames, notices = _one_at_each_place(stack.frames)
    notices = (*notices, *(Notice("assumption-made", f"{title}: {question}") for question in questions_of(stack)))
    mixture = mixture_of(stack)
    if mixture is not None:
        message = _("{title} mixes {what}; its slices are taken as one volume.").format(title=title, what=mixture.what)
        notices = (Notice("mixed-images", message), *notices)
    if len(stacks) > 1:
        message = _("{title} mixes {count} sizes or orientations; the largest group has {slices} slices.").format(
            title=title, count=len(stacks), slices=len(frames)
        )
        notices = (Notice("mixed-orientation", message), *notices)
    try:
        grid = grid_of(frames, stack.first.rows, stack.first.columns, stack.first.slice_thickness_mm)
    except InputError as error:
        problem = InputError(error.what, where=title, remedy=error.remedy)
        return replace(found, notices=notices, problem=problem)
    return replace(
        _described(stack, grid.frames),
        geometry=grid.geometry,
        notices=(*notices, *grid.notices),
    )


def _described(stack: Stack, frames: tuple[Frame, ...]) -> SeriesScan:
    from ..readers.dicom_series import attributes_of, series_of

    return SeriesScan(attributes_of(stack, frames), series_of(stack.first, frames), frames=frames)


def _one_at_each_place(frames: tuple[Frame, ...]) -> tuple[tuple[Frame, ...], tuple[Notice, ...]]:
    from ..readers.dicom_split import places_of

    first: dict[int, Frame] = {}
    for place, frame in zip(places_of(frames), frames, strict=True):
        first.setdefault(place, frame)
    kept = tuple(first.values())
    if len(kept) == len(frames):
        return frames, ()
    message = _("Several images lie at one place: a time series, or copies.")
    return kept, (Notice(POSITIONS_REPEATED, message),)
