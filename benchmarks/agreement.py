"""Whether both sides found the same: times of different results say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from .record import Agreement

_GRID_TOLERANCE_MM = 1e-2


class NotComparableError(RuntimeError):
    """The two label images cannot be compared, or the comparison would prove nothing."""


Collapse = Callable[[NDArray[Any]], NDArray[Any]]
"""(layer, k, j, i) labels that may overlap to one label image."""


def compare_labels(ours: NDArray[Any], reference: NDArray[Any], collapse: Collapse | None = None) -> Agreement:
    """Two arrays of label values on the same grid; ours in layers where it is to be collapsed.

    Raises:
        NotComparableError: if their shapes differ, or the reference has no or nothing but foreground.
    """
    ours = ours if collapse is None else collapse(ours)
    if ours.shape != reference.shape:
        raise NotComparableError(f"our labels have the shape {ours.shape}, the reference's {reference.shape}")
    labels = np.unique(reference[reference > 0])
    foreground = int(np.count_nonzero((ours > 0) | (reference > 0)))
    if len(labels) == 0 or bool((reference > 0).all()):
        raise NotComparableError("the reference finds nothing, or one thing everywhere")
    return Agreement(int(np.count_nonzero(ours != reference)), foreground, len(labels))


def compare_files(ours: Path, reference: Path, collapse: Collapse | None = None) -> Agreement:
    """Two label images in NIfTI.

    Raises:
        NotComparableError: also if their grids differ.
    """
    our_image, their_image = (nibabel.load(path) for path in (ours, reference))
    if not np.allclose(our_image.affine, their_image.affine, atol=_GRID_TOLERANCE_MM):
        raise NotComparableError("origin, spacing or direction of the two label images differ")
    # The axes of a file are the reverse of an array's.
    arrays = (np.asarray(image.dataobj).T for image in (our_image, their_image))
    return compare_labels(*arrays, collapse)


def worst(agreements: list[Agreement]) -> Agreement:
    """The one with the largest share of differing voxels."""
    return max(agreements, key=lambda agreement: agreement.differing_share)
