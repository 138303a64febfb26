"""A box in the patient that limits a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .geometry import LPS_TO_RAS, VolumeGeometry
from .language import tr as _

Vector = tuple[float, float, float]

_FRAME_TO_LPS = {"LPS": np.eye(3), "1": np.eye(3), "RAS": LPS_TO_RAS[:3, :3], "0": LPS_TO_RAS[:3, :3]}
"""The frames of a markups file; old files write them as numbers."""


@dataclass(frozen=True)
class OrientedBox:
    """A box that may be rotated.

    Attributes:
        center_lps: mm.
        axes_lps: three unit vectors, at right angles.
        size_mm: full length along each of those axes.
    """

    center_lps: Vector
    axes_lps: tuple[Vector, Vector, Vector]
    size_mm: Vector

    def __post_init__(self) -> None:
        axes = np.asarray(self.axes_lps, dtype=np.float64)
        if not np.isfinite([*self.center_lps, *self.size_mm]).all() or min(self.size_mm) <= 0.0:
            raise ValueError("a box has a finite center and three lengths above zero")
        if not np.abs(axes @ axes.T - np.eye(3)).max() <= 1e-3:
            raise ValueError("the axes of a box are unit vectors at right angles")

    @classmethod
    def from_bounds(cls, low_lps: Vector, high_lps: Vector) -> OrientedBox:
        """The box between two corners, its edges along L, P and S."""
        x, y, z = ((a / 2 + b / 2, abs(b - a)) for a, b in zip(low_lps, high_lps, strict=True))
        center, size = (x[0], y[0], z[0]), (x[1], y[1], z[1])
        return cls(center, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), size)

    def corners_lps(self) -> NDArray[np.float64]:
        """(8, 3) corners, mm."""
        half = np.asarray(self.size_mm) / 2
        signs = np.array(list(product((-1.0, 1.0), repeat=3)))
        return np.asarray(np.asarray(self.center_lps) + (signs * half) @ np.asarray(self.axes_lps))

    def voxel_bounds(self, geometry: VolumeGeometry) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """The smallest box of voxels that holds every voxel whose centre is inside.

        Returns:
            Start index and shape, in the array's axis order.

        Raises:
            UsageError: if the box does not meet the volume.
        """
        corners = geometry.lps_to_index(self.corners_lps())
        low = np.clip(np.ceil(corners.min(axis=0) - 1e-6), 0, geometry.shape_kji).astype(int)
        high = np.clip(np.floor(corners.max(axis=0) + 1e-6) + 1, 0, geometry.shape_kji).astype(int)
        if (high <= low).any():
            raise UsageError(
                _("the region does not meet the image."), remedy=_("Check its position and that it is in LPS mm.")
            )
        a, b, c = (int(n) for n in low)
        u, v, w = (int(n) for n in high - low)
        return (a, b, c), (u, v, w)

    def mask(self, geometry: VolumeGeometry) -> NDArray[np.bool_]:
        """(k, j, i), voxels whose centre lies inside the box."""
        inside = np.empty(geometry.shape_kji, dtype=bool)
        for k, plane in enumerate(self.mask_planes(geometry)):
            inside[k] = plane
        return inside

    def mask_planes(self, geometry: VolumeGeometry) -> Iterator[NDArray[np.bool_]]:
        """(j, i), the slices of :meth:`mask` in turn.

        A box is convex, so that what of a row lies inside is one interval of columns: those between the two planes of
        each of its three axes. Only their ends are computed, not each voxel's place.
        """
        corners = geometry.lps_to_index(self.corners_lps())
        # One voxel wider than the box, so that rounding decides nothing here.
        low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, geometry.shape_kji).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)) + 2, 0, geometry.shape_kji).astype(int)
        rows, columns = np.arange(low[1], high[1])[:, None], np.arange(geometry.shape_kji[2], dtype=np.int32)
        to_box = np.asarray(self.axes_lps) @ geometry.affine_lps[:3, :3]
        origin = np.asarray(self.axes_lps) @ (geometry.origin_lps - np.asarray(self.center_lps))
        half_mm = np.asarray(self.size_mm) / 2 + 1e-6
        for k in range(geometry.shape_kji[0]):
            plane = np.zeros(geometry.shape_kji[1:], dtype=bool)
            if low[0] <= k < high[0]:
                start_mm = origin + to_box[:, 0] * k + to_box[:, 1] * rows
                first, last = _between(start_mm, to_box[:, 2], half_mm, len(columns))
                np.logical_and(columns >= first[:, None], columns <= last[:, None], out=plane[low[1] : high[1]])
            yield plane


def _between(
    start: NDArray[np.float64], step: NDArray[np.float64], half: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(row,) the first and the last n of ``range(count)`` with abs(start + step * n) <= half on every axis.

    Args:
        start: (row, axis).
        step: (axis,), may be 0 or next to it.
        half: (axis,).
    """
    # Where a step is 0 its ends are infinitely far on the sides that the signs say.
    step = np.where(step == 0.0, np.finfo(np.float64).tiny, step)
    with np.errstate(over="ignore"):
        ends = (-half - start) / step, (half - start) / step
    first = np.ceil(np.minimum(*ends).max(axis=1)).clip(0, count)
    last = np.floor(np.maximum(*ends).min(axis=1)).clip(-1, count - 1)
    return first.astype(np.int32), last.astype(np.int32)


