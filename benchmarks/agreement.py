"""Whether both sides found the same: times of different results say nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from .record import Agreement

_GRID_TOLERANCE_MM = 1e-2


class NotComparableError(RuntimeError):
    """The two label images cannot be compared, or the comparison would prove nothing."""


def compare_labels(ours: NDArray[Any], reference: NDArray[Any]) -> Agreement:
    """Two arrays of label values on the same grid.

    Raises:
        NotComparableError: if their shapes differ, or the reference has no or nothing but foreground.
    """
    if ours.shape != reference.shape:
        raise NotComparableError(f"our labels have the shape {ours.shape}, the reference's {reference.shape}")
    labels = np.unique(reference[reference > 0])
    foreground = int(np.count_nonzero((ours > 0) | (reference > 0)))
    if len(labels) == 0 or bool((reference > 0).all()):
        raise NotComparableError("the reference finds nothing, or one thing everywhere")
    return Agreement(int(np.count_nonzero(ours != reference)), foreground, len(labels))


def compare_files(ours: Path, reference: Path) -> Agreement:
    """Two label images as ITK reads them.

    Raises:
        NotComparableError: also if their grids differ.
    """
    our_image, their_image = (sitk.ReadImage(str(path)) for path in (ours, reference))
    for place in ("GetOrigin", "GetSpacing", "GetDirection"):
        if not np.allclose(getattr(our_image, place)(), getattr(their_image, place)(), atol=_GRID_TOLERANCE_MM):
            raise NotComparableError(f"{place[3:].lower()} of the two label images differ")
    return compare_labels(sitk.GetArrayViewFromImage(our_image), sitk.GetArrayViewFromImage(their_image))


def worst(agreements: list[Agreement]) -> Agreement:
    """The one with the largest share of differing voxels."""
    return max(agreements, key=lambda agreement: agreement.differing_share)
