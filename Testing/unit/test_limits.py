"""A run within a region: what is cropped, and where the labels end up."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.limits import crop_case, exceeds_training_crop, paste_labels
from MedAISegLib.core.case import Case
from MedAISegLib.core.errors import InputError, UsageError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.core.volume import Volume
from MedAISegLib.models.operations import Resample
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows


def rotation(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def grid(shape=(9, 11, 13), spacing=(2.0, 1.5, 1.0), degrees=20.0) -> VolumeGeometry:
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) @ np.diag(spacing[::-1])[:, ::-1]
    affine[:3, 3] = (3.0, -40.0, 11.0)
    return VolumeGeometry(shape, affine)


def volume(geometry: VolumeGeometry) -> Volume:
    size = int(np.prod(geometry.shape_kji))
    return Volume(np.arange(size, dtype=np.float32).reshape(geometry.shape_kji), geometry)


def box_about(geometry: VolumeGeometry, index, size_mm, degrees: float) -> OrientedBox:
    axes = rotation(degrees).T
    center = geometry.index_to_lps(index)
    return OrientedBox(tuple(center), tuple(tuple(axis) for axis in axes), size_mm)


def test_every_voxel_of_the_box_and_no_other_is_labelled_after_pasting():
    geometry = grid()
    box = box_about(geometry, (4, 5, 6), (6.0, 8.0, 9.0), degrees=50.0)
    cropped, start = crop_case(Case({"MR": volume(geometry)}), box)
    layers = np.full((2, *cropped.geometry.shape_kji), 7, dtype=np.uint8)
    pasted = paste_labels(layers, cropped.geometry, start, geometry, box)
    np.testing.assert_array_equal(pasted[1] == 7, box.mask(geometry))
    assert 0 < box.mask(geometry).sum() < cropped.first.voxels.size, "the box is rotated against the grid"


def test_the_crop_holds_the_same_values_at_the_same_places():
    geometry = grid()
    box = box_about(geometry, (3, 4, 7), (5.0, 5.0, 5.0), degrees=0.0)
    cropped, start = crop_case(Case({"MR": volume(geometry)}), box)
    np.testing.assert_allclose(cropped.geometry.origin_lps, geometry.index_to_lps(start))
    assert cropped.first.voxels[0, 0, 0] == volume(geometry).voxels[start]


def test_other_channels_are_cropped_to_what_covers_the_first():
    first, second = grid(), grid(shape=(40, 30, 30), spacing=(0.8, 1.1, 1.3), degrees=-10.0)
    box = box_about(first, (4, 5, 6), (4.0, 4.0, 4.0), degrees=0.0)
    cropped, _ = crop_case(Case({"T1": volume(first), "T2": volume(second)}), box)
    other = cropped.channels["T2"]
    assert other.voxels.size < second.shape_kji[0] * second.shape_kji[1] * second.shape_kji[2] / 4
    index = other.geometry.lps_to_index(cropped.geometry.corners_lps())
    inside_full = second.lps_to_index(cropped.geometry.corners_lps())
    possible = ((inside_full > 0) & (inside_full < np.array(second.shape_kji) - 1)).all(axis=1)
    assert possible.any()
    assert (index[possible] >= 0).all()
    assert (index[possible] <= np.array(other.geometry.shape_kji) - 1).all()


def test_a_channel_that_does_not_reach_into_the_region_is_named():
    first = grid()
    far = VolumeGeometry((5, 5, 5), np.array([[0, 0, 1, 500], [0, 1, 0, 500], [1, 0, 0, 500], [0, 0, 0, 1.0]]))
    box = box_about(first, (4, 5, 6), (4.0, 4.0, 4.0), degrees=0.0)
    with pytest.raises(InputError, match="channel T2"):
        crop_case(Case({"T1": volume(first), "T2": volume(far)}), box)


def test_a_region_beside_the_image_is_refused():
    with pytest.raises(UsageError, match="does not meet"):
        crop_case(Case({"MR": volume(grid())}), OrientedBox.from_bounds((900, 900, 900), (950, 950, 950)))


@pytest.mark.parametrize(
    ("shape", "spacing", "larger"),
    [
        ((40, 50, 35), (1.0, 1.0, 1.0), False),
        ((180, 240, 240), (1.0, 1.0, 1.0), True),
        ((36, 512, 512), (1, 0.4, 0.4), True),
    ],
)
def test_a_whole_scan_is_told_from_a_crop(shape, spacing, larger):
    spec = spec_trained_on_crops(window=(48, 64, 48))
    assert exceeds_training_crop(spec, grid(shape, spacing)) is larger


def spec_trained_on_crops(window) -> ModelSpec:
    stage = InferenceStage((Resample((1.0, 1.0, 1.0)),), Windows(size=window), Argmax())
    return ModelSpec("m", "M", "monai_bundle", (Channel("MR"),), (stage,), (SegmentSpec(1, "a"),), wants_region=True)
