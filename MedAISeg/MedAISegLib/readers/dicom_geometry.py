"""The geometry gate: slices at different places to one regular grid, or a refusal that says why.

The affine is built from the positions of the slices alone (PS3.3 C.7.6.2.1.1); SliceThickness, SliceLocation,
SpacingBetweenSlices and the order of files decide nothing, except that a single slice takes its thickness from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.geometry import VolumeGeometry
from ..core.language import tr as _
from ..core.notice import Notice
from .dicom_records import ASSUMED_SPACING_MM, Frame, Vector
from .dicom_split import distances_mm

LARGEST_GAP_SLICES = 3
"""More slices than these missing in a row are not made up."""

_REGULAR_SHARE = 0.1
"""A slice may be off its regular place by this share of the spacing before the stack is resampled."""

_ORIENTATION_NOISE = 1e-4
_SIDEWAYS_PIXELS = 0.25
_TILT_DEGREES = 0.05
_GAPS_NAMED = 3


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """Where the slices of a volume come from.

    Attributes:
        geometry: of the volume; k runs along the normal (row direction times column direction).
        frames: the source slices in the order of k.
        along: (shape k,) for each slice of the volume its place between source slices, None where they are the same.
    """

    geometry: VolumeGeometry
    frames: tuple[Frame, ...]
    along: NDArray[np.float64] | None = None
    notices: tuple[Notice, ...] = ()


def grid_of(frames: Sequence[Frame], rows: int, columns: int, thickness_mm: float | None) -> SliceGrid:
    """The grid of slices of equal size and orientation that all lie at different places.

    Raises:
        InputError: if too many slices are missing, or the slices are shifted against each other.
    """
    ordered = tuple(frames[n] for n in np.argsort(distances_mm(frames), kind="stable"))
    row, column, notices = _axes(ordered)
    down, across = ordered[0].pixel_spacing_mm or ASSUMED_SPACING_MM
    in_plane = np.stack([column * down, row * across], axis=1)
    positions = np.array([frame.position_lps for frame in ordered], dtype=np.float64)
    normal = np.cross(row, column)
    if len(ordered) == 1:
        step, notice = _single_step(normal, thickness_mm)
        geometry = _geometry(positions[0], step, in_plane, (1, rows, columns))
        return SliceGrid(geometry, ordered, None, (*notices, *notice))
    step, along, spacing_notices = _regular(positions, normal, min(down, across))
    shape = (len(ordered) if along is None else len(along), rows, columns)
    notices = (*notices, *_tilt_notice(step, normal, min(down, across), shape[0]), *spacing_notices)
    if len(ordered) == 2:
        notices = (*notices, Notice("two-slices", _("The series has only two slices.")))
    return SliceGrid(_geometry(positions[0], step, in_plane, shape), ordered, along, notices)


def projection_grid(frame: Frame, rows: int, columns: int) -> SliceGrid:
    """A plane of its own: such an image has pixels of a size, but no place in the patient."""
    message = _("The image has no place in the patient; it lies in a plane of its own.")
    if frame.spacing_is_at_detector:
        message += " " + _("The size of its pixels is that at the detector, where the patient appears magnified.")
    notices = [Notice("no-position", message)]
    if frame.pixel_spacing_mm is None:
        notices.append(Notice("pixel-size-assumed", _("The size of its pixels is not given; 1 mm was assumed.")))
    down, across = frame.pixel_spacing_mm or ASSUMED_SPACING_MM
    in_plane = np.array([[0.0, across], [down, 0.0], [0.0, 0.0]])
    geometry = _geometry(np.zeros(3), np.array([0.0, 0.0, 1.0]), in_plane, (1, rows, columns))
    return SliceGrid(geometry, (frame,), None, tuple(notices))


def _axes(frames: Sequence[Frame]) -> tuple[Vector, Vector, tuple[Notice, ...]]:
    """Row and column direction, unit length and at right angles, the mean of all frames."""
    cosines = np.array([frame.orientation for frame in frames], dtype=np.float64)
    mean = cosines.mean(axis=0)
    row = mean[:3] / np.linalg.norm(mean[:3])
    column = mean[3:] - (mean[3:] @ row) * row
    column /= np.linalg.norm(column)
    noise = float(np.abs(cosines - mean).max())
    if noise <= _ORIENTATION_NOISE:
        return row, column, ()
    message = _("The slices' orientations differ by up to {noise}; their mean was taken.")
    return row, column, (Notice("orientation-noise", message.format(noise=f"{noise:.1e}")),)


def _single_step(normal: Vector, thickness_mm: float | None) -> tuple[Vector, tuple[Notice, ...]]:
    notice = Notice("single-slice", _("The series has only one slice."))
    if thickness_mm:
        return normal * thickness_mm, (notice,)
    return normal, (notice, Notice("thickness-assumed", _("The slice's thickness is not given; 1 mm was assumed.")))


def _regular(
    positions: NDArray[np.float64], normal: Vector, pixel_mm: float
) -> tuple[Vector, NDArray[np.float64] | None, tuple[Notice, ...]]:
    """Step from slice to slice; where the slices do not stand evenly also the places to resample at, and a notice."""
    distances = (positions - positions[0]) @ normal
    total_mm, last = float(distances[-1]), len(positions) - 1
    direction = (positions[-1] - positions[0]) / total_mm
    sideways = np.linalg.norm(positions - positions[0] - distances[:, None] * direction, axis=1).max()
    if sideways > max(_SIDEWAYS_PIXELS * pixel_mm, 0.1):
        what = _("its slices are shifted sideways against each other by up to {sideways} mm.")
        raise InputError(
            what.format(sideways=f"{sideways:.2f}"),
            remedy=_("Choose another series, or resample it with a tool that knows how it was acquired."),
        )
    even_mm = total_mm / last
    off_mm = float(np.abs(distances - even_mm * np.arange(last + 1)).max())
    if off_mm <= _REGULAR_SHARE * even_mm:
        return direction * even_mm, None, _jitter_notice(off_mm, even_mm)
    gaps = np.diff(distances)
    typical_mm = float(np.quantile(gaps, 0.25, method="lower"))
    widest = int(np.argmax(gaps))
    if gaps[widest] / typical_mm - 1 > LARGEST_GAP_SLICES + _REGULAR_SHARE:
        what = _("slices are missing: between slices {first} and {second} there are {gap} mm, otherwise {typical} mm.")
        remedy = _("Load the whole series; gaps of up to {count} slices are filled.")
        raise InputError(
            what.format(first=widest + 1, second=widest + 2, gap=f"{gaps[widest]:.4g}", typical=f"{typical_mm:.4g}"),
            remedy=remedy.format(count=LARGEST_GAP_SLICES),
        )
    intervals = round(total_mm / typical_mm)
    spacing_mm = total_mm / intervals
    along = np.interp(np.arange(intervals + 1) * spacing_mm, distances, np.arange(last + 1.0))
    return direction * spacing_mm, along, (_resampled_notice(gaps, typical_mm, spacing_mm),)


def _jitter_notice(off_mm: float, spacing_mm: float) -> tuple[Notice, ...]:
    if off_mm <= max(0.01 * spacing_mm, 0.1):
        return ()
    message = _("The slices stand unevenly, up to {off} mm off; they are taken as {spacing} mm apart.")
    return (Notice("uneven-spacing", message.format(off=f"{off_mm:.2g}", spacing=f"{spacing_mm:.4g}")),)


def _resampled_notice(gaps: NDArray[np.float64], typical_mm: float, spacing_mm: float) -> Notice:
    multiples = gaps / typical_mm
    whole = np.round(multiples).astype(int)
    if whole.min() >= 1 and np.abs(multiples - whole).max() <= _REGULAR_SHARE:
        return Notice("missing-slice", _missing_between(np.flatnonzero(whole > 1), gaps, int((whole - 1).sum())))
    message = _(
        "The slices stand unevenly ({narrowest} to {widest} mm apart); they were resampled linearly to {spacing} mm."
    ).format(narrowest=f"{gaps.min():.4g}", widest=f"{gaps.max():.4g}", spacing=f"{spacing_mm:.4g}")
    return Notice("uneven-spacing-resampled", message)


def _missing_between(wide: NDArray[np.intp], gaps: NDArray[np.float64], count: int) -> str:
    place = _("{first} and {second} ({gap} mm)")
    where = ", ".join(place.format(first=n + 1, second=n + 2, gap=f"{gaps[n]:.4g}") for n in wide[:_GAPS_NAMED])
    if len(wide) > _GAPS_NAMED:
        where = _("{places} and {count} more places").format(places=where, count=len(wide) - _GAPS_NAMED)
    one = _("{count} slice missing between slices {places}; filled by linear interpolation.")
    several = _("{count} slices missing between slices {places}; filled by linear interpolation.")
    return (one if count == 1 else several).format(count=count, places=where)


def _tilt_notice(step: Vector, normal: Vector, pixel_mm: float, count: int) -> tuple[Notice, ...]:
    sideways = np.linalg.norm(step - (step @ normal) * normal)
    degrees = np.degrees(np.arctan2(sideways, step @ normal))
    if degrees < _TILT_DEGREES or sideways * (count - 1) < 0.1 * pixel_mm:
        return ()
    message = _("The slices are stacked at a tilt of {degrees}°, as with a tilted gantry; the grid is sheared.")
    return (Notice("gantry-tilt", message.format(degrees=f"{degrees:.1f}")),)


def _geometry(origin: Vector, step: Vector, in_plane: Vector, shape: tuple[int, int, int]) -> VolumeGeometry:
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1:3] = in_plane
    affine[:3, 3] = origin
    try:
        return VolumeGeometry(shape, affine)
    except ValueError as error:
        what = _("the places and sizes of its slices are beyond what a grid can have.")
        raise InputError(what, remedy=_("Export the series again from its source.")) from error
