"""Pictures show the patient the radiological way round, whatever the order and direction of the array's axes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from MedAISegLib.cli import cuts
from MedAISegLib.cli.cuts import PLANES, cut, field_of_view, middle
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.volume import Volume

LEFT, POSTERIOR, SUPERIOR = np.eye(3)
GROWS = {
    "axial": (LEFT, POSTERIOR),
    "coronal": (LEFT, -SUPERIOR),
    "sagittal": (POSTERIOR, -SUPERIOR),
}
"""The patient sides towards the right and the bottom of each picture."""

ORDERS = [(order, flips) for order in permutations(range(3)) for flips in ((False,) * 3, (True, False, True))]


@pytest.fixture(autouse=True)
def _coarse_pictures(monkeypatch):
    monkeypatch.setattr(cuts, "_PIXELS", 100)


def oblique_grid(order, flips) -> VolumeGeometry:
    c, s = np.cos(0.3), np.sin(0.3)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([1.0, 1.3, 2.0])[:, ::-1]
    affine[:3, 3] = (-20.0, 15.0, 40.0)
    return VolumeGeometry((14, 20, 24), affine).transposed(order).flipped(flips)


def segmentation_on(geometry: VolumeGeometry) -> Segmentation:
    layers = np.zeros((1, *geometry.shape_kji), dtype=np.uint8)
    k, j, i = (n // 2 for n in geometry.shape_kji)
    layers[0, k - 3 : k + 3, j - 3 : j + 4, i - 2 : i + 3] = 1
    return Segmentation(layers, geometry, (Segment(1, "box", (255, 0, 0)),))


def view_of(plane, segmentation, volume):
    low, high = field_of_view(segmentation)
    return cut(plane, middle(segmentation), low, high, segmentation, segmentation.segments, volume)


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
@pytest.mark.parametrize(("order", "flips"), ORDERS)
def test_the_patients_sides_are_where_the_letters_say(plane, order, flips):
    geometry = oblique_grid(order, flips)
    segmentation = segmentation_on(geometry)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape_kji), indexing="ij"), axis=-1)
    to_right, to_bottom = GROWS[plane.name]
    for direction, axis in ((to_right, 1), (to_bottom, 0)):
        along = (geometry.index_to_lps(index) @ direction).astype(np.float32)
        image = view_of(plane, segmentation, Volume(along, geometry)).image
        line = np.take(image, image.shape[1 - axis] // 2, axis=1 - axis)
        steps = np.diff(line[np.isfinite(line)])
        assert len(steps) > 20
        assert steps.min() > -1e-3
        assert steps.mean() > 0


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_the_outline_lies_where_the_segment_is_in_millimetres(plane):
    geometry = oblique_grid((1, 2, 0), (False, True, False))
    segmentation = segmentation_on(geometry)
    view = view_of(plane, segmentation, Volume(np.zeros(geometry.shape_kji, np.float32), geometry))
    left, right, bottom, top = view.extent_mm
    rows, columns = np.nonzero(view.masks[0] > 0.5)
    height, width = view.image.shape
    across = left + (right - left) * columns.mean() / (width - 1)
    down = top + (bottom - top) * rows.mean() / (height - 1)
    assert (across, down) == pytest.approx((0.0, 0.0), abs=0.4)
    pixel_mm = abs(right - left) / (width - 1)
    assert abs(bottom - top) / (height - 1) == pytest.approx(pixel_mm, rel=1e-6), "square pixels: the aspect is right"


def test_all_pictures_have_one_height():
    segmentation = segmentation_on(oblique_grid((0, 1, 2), (False, False, False)))
    volume = Volume(np.zeros(segmentation.geometry.shape_kji, np.float32), segmentation.geometry)
    heights = {view_of(plane, segmentation, volume).image.shape[0] for plane in PLANES}
    assert max(heights) - min(heights) <= 1


def test_a_segmentation_without_a_voxel_still_gives_a_picture(tmp_path):
    from MedAISegLib.cli.pictures import write_overlay

    geometry = oblique_grid((2, 0, 1), (True, False, False))
    empty = Segmentation(np.zeros((1, *geometry.shape_kji), np.uint8), geometry, (Segment(1, "x", (9, 9, 9)),))
    write_overlay(empty, Volume(np.ones(geometry.shape_kji, np.float32), geometry), tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 1000
