"""Labels and values on another grid, in numpy alone."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.resampling import rectilinear_segmentation, resample_labels
from MedAISegLib.core.segmentation import Segment, Segmentation

SOURCE = VolumeGeometry(
    (6, 8, 9), np.array([[0.2, 0.1, 1.1, -9], [-0.3, 1.3, 0.1, -8], [2, 0.2, 0, -10], [0, 0, 0, 1]])
)
TILTED = VolumeGeometry((7, 9, 8), np.array([[0, 0, 1, 3], [-0.8, 1, 0, 4], [3, 0, 0, 5], [0, 0, 0, 1.0]]))


def itk_image(voxels: np.ndarray, geometry: VolumeGeometry) -> sitk.Image:
    """An ITK image of (k, j, i) voxels on a grid at right angles."""
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(geometry.spacing_mm[::-1].tolist())
    image.SetOrigin(geometry.origin_lps.tolist())
    image.SetDirection(geometry.directions_lps[:, ::-1].ravel().tolist())
    return image


def upright(shape: tuple[int, int, int], angle_deg: float, spacing: tuple[float, float, float]) -> VolumeGeometry:
    c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, -s, c], [0, c, s], [1, 0, 0]]) * spacing
    affine[:3, 3] = (-4.3, -5.1, -3.2)
    return VolumeGeometry(shape, affine)


def test_labels_on_another_grid_are_itks() -> None:
    source, target = upright((6, 8, 9), 20, (2.0, 1.1, 0.9)), upright((9, 7, 11), -13, (1.3, 1.7, 0.8))
    labels = np.random.default_rng(0).integers(1, 5, size=source.shape_kji).astype(np.uint8)
    reference = itk_image(np.zeros(target.shape_kji, np.uint8), target)
    expected = sitk.GetArrayFromImage(
        sitk.Resample(itk_image(labels, source), reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    )
    assert np.count_nonzero(expected) > 100
    assert np.count_nonzero(expected == 0) > 50
    np.testing.assert_array_equal(resample_labels(labels[None], source, target)[0], expected)


def test_the_same_grid_gives_the_same_labels_in_every_layer() -> None:
    layers = np.random.default_rng(1).integers(0, 900, size=(2, *SOURCE.shape_kji)).astype(np.uint16)
    resampled = resample_labels(layers, SOURCE, SOURCE)
    np.testing.assert_array_equal(resampled, layers)
    assert resampled.dtype == np.uint16


def test_a_reordered_grid_gives_the_reordered_array() -> None:
    layers = np.random.default_rng(2).integers(0, 9, size=(1, *SOURCE.shape_kji)).astype(np.uint8)
    target = SOURCE.transposed((2, 0, 1)).flipped((True, False, True))
    np.testing.assert_array_equal(
        resample_labels(layers, SOURCE, target)[0], layers[0].transpose(2, 0, 1)[::-1, :, ::-1]
    )


def test_labels_of_a_tilted_grid_stay_where_they_are_in_the_patient() -> None:
    layers = np.zeros((1, *TILTED.shape_kji), np.uint8)
    layers[0, :, 4, 3] = np.arange(1, 8)
    upright_labels, notices = rectilinear_segmentation(
        Segmentation(layers, TILTED, (Segment(1, "a", (1, 2, 3)),)), "this format"
    )
    assert upright_labels.geometry.is_rectilinear(1e-9)
    assert [notice.code for notice in notices] == ["sheared-grid-resampled"]
    assert "this format" in notices[0].message
    for k, label in enumerate(range(1, 8)):
        found = np.argwhere(upright_labels.layers[0] == label)
        assert len(found) == 1
        place = upright_labels.geometry.index_to_lps(found[0])
        assert np.abs(place - TILTED.index_to_lps((k, 4, 3))).max() <= 0.5


def test_a_segmentation_at_right_angles_is_left_alone() -> None:
    geometry = upright((2, 3, 4), 20, (2, 1, 1))
    segmentation = Segmentation(np.zeros((1, 2, 3, 4), np.uint8), geometry, ())
    same, notices = rectilinear_segmentation(segmentation, "this format")
    assert same is segmentation
    assert notices == ()
