"""Which volumes of a scene can be an input, what is known of them, and why the others cannot."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.proposal import propose
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.volume import Volume
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel
from MedAISegLib.slicer_io.inputs import NodeInput, candidate_of, excluded_volumes, scene_candidates
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from scene_nodes import put_slices_at, put_under_matrix, rigid_ras
from segmentations import oblique_geometry

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


@pytest.fixture
def scene():
    host = new_scene_host()
    yield host.scene
    host.scene.Clear(False)


def volume(scene, name):
    geometry = oblique_geometry()
    return volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), scene, name)


def of_class(scene, class_name, name, components=1):
    import vtk

    node = scene.AddNewNodeByClass(class_name, name)
    image = vtk.vtkImageData()
    image.SetDimensions(4, 5, 6)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, components)
    node.SetAndObserveImageData(image)
    return node


def test_scalar_volumes_are_candidates_and_hidden_ones_are_not(scene):
    shown, hidden = volume(scene, "T1 überlang " + "x" * 200), volume(scene, "hidden")
    hidden.SetHideFromEditors(True)
    (only,) = scene_candidates(scene)
    assert only.input == NodeInput(shown.GetID())
    assert only.name == only.description == shown.GetName()
    assert excluded_volumes(scene) == ()


def test_other_volumes_are_left_out_and_it_is_said_why(scene):
    of_class(scene, "vtkMRMLLabelMapVolumeNode", "labels")
    of_class(scene, "vtkMRMLVectorVolumeNode", "photo", 3)
    of_class(scene, "vtkMRMLScalarVolumeNode", "two values", 2)
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    assert scene_candidates(scene) == ()
    said = dict(excluded_volumes(scene))
    assert "labels" in said["labels"]
    assert "colour" in said["photo"]
    assert "several values" in said["two values"]
    assert "empty" in said["empty"]
    with pytest.raises(InputError, match="several values"):
        candidate_of(scene.GetFirstNodeByName("two values"))


def test_a_coloured_picture_is_a_candidate_for_models_of_flat_images(scene):
    photo = of_class(scene, "vtkMRMLVectorVolumeNode", "photo", 3)
    (only,) = scene_candidates(scene, pictures=True)
    assert only.input == NodeInput(photo.GetID())
    assert only.attributes["PhotometricInterpretation"] == "RGB"
    assert excluded_volumes(scene, pictures=True) == ()


def test_a_field_of_vectors_is_no_picture(scene):
    import vtk

    field = of_class(scene, "vtkMRMLVectorVolumeNode", "field", 3)
    field.GetImageData().AllocateScalars(vtk.VTK_FLOAT, 3)
    assert scene_candidates(scene, pictures=True) == ()
    assert "vectors" in dict(excluded_volumes(scene, pictures=True))["field"]


def test_a_volume_under_a_transform_is_known_where_it_is_in_the_world(scene):
    node = volume(scene, "T1")
    put_under_matrix(node, scene, rigid_ras())
    (only,) = scene_candidates(scene)
    assert only.geometry.matches(volume_from_node(node).geometry)
    assert not only.bent


def test_a_volume_under_a_transform_that_bends_it_says_so(scene):
    node, geometry = volume(scene, "T1"), oblique_geometry()
    step = geometry.affine_lps[:3, 0]
    put_slices_at(node, scene, geometry, [step * float(n >= 3) for n in range(geometry.shape_kji[0])])
    (only,) = scene_candidates(scene)
    assert only.bent


def test_no_volumes_are_no_candidates(scene):
    assert scene_candidates(scene) == ()


def test_candidates_are_matched_by_their_names_where_nothing_else_is_known(scene):
    for name in ("FLAIR", "T1 post", "T2", "T1 native"):
        volume(scene, name)
    channels = tuple(Channel(name, "MR") for name in ("T1", "T1c", "T2", "FLAIR"))
    card = ModelCard("brain", "brain", ModelState.READY, channels=channels)
    found = {p.channel.name: p.image.name for p in propose(card, scene_candidates(scene))}
    assert found == {"T1": "T1 native", "T1c": "T1 post", "T2": "T2", "FLAIR": "FLAIR"}
