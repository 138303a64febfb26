"""Files that Slicer opens: segments, scenes and surfaces, equal and in place when read again."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.files import write_obj, write_stl
from MedAISegLib.slicer_io.mesh_names import mesh_file_names
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.scene import mrml_scene, new_scene_host
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from MedAISegLib.slicer_io.writers import save_mrb
from scene_nodes import (
    assert_equal,
    put_under_matrix,
    rigid_ras,
    segments_of,
    to_node,
)
from segmentations import oblique_geometry, organs, points_of, result_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


def test_a_scene_bundle_is_reloaded_equal(host, tmp_path):
    geometry = oblique_geometry()
    values = np.random.default_rng(5).integers(-1000, 1000, geometry.shape_kji).astype(np.int16)
    source = volume_to_node(Volume(values, geometry), host.scene, "CT")
    put_under_matrix(source, host.scene, rigid_ras())
    segmentation = organs(volume_from_node(source).geometry, overlap=True)
    to_node(segmentation, host, source_node=source, name="found")
    save_mrb(host.scene, tmp_path / "scene.mrb")

    other = new_scene_host()
    assert other.scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    loaded = other.scene.GetFirstNodeByName("found")
    assert_equal(segmentation_from_node(loaded), segmentation)
    volume = volume_from_node(other.scene.GetFirstNodeByName("CT"))
    np.testing.assert_array_equal(volume.voxels, values)
    assert volume.geometry.matches(segmentation.geometry, 1e-3)
    assert [read_tag(s, "MedAISeg.ModelSha256") for s in segments_of(loaded)] == ["0123456789abcdef" * 4] * 2
    reference = loaded.GetNodeReference(loaded.GetReferenceImageGeometryReferenceRole())
    assert reference.GetName() == "CT"


def ball(radius_mm):
    geometry = VolumeGeometry((40, 50, 60), oblique_geometry().affine_lps)
    center = geometry.index_to_lps((18, 22, 31))
    distance = np.linalg.norm(points_of(geometry) - center, axis=1).reshape(geometry.shape_kji)
    layers = (distance <= radius_mm).astype(np.uint8)[None]
    return Segmentation(layers, geometry, (Segment(1, "ball", (200, 10, 10)),)), center


@pytest.mark.parametrize("write", [write_stl, write_obj], ids=["stl", "obj"])
def test_a_surface_lies_around_its_segment_in_lps(write, tmp_path):
    import vtk

    segmentation, center = ball(9.0)
    path = tmp_path / f"segmentation.{write.__name__[-3:]}"
    (file,) = write(segmentation, result_of(segmentation), path).files
    reader = vtk.vtkSTLReader() if file.suffix == ".stl" else vtk.vtkOBJReader()
    reader.SetFileName(str(file))
    reader.Update()
    x0, x1, y0, y1, z0, z1 = reader.GetOutput().GetBounds()
    np.testing.assert_allclose([(x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2], center, atol=0.6)
    np.testing.assert_allclose([x1 - x0, y1 - y0, z1 - z0], 18.0, atol=2.5)
    assert b"SPACE=LPS" in file.read_bytes()[:200]
    assert file.name == f"segmentation_ball{file.suffix}"


@pytest.mark.parametrize("write", [write_stl, write_obj], ids=["stl", "obj"])
def test_writing_without_a_display_is_quiet(write, tmp_path, capfd):
    segmentation = organs(oblique_geometry())
    write(segmentation, result_of(segmentation), tmp_path / f"segmentation.{write.__name__[-3:]}")
    assert capfd.readouterr() == ("", "")


def test_writing_leaves_the_scene_as_it_was(tmp_path):
    segmentation = organs(oblique_geometry())
    write_stl(segmentation, result_of(segmentation), tmp_path / "a.stl")
    before = mrml_scene().GetNumberOfNodes()
    write_stl(segmentation, result_of(segmentation), tmp_path / "b.stl")
    assert mrml_scene().GetNumberOfNodes() == before


def test_file_names_of_surfaces_are_safe_and_all_different():
    names = mesh_file_names("stl", ["Niere/links ä", "niere_links_ä", "..", "a" * 300, "肝臓", 'x:*?"<>|'])
    assert names[0] == "segmentation_Niere_links_ä.stl"
    assert names[1] == "segmentation_niere_links_ä_2.stl"
    assert names[2] == "segmentation_unnamed.stl"
    assert names[4] == "segmentation_肝臓.stl"
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name.encode()) < 255 and not set(name) & set('/\\:*?"<>|') for name in names)
