"""Volume and intensity under each segment, against plain numpy on a small oblique grid."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app import statistics
from MedAISegLib.app.statistics import label_statistics, segment_results
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.volume import Volume

SHAPE = (5, 6, 7)
AFFINE = np.array([[0.1, 0.2, 0.9, 4.0], [0.3, 1.4, -0.2, -9.0], [2.1, -0.1, 0.0, 7.0], [0.0, 0.0, 0.0, 1.0]])


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(3).normal(-500.0, 300.0, SHAPE).astype(np.float32)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(4).choice([0, 1, 3, 300], size=SHAPE).astype(np.uint16)


def test_statistics_equal_numpy_label_by_label(labels, values):
    found = label_statistics(labels, values, 300)
    for label in (1, 3, 300):
        under = values[labels == label].astype(np.float64)
        assert found.counts[label] == under.size
        assert found.sums[label] == pytest.approx(under.sum())
        assert found.sums_of_squares[label] == pytest.approx((under**2).sum())
        assert found.minima[label] == under.min()
        assert found.maxima[label] == under.max()
    assert found.counts[2] == 0


def test_slab_by_slab_gives_the_same_as_at_once(labels, values, monkeypatch):
    at_once = label_statistics(labels, values, 300)
    monkeypatch.setattr(statistics, "_VOXELS_AT_ONCE", 50)
    in_slabs = label_statistics(labels, values, 300)
    np.testing.assert_array_equal(in_slabs.counts, at_once.counts)
    np.testing.assert_allclose(in_slabs.sums, at_once.sums)
    np.testing.assert_array_equal(in_slabs.maxima, at_once.maxima)


def test_overlapping_segments_are_counted_each_in_its_layer(values):
    layers = np.zeros((2, *SHAPE), dtype=np.uint8)
    layers[0, 1:4] = 1
    layers[1, 2:5] = 2
    geometry = VolumeGeometry(SHAPE, AFFINE)
    segments = (Segment(1, "whole", (255, 0, 0)), Segment(2, "core", (0, 255, 0), layer=1))
    whole, core = segment_results(Segmentation(layers, geometry, segments), Volume(values, geometry))
    assert whole.voxel_count == core.voxel_count == 3 * 6 * 7
    assert whole.volume_ml == pytest.approx(126 * abs(np.linalg.det(AFFINE[:3, :3])) / 1000)
    assert whole.mean == pytest.approx(float(values[1:4].mean()), rel=1e-5)
    assert core.standard_deviation == pytest.approx(float(values[2:5].std(ddof=1)), rel=1e-5)
    assert core.minimum == values[2:5].min()


def test_a_segment_without_a_voxel_has_no_volume_and_no_intensity(values):
    layers = np.zeros((1, *SHAPE), dtype=np.uint8)
    layers[0, 2, 3, 4] = 5
    geometry = VolumeGeometry(SHAPE, AFFINE)
    segments = (Segment(5, "dot", (1, 2, 3)), Segment(9, "nothing", (3, 2, 1)))
    dot, nothing = segment_results(Segmentation(layers, geometry, segments), Volume(values, geometry))
    assert dot.standard_deviation == 0.0
    assert dot.mean == pytest.approx(float(values[2, 3, 4]))
    assert (nothing.voxel_count, nothing.volume_ml) == (0, 0.0)
    assert nothing.mean is nothing.standard_deviation is nothing.minimum is nothing.maximum is None
