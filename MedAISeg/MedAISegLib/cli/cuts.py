"""Cuts through an image and its segments along the patient's planes, whatever the orientation of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.segmentation import Segment, Segmentation
from ..core.volume import Volume

_PIXELS = 420
_MARGIN_MM = 20.0


@dataclass(frozen=True)
class Plane:
    """A patient plane in radiological convention.

    Attributes:
        across: LPS axis from the left to the right of the picture.
        down: LPS axis along the picture's height.
        down_sign: 1 where that axis grows towards the bottom, -1 where towards the top.
        letters: patient sides at the left, right, top and bottom of the picture.
    """

    name: str
    across: int
    down: int
    down_sign: int
    letters: tuple[str, str, str, str]


PLANES = (
    Plane("axial", 0, 1, 1, ("R", "L", "A", "P")),
    Plane("coronal", 0, 2, -1, ("R", "L", "S", "I")),
    Plane("sagittal", 1, 2, -1, ("A", "P", "S", "I")),
)


@dataclass(frozen=True, eq=False)
class View:
    """A cut through image and segments.

    Attributes:
        image: (row, column) values, NaN outside the volume.
        masks: (segment, row, column), 0 to 1.
        extent_mm: left, right, bottom, top relative to the cut's centre, as matplotlib wants it.
    """

    image: NDArray[np.float32]
    masks: NDArray[np.float32]
    extent_mm: tuple[float, float, float, float]


def _occupied_corners(segmentation: Segmentation) -> NDArray[np.float64]:
    """(8, 3) LPS corners of the box of voxels that hold a segment; of the whole grid where none does."""
    occupied = segmentation.layers.any(axis=0)
    if not occupied.any():
        return segmentation.geometry.corners_lps()
    index = np.argwhere(occupied)
    low, high = index.min(axis=0), index.max(axis=0)
    return segmentation.geometry.window(low.tolist(), (high - low + 1).tolist()).corners_lps()


def middle(segmentation: Segmentation) -> NDArray[np.float64]:
    """(3,) LPS mm, the middle of the largest segment, or of the grid where there is none.

    The middle of all segments together often lies on the border between two, where a cut shows little of either.
    """
    counts = segmentation.voxel_counts()
    largest = max(segmentation.segments, key=lambda segment: counts[segment.name], default=None)
    occupied = np.argwhere(segmentation.mask(largest)) if largest else ()
    index = np.mean(occupied, axis=0) if len(occupied) else (np.array(segmentation.geometry.shape_kji) - 1) / 2
    return segmentation.geometry.index_to_lps(index)


def field_of_view(segmentation: Segmentation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest LPS mm to be shown: the segments with some surroundings, all pictures of one height."""
    inner, outer = _occupied_corners(segmentation), segmentation.geometry.corners_lps()
    margin = np.maximum(_MARGIN_MM, 0.35 * np.ptp(inner, axis=0))
    low = np.maximum(inner.min(axis=0) - margin, outer.min(axis=0))
    high = np.minimum(inner.max(axis=0) + margin, outer.max(axis=0))
    # What is the height of a picture: P for the axial one, S for the others.
    heights = (high - low)[1:]
    spare = np.array([0.0, *(heights.max() - heights)])
    return low - spare / 2, high + spare / 2


def cut(
    plane: Plane,
    center: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    segmentation: Segmentation,
    segments: Sequence[Segment],
    volume: Volume,
) -> View:
    """The plane through a point, sampled from low to high.

    Args:
        center: (3,) LPS mm; the plane's position, and the zero of the view's extent.
        low: (3,) LPS mm.
        high: (3,) LPS mm.
        segmentation: on the volume's grid.
        segments: whose masks are wanted.
        volume: the image.
    """
    step_mm = float((high - low).max()) / _PIXELS
    across = np.arange(low[plane.across], high[plane.across], step_mm)
    down = np.arange(low[plane.down], high[plane.down], step_mm)[:: plane.down_sign]
    points = np.empty((len(down), len(across), 3))
    points[:] = center
    points[..., plane.across] = across[None, :]
    points[..., plane.down] = down[:, None]
    image = _sample_linear(volume.voxels, volume.geometry.lps_to_index(points), np.nan)
    masks = [_sampled_mask(segmentation, segment, points) for segment in segments]
    left, right = across[0] - center[plane.across], across[-1] - center[plane.across]
    top, bottom = down[0] - center[plane.down], down[-1] - center[plane.down]
    stacked = np.stack(masks) if masks else np.zeros((0, *image.shape), dtype=np.float32)
    return View(image, stacked, (left, right, bottom, top))


def _sampled_mask(segmentation: Segmentation, segment: Segment, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """(row, column) share of the segment at LPS points; only the voxels around those are touched."""
    index = segmentation.geometry.lps_to_index(points)
    shape = np.array(segmentation.geometry.shape_kji)
    low = np.clip(np.floor(index.min(axis=(0, 1))).astype(int) - 1, 0, shape - 1)
    high = np.clip(np.ceil(index.max(axis=(0, 1))).astype(int) + 2, 1, shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    mask = segmentation.layers[segment.layer][box] == segment.label_value
    return _sample_linear(mask, index - low, 0.0)


def _sample_linear(voxels: NDArray[Any], index: NDArray[np.float64], outside: float) -> NDArray[np.float32]:
    """(...,) values of (k, j, i) voxels at (..., 3) indices; the outermost reach half a step beyond their centres."""
    last = np.array(voxels.shape) - 1
    inside = ((index >= -0.5) & (index <= last + 0.5)).all(axis=-1)
    at = np.clip(index[inside], 0, last)
    low = np.floor(at).astype(np.intp)
    share = at - low
    total = np.zeros(len(at))
    for corner in product((0, 1), repeat=3):
        weight = np.where(corner, share, 1 - share).prod(axis=1)
        k, j, i = np.minimum(low + corner, last).T
        total += weight * voxels[k, j, i]
    values = np.full(index.shape[:-1], outside, dtype=np.float32)
    values[inside] = total
    return values
