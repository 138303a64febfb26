"""Labels on a grid and what they mean."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation, translated

GEOMETRY = VolumeGeometry((2, 3, 4), np.diag([5.0, 2.0, 1.0, 1.0]))
TUMOUR = Segment(1, "tumour", (255, 0, 0))
CORE = Segment(1, "core", (0, 255, 0), layer=1)
EDEMA = Segment(300, "edema", (0, 0, 255))
ABSENT = Segment(7, "absent", (9, 9, 9))


@pytest.fixture
def segmentation() -> Segmentation:
    """Two overlapping structures in two layers, a label value beyond a byte, one structure not found."""
    layers = np.zeros((2, 2, 3, 4), dtype=np.uint16)
    layers[0, 0, :2, 1] = 1
    layers[0, 1, 0] = 300
    layers[1, 0, 0, 1] = 1
    return Segmentation(layers, GEOMETRY, (TUMOUR, CORE, EDEMA, ABSENT))


def test_each_mask_is_its_label_in_its_own_layer(segmentation: Segmentation) -> None:
    assert np.argwhere(segmentation.mask(TUMOUR)).tolist() == [[0, 0, 1], [0, 1, 1]]
    assert np.argwhere(segmentation.mask(CORE)).tolist() == [[0, 0, 1]]
    assert segmentation.mask(EDEMA).sum() == 4


def test_a_segment_without_a_voxel_counts_zero(segmentation: Segmentation) -> None:
    assert segmentation.voxel_counts() == {"tumour": 2, "core": 1, "edema": 4, "absent": 0}
    assert segmentation.volume_ml(ABSENT) == 0.0


def test_volumes_are_in_millilitres(segmentation: Segmentation) -> None:
    assert segmentation.volume_ml(EDEMA) == pytest.approx(4 * 10 / 1000)


def test_a_segmentation_without_segments_counts_nothing() -> None:
    assert Segmentation(np.zeros((1, 2, 3, 4), np.uint8), GEOMETRY, ()).voxel_counts() == {}


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 4, 3, 2), (1, 2, 3, 5)])
def test_layers_that_do_not_fit_the_grid_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit the geometry"):
        Segmentation(np.zeros(shape, np.uint8), GEOMETRY, ())


@pytest.mark.parametrize("dtype", [np.int16, np.float32, bool])
def test_layers_of_another_type_are_refused(dtype: type) -> None:
    with pytest.raises(ValueError, match="uint8 or uint16"):
        Segmentation(np.zeros((1, 2, 3, 4), dtype), GEOMETRY, ())


@pytest.mark.parametrize(("label_value", "layer"), [(0, 0), (-1, 0), (256, 0), (1, 1), (1, -1)])
def test_a_segment_that_the_layers_cannot_hold_is_refused(label_value, layer):
    segment = Segment(label_value, "tumour", (1, 2, 3), layer=layer)
    with pytest.raises(ValueError, match=f"no label {label_value} in layer {layer}"):
        Segmentation(np.zeros((1, 2, 3, 4), np.uint8), GEOMETRY, (segment,))


def test_labels_are_translated_by_their_values() -> None:
    labels = np.array([[[0, 1], [2, 2]], [[1, 0], [0, 2]]], dtype=np.uint8)
    found = translated(labels, np.array([0, 300, 7], dtype=np.uint16))
    assert found.dtype == np.uint16
    assert found.tolist() == [[[0, 300], [7, 7]], [[300, 0], [0, 7]]]


def test_translating_and_counting_take_little_memory_beside_the_labels() -> None:
    labels = np.ones((1, 64, 128, 128), dtype=np.uint8)
    large = Segmentation(labels, VolumeGeometry((64, 128, 128), np.eye(4)), (TUMOUR,))
    tracemalloc.start()
    translated(labels[0], np.arange(256, dtype=np.uint8))
    assert large.voxel_counts() == {"tumour": labels.size}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * labels.nbytes
