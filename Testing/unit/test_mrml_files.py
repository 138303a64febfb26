"""Files that Slicer opens: segments, scenes and surfaces, equal and in place when read again."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.files import write_obj, write_seg_nrrd, write_stl
from MedAISegLib.slicer_io.mesh_names import mesh_file_names
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.scene import mrml_scene, new_scene_host
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node, segmentation_to_node
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from MedAISegLib.slicer_io.writers import save_mrb, save_seg_nrrd
from scene_nodes import (
    FOUND,
    assert_equal,
    load_seg_nrrd,
    put_under_matrix,
    rigid_ras,
    segments_of,
    to_node,
)
from segmentations import masks_in_world, oblique_geometry, organs, points_of, result_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

FILE_ENDS = {write_stl: "stl", write_obj: "obj", write_seg_nrrd: "seg.nrrd"}


@pytest.mark.parametrize("overlap", [False, True], ids=["apart", "overlapping"])
def test_seg_nrrd_is_reloaded_equal(host, overlap, tmp_path):
    segmentation = organs(oblique_geometry(), overlap=overlap)
    path = tmp_path / "x.seg.nrrd"
    save_seg_nrrd(to_node(segmentation, host), path)
    loaded = load_seg_nrrd(path, new_scene_host())
    assert_equal(segmentation_from_node(loaded), segmentation)
    assert [read_tag(s, "MedAISeg.ModelId") for s in segments_of(loaded)] == ["organs", "organs"]
    assert [read_tag(s, "MedAISeg.LabelValue") for s in segments_of(loaded)] == ["3", "7"]


def test_seg_nrrd_keeps_the_whole_reference_grid(host, tmp_path):
    import SimpleITK as sitk

    segmentation = organs(oblique_geometry())
    save_seg_nrrd(to_node(segmentation, host), tmp_path / "x.seg.nrrd")
    assert sitk.ReadImage(tmp_path / "x.seg.nrrd").GetSize() == segmentation.geometry.shape_kji[::-1]


def test_seg_nrrd_of_a_transformed_node_is_where_the_world_shows_it(host, tmp_path):
    geometry = oblique_geometry()
    source = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    put_under_matrix(source, host.scene, rigid_ras())
    segmentation = organs(volume_from_node(source).geometry)
    node = to_node(segmentation, host, source_node=source)
    save_seg_nrrd(node, tmp_path / "x.seg.nrrd")
    assert node.GetParentTransformNode() is source.GetParentTransformNode()
    assert_equal(segmentation_from_node(load_seg_nrrd(tmp_path / "x.seg.nrrd", host)), segmentation)


def test_seg_nrrd_of_a_tilted_series_says_that_it_was_resampled(host, tmp_path):
    straight, tilted = oblique_geometry((8, 20, 24)), oblique_geometry((8, 20, 24), shear=0.7)
    source = volume_to_node(Volume(np.zeros(tilted.shape_kji, np.int16), tilted), host.scene, "CT")
    segmentation = organs(tilted)
    node, notices = segmentation_to_node(segmentation, result_of(segmentation), host.scene, source_node=source)
    assert notices == ()
    written = save_seg_nrrd(node, tmp_path / "x.seg.nrrd")
    assert [notice.code for notice in written.notices] == ["sheared-grid-resampled"]
    loaded = load_seg_nrrd(tmp_path / "x.seg.nrrd", host)
    assert [read_tag(s, "MedAISeg.ModelId") for s in segments_of(loaded)] == ["organs", "organs"]
    points = points_of(straight)
    expected = masks_in_world(segmentation, FOUND, points)
    actual = masks_in_world(segmentation_from_node(loaded), FOUND, points)
    assert (2 * (expected & actual).sum(axis=1) / (expected.sum(axis=1) + actual.sum(axis=1)) > 0.85).all()


def test_many_labels_beyond_a_byte_keep_their_values(host, tmp_path):
    geometry = oblique_geometry((3, 20, 20))
    layers = np.arange(1200).reshape(1, 3, 20, 20).astype(np.uint16)
    segments = tuple(Segment(n, f"parcel {n}", (n % 256, 5, 6)) for n in (1, 255, 256, 700, 1199))
    segmentation = Segmentation(np.where(np.isin(layers, [1, 255, 256, 700, 1199]), layers, 0), geometry, segments)
    path = tmp_path / "x.seg.nrrd"
    save_seg_nrrd(to_node(segmentation, host), path)
    loaded = segmentation_from_node(load_seg_nrrd(path, host))
    np.testing.assert_array_equal(loaded.layers, segmentation.layers)
    assert [s.label_value for s in loaded.segments] == [1, 255, 256, 700, 1199]


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


@pytest.mark.parametrize("write", [write_stl, write_obj, write_seg_nrrd])
def test_writing_without_a_display_is_quiet(write, tmp_path, capfd):
    segmentation = organs(oblique_geometry())
    write(segmentation, result_of(segmentation), tmp_path / f"segmentation.{FILE_ENDS[write]}")
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
