"""A volume as a pile of images for a model that was made for images: each is prepared and decided by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.case import Case
from .parts import Box


def slices_of_case(case: Case) -> Iterator[tuple[Box, Case]]:
    """Each slice across the first axis (k) of the first channel's image, and where it lies in the whole."""
    count, rows, columns = case.geometry.shape_kji
    for k in range(count):
        box: Box = ((k, 0, 0), (1, rows, columns))
        yield (
            box,
            Case(
                {
                    # What lies on another grid is sampled where the slice lies.
                    name: volume.window(*box) if volume.geometry.matches(case.geometry) else volume
                    for name, volume in case.channels.items()
                }
            ),
        )
