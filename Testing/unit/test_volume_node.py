"""Volume nodes as they lie in the world, whatever transform they are under."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.geometry import LPS_TO_RAS, VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from scene_nodes import put_slices_at, put_under_matrix, rigid_ras
from segmentations import oblique_geometry, points_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

GRADIENT = np.array([1.7, -2.3, 3.1])


def linear_image(geometry):
    """An image whose every value tells its place in the patient."""
    values = points_of(geometry) @ GRADIENT + 100
    return Volume(values.reshape(geometry.shape_kji).astype(np.float32), geometry)


def test_a_volume_goes_into_the_scene_and_comes_back(host):
    volume = linear_image(oblique_geometry())
    back = volume_from_node(volume_to_node(volume, host.scene, "T1"))
    assert back.geometry.matches(volume.geometry, 1e-6)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.description == "T1"


def test_the_scene_gets_the_volume_in_ras(host):
    geometry = oblique_geometry()
    node = volume_to_node(linear_image(geometry), host.scene, "T1")
    np.testing.assert_allclose(node.GetOrigin(), LPS_TO_RAS[:3, :3] @ geometry.origin_lps)
    np.testing.assert_allclose(node.GetSpacing(), geometry.spacing_mm[::-1])


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.uint16, np.float32, np.float64])
def test_the_type_of_the_voxels_stays(host, dtype):
    geometry = oblique_geometry((2, 3, 4))
    voxels = np.arange(24).reshape(2, 3, 4).astype(dtype)
    back = volume_from_node(volume_to_node(Volume(voxels, geometry), host.scene, "x"))
    assert back.voxels.dtype == dtype
    np.testing.assert_array_equal(back.voxels, voxels)


def test_a_linear_parent_transform_moves_the_volume(host):
    volume = linear_image(oblique_geometry())
    node = volume_to_node(volume, host.scene, "T1")
    put_under_matrix(node, host.scene, rigid_ras())
    moved = volume_from_node(node)
    expected = LPS_TO_RAS @ rigid_ras() @ LPS_TO_RAS @ volume.geometry.affine_lps
    np.testing.assert_allclose(moved.geometry.affine_lps, expected, atol=1e-9)
    np.testing.assert_array_equal(moved.voxels, volume.voxels)
    assert moved.notices == ()


def test_transforms_on_transforms_are_composed(host):
    volume = linear_image(oblique_geometry())
    node = volume_to_node(volume, host.scene, "T1")
    inner = put_under_matrix(node, host.scene, rigid_ras())
    outer = np.diag([1.0, 1.0, 1.0, 1.0])
    outer[:3, 3] = [3, 4, 5]
    put_under_matrix(inner, host.scene, outer)
    expected = LPS_TO_RAS @ outer @ rigid_ras() @ LPS_TO_RAS @ volume.geometry.affine_lps
    np.testing.assert_allclose(volume_from_node(node).geometry.affine_lps, expected, atol=1e-9)


def test_a_sheared_volume_is_held_exactly(host):
    volume = linear_image(oblique_geometry(shear=0.9))
    back = volume_from_node(volume_to_node(volume, host.scene, "tilted"))
    assert not back.geometry.is_rectilinear()
    assert back.geometry.matches(volume.geometry, 1e-6)
    np.testing.assert_array_equal(back.voxels, volume.voxels)


def test_the_grid_transform_of_a_tilted_series_is_understood_as_a_shear(host):
    straight = oblique_geometry()
    tilted = oblique_geometry(shear=0.9)
    volume = linear_image(tilted)
    node = volume_to_node(Volume(volume.voxels, straight), host.scene, "tilted")
    step = tilted.affine_lps[:3, 0] - straight.affine_lps[:3, 0]
    put_slices_at(node, host.scene, straight, [n * step for n in range(straight.shape_kji[0])])
    back = volume_from_node(node)
    assert back.geometry.matches(tilted, 1e-3)
    np.testing.assert_array_equal(back.voxels, volume.voxels)
    assert back.notices == ()


def test_a_single_slice_under_a_grid_transform_is_moved(host):
    geometry = oblique_geometry((1, 6, 7))
    node = volume_to_node(linear_image(geometry), host.scene, "slice")
    put_slices_at(node, host.scene, geometry, [np.array([2.0, 3.0, 4.0])])
    moved = volume_from_node(node).geometry
    np.testing.assert_allclose(moved.origin_lps, geometry.origin_lps + np.array([2, 3, 4]), atol=1e-6)


def test_unevenly_spaced_slices_are_resampled_in_world_space_with_a_notice(host):
    geometry = oblique_geometry((6, 9, 12))
    normal_step = geometry.affine_lps[:3, 0]
    shifts = [normal_step * (1.0 if n >= 3 else 0.0) for n in range(6)]
    true_points = points_of(geometry) + np.repeat(shifts, 9 * 12, axis=0)
    voxels = (true_points @ GRADIENT + 100).reshape(geometry.shape_kji).astype(np.float32)
    node = volume_to_node(Volume(voxels, geometry), host.scene, "uneven")
    put_slices_at(node, host.scene, geometry, shifts)
    back = volume_from_node(node)
    assert [notice.code for notice in back.notices] == ["transform-resampled"]
    assert back.geometry.is_rectilinear()
    points = points_of(back.geometry)
    index = VolumeGeometry(geometry.shape_kji, geometry.affine_lps).lps_to_index(points)
    inside = ((index > 0.01) & (index < np.array([6, 8, 11]) - 0.01)).all(axis=-1)
    assert inside.sum() > 200
    error = np.abs(back.voxels.reshape(-1) - (points @ GRADIENT + 100))[inside]
    assert error.max() < 0.05
    covered = back.geometry.lps_to_index(true_points)
    assert (covered > -0.51).all()
    assert (covered < np.array(back.geometry.shape_kji) - 0.49).all()


def test_an_empty_volume_node_is_refused(host):
    with pytest.raises(InputError, match="empty"):
        volume_from_node(host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))


def test_a_colour_volume_is_refused(host):
    import vtk

    image = vtk.vtkImageData()
    image.SetDimensions(4, 3, 2)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    node = host.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    node.SetAndObserveImageData(image)
    with pytest.raises(InputError, match="scalar"):
        volume_from_node(node)