def read_region(text: str) -> OrientedBox:
    """A region from ``x0,x1,y0,y1,z0,z1`` in LPS mm, or from a Slicer markups ROI file (``.mrk.json``).

    Raises:
        UsageError: if the text is neither.
    """
    if text.lower().endswith(".json"):
        return _read_markups_roi(Path(text))
    try:
        x0, x1, y0, y1, z0, z1 = (float(number) for number in text.split(","))
        return OrientedBox.from_bounds((x0, y0, z0), (x1, y1, z1))
    except ValueError:
        raise UsageError(
            _("{text!r} is no region.").format(text=text),
            remedy=_("Give x0,x1,y0,y1,z0,z1 in LPS mm, or a Slicer markups ROI file (.mrk.json)."),
        ) from None


def _read_markups_roi(path: Path) -> OrientedBox:
    try:
        markup = _the_roi(json.loads(path.read_text(encoding="utf-8"))["markups"], path.name)
        to_lps = _FRAME_TO_LPS[str(markup.get("coordinateSystem", "LPS"))]
        center = to_lps @ np.array(markup["center"], dtype=np.float64).reshape(3)
        # Columns are the ROI's axes (Slicer's markups schema).
        axes = to_lps @ np.array(markup["orientation"], dtype=np.float64).reshape(3, 3)
        size = np.array(markup["size"], dtype=np.float64).reshape(3)
        first, second, third = (_vector(axes[:, n]) for n in range(3))
        return OrientedBox(_vector(center), (first, second, third), _vector(size))
    except OSError as error:
        raise UsageError(_("cannot be read: {reason}.").format(reason=error.strerror), where=path.name) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(_("it is no markups ROI file."), where=path.name, remedy=_save_remedy()) from error


def _the_roi(markups: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The one that can be meant.

    Raises:
        UsageError: if there is none, there are several, or it means something else than a box in mm.
    """
    rois = [markup for markup in markups if markup["type"] == "ROI"]
    if len(rois) > 1:
        raise UsageError(
            _("it holds {count} ROIs.").format(count=len(rois)),
            where=name,
            remedy=_("Save the one that is meant in its own file."),
        )
    if not rois:
        raise UsageError(
            _("it holds a markup of type {kind}, not an ROI.").format(kind=markups[0]["type"]),
            where=name,
            remedy=_save_remedy(),
        )
    (roi,) = rois
    if roi.get("insideOut", False) is not False:
        raise UsageError(
            _("the ROI is inside out: it means what lies around the box."),
            where=name,
            remedy=_("Turn that off in Slicer's Markups module and save it again."),
        )
    if roi.get("coordinateUnits", "mm") not in ("mm", ["mm"] * 3):
        raise UsageError(
            _("its lengths are in {units}, not in mm.").format(units=roi["coordinateUnits"]),
            where=name,
            remedy=_save_remedy(),
        )
    return roi


def _save_remedy() -> str:
    return _("Save the ROI from Slicer as .mrk.json.")


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(v) for v in values)
    return x, y, z
