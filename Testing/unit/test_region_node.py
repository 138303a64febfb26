"""A markups ROI limits a run where the user sees it, however it is turned or moved."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.geometry import LPS_TO_RAS, VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.geometry import array_from_matrix, matrix_from_array
from MedAISegLib.slicer_io.region_node import region_from_node
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.volume_node import volume_to_node
from scene_nodes import put_slices_at, put_under_matrix, rigid_ras

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


@pytest.fixture
def scene():
    host = new_scene_host()
    yield host.scene
    host.scene.Clear(False)


def roi(scene, *, turned=True):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box")
    node.SetSize(30.0, 20.0, 10.0)
    node.SetCenter(5.0, -4.0, 12.0)
    if turned:
        placed = rigid_ras()
        placed[:3, 3] = 5.0, -4.0, 12.0
        node.SetAndObserveObjectToNodeMatrix(matrix_from_array(placed))
    return node


def assert_where_slicer_shows_it(node):
    """Inside and outside of the box are those of the node itself, asked in the world."""
    box = region_from_node(node)
    rng = np.random.default_rng(0)
    points = np.asarray(box.center_lps) + rng.uniform(-15, 15, (400, 3))
    ours = (np.abs((points - box.center_lps) @ np.asarray(box.axes_lps).T) <= np.asarray(box.size_mm) / 2).all(axis=1)
    slicers = [node.IsPointInROIWorld(list(point @ LPS_TO_RAS[:3, :3])) for point in points]
    assert 20 < sum(slicers) < 380
    np.testing.assert_array_equal(ours, slicers)


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "turned"])
def test_a_region_is_where_slicer_shows_it(scene, turned):
    assert_where_slicer_shows_it(roi(scene, turned=turned))


def test_linear_transforms_above_it_are_composed(scene):
    node = roi(scene)
    inner = put_under_matrix(node, scene, rigid_ras())
    scaled = np.diag([2.0, 2.0, 2.0, 1.0])
    scaled[:3, 3] = 100.0, 0.0, -40.0
    put_under_matrix(inner, scene, scaled)
    box = region_from_node(node)
    np.testing.assert_allclose(box.size_mm, (60.0, 40.0, 20.0), rtol=1e-6)
    to_world = array_from_matrix(node.GetObjectToWorldMatrix())
    np.testing.assert_allclose(box.center_lps, (LPS_TO_RAS @ to_world)[:3, 3], atol=1e-6)


def test_a_region_that_is_not_drawn_yet_is_said_to_be_so(scene):
    with pytest.raises(InputError, match="not drawn"):
        region_from_node(scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "box"))


def test_a_region_under_a_transform_that_bends_it_is_refused(scene):
    geometry = VolumeGeometry((6, 5, 4), np.diag([3.0, 1.0, 1.0, 1.0]))
    volume = volume_to_node(Volume(np.zeros((6, 5, 4), np.int16), geometry), scene, "MR")
    shifts = [np.array([0.0, 0.0, float(n**2)]) for n in range(6)]
    transform = put_slices_at(volume, scene, geometry, shifts)
    node = roi(scene)
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(InputError, match="bends"):
        region_from_node(node)


def test_a_region_under_a_transform_that_shears_it_is_refused(scene):
    sheared = np.eye(4)
    sheared[0, 2] = 0.4
    node = roi(scene, turned=False)
    put_under_matrix(node, scene, sheared)
    with pytest.raises(InputError, match="shears"):
        region_from_node(node)


def test_a_region_turned_inside_out_is_refused(scene):
    node = roi(scene)
    node.SetInsideOut(True)
    with pytest.raises(InputError, match="inside out"):
        region_from_node(node)


def test_what_is_no_region_is_refused(scene):
    with pytest.raises(InputError, match="no region"):
        region_from_node(scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points"))
