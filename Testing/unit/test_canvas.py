"""What is painted of a source: its labels under their new values, and none that no segment has."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.checksums import LayerTally
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.slicer_io.canvas import Canvas, Source, Where, paint

from Testing.segmentations import oblique_geometry

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

GEOMETRY = oblique_geometry()
ORIGINAL = np.random.default_rng(5).integers(0, 6, GEOMETRY.shape_kji).astype(np.uint8)


def painted(*sources, region=None):
    work = paint(Canvas(GEOMETRY, GEOMETRY, sources), region)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize(
    "new_values",
    [
        {n: n for n in range(1, 6)},
        {n: n for n in range(1, 4)},
        {1: 1, 2: 2, 4: 4, 5: 5},
        {1: 2, 2: 1, 3: 3},
        {5: 1},
        {1: 300, 2: 2},
        {},
    ],
)
def test_labels_get_their_new_values_and_those_without_one_are_left_out(new_values, dtype):
    expected = np.zeros(ORIGINAL.shape, int)
    for old, new in new_values.items():
        expected[old == ORIGINAL] = new
    found = painted(Source(ORIGINAL.astype(dtype), GEOMETRY, new_values))
    np.testing.assert_array_equal(found.labels, expected)
    assert found.labels.dtype == (np.uint16 if 300 in new_values.values() else np.uint8)


def test_values_below_zero_are_no_labels():
    labels = ORIGINAL.astype(np.int16)
    labels[labels == 1] = -250
    found = painted(Source(labels, GEOMETRY, {n: n for n in range(1, 6)}))
    np.testing.assert_array_equal(found.labels, np.where(ORIGINAL == 1, 0, ORIGINAL))


def test_of_two_sources_one_is_taken_inside_the_region_and_one_outside():
    corner, centre = GEOMETRY.corners_lps().min(axis=0), GEOMETRY.corners_lps().mean(axis=0)
    region = OrientedBox.from_bounds(tuple(corner), tuple(centre))
    inside = region.mask(GEOMETRY)
    new_values = {n: n for n in range(1, 6)}
    result = Source(ORIGINAL, GEOMETRY, new_values, Where.INSIDE, in_world=True)
    former = Source(ORIGINAL[::-1], GEOMETRY, new_values, Where.OUTSIDE)
    found = painted(result, former, region=region)
    assert 0 < inside.sum() < inside.size
    np.testing.assert_array_equal(found.labels, np.where(inside, ORIGINAL, ORIGINAL[::-1]))
    tally = LayerTally()
    for k, plane in enumerate(found.labels):
        tally.add(k, plane)
    assert [found.tally.checksum(n) for n in new_values] == [tally.checksum(n) for n in new_values]
