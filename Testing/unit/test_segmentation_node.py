"""Segmentation nodes: what a user edits in Slicer is what the model found, and says where it came from."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.files import write_obj, write_seg_nrrd, write_stl
from MedAISegLib.slicer_io.mesh_names import mesh_file_names
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.scene import mrml_scene, new_scene_host
from MedAISegLib.slicer_io.segmentation_node import BINARY_LABELMAP, segmentation_from_node, segmentation_to_node
from MedAISegLib.slicer_io.terminology_tag import terminology_from_tag, terminology_to_tag
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from MedAISegLib.slicer_io.writers import save_mrb, save_seg_nrrd
from segmentations import LEFT_KIDNEY, masks_in_world, oblique_geometry, organs, points_of, result_of
from test_volume_node import put_slices_at, put_under_matrix, rigid_ras

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

FOUND = ["liver", "Niere/links ä"]
FILE_ENDS = {write_stl: "stl", write_obj: "obj", write_seg_nrrd: "seg.nrrd"}


@pytest.fixture
def host():
    return new_scene_host()


def to_node(segmentation, host, **options):
    return segmentation_to_node(segmentation, result_of(segmentation), host.scene, **options)[0]


def segments_of(node):
    content = node.GetSegmentation()
    return [content.GetNthSegment(n) for n in range(content.GetNumberOfSegments())]


def load_seg_nrrd(path, host):
    import slicer

    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    return node


def assert_equal(actual, expected):
    """Same segments, label values, colours, codes and voxels in the same place."""
    found = tuple(s for s in expected.segments if s.name in FOUND)
    assert [(s.name, s.label_value, s.terminology) for s in actual.segments] == [
        (s.name, s.label_value, s.terminology) for s in found
    ]
    for a, b in zip(actual.segments, found, strict=True):
        np.testing.assert_allclose(a.color_rgb, b.color_rgb, atol=1)
    assert actual.geometry.matches(expected.geometry, 1e-3)
    for a, b in zip(actual.segments, found, strict=True):
        np.testing.assert_array_equal(actual.mask(a), expected.mask(b))


@pytest.mark.parametrize("overlap", [False, True], ids=["apart", "overlapping"])
def test_a_segmentation_goes_into_the_scene_and_comes_back(host, overlap):
    segmentation = organs(oblique_geometry(), overlap=overlap)
    assert_equal(segmentation_from_node(to_node(segmentation, host)), segmentation)


def test_segments_without_a_voxel_are_not_made(host):
    names = [segment.GetName() for segment in segments_of(to_node(organs(oblique_geometry()), host))]
    assert names == FOUND


def test_segments_that_do_not_overlap_share_one_labelmap_with_their_label_values(host):
    node = to_node(organs(oblique_geometry()), host)
    first, second = segments_of(node)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    assert first.GetRepresentation(BINARY_LABELMAP) is second.GetRepresentation(BINARY_LABELMAP)
    assert (first.GetLabelValue(), second.GetLabelValue()) == (3, 7)


def test_segments_that_overlap_lie_in_different_layers(host):
    node = to_node(organs(oblique_geometry(), overlap=True), host)
    assert node.GetSegmentation().GetNumberOfLayers() == 2


def test_editing_in_slicer_does_not_change_the_result_in_memory(host):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    segmentation = organs(oblique_geometry())
    before = segmentation.layers.copy()
    labelmap = segments_of(to_node(segmentation, host))[0].GetRepresentation(BINARY_LABELMAP)
    vtk_to_numpy(labelmap.GetPointData().GetScalars())[:] = 0
    np.testing.assert_array_equal(segmentation.layers, before)


def test_a_segment_says_what_it_is_and_what_made_it(host):
    kidney = segments_of(to_node(organs(oblique_geometry()), host))[1]
    assert kidney.GetTerminology().split("~")[1:4] == [
        "SCT^123037004^Anatomical Structure", "SCT^64033007^Kidney", "SCT^7771000^Left",
    ]  # fmt: skip
    np.testing.assert_allclose(kidney.GetColor(), np.array([185, 102, 83]) / 255, atol=1e-6)
    assert read_tag(kidney, "MedAISeg.ModelId") == "organs"
    assert read_tag(kidney, "MedAISeg.ModelVersion") == "1.2"
    assert read_tag(kidney, "MedAISeg.ModelSha256") == "0123456789abcdef" * 4
    assert read_tag(kidney, "MedAISeg.LabelValue") == "7"
    assert read_tag(kidney, "MedAISeg.Created") == "2026-02-03T04:05:06Z"
    assert read_tag(kidney, "MedAISeg.Nothing") == ""


def test_a_code_survives_the_tag():
    assert terminology_from_tag(terminology_to_tag(LEFT_KIDNEY)) == LEFT_KIDNEY
    assert terminology_from_tag("") == UNSPECIFIED
    assert terminology_from_tag("some context~~~~~~") == UNSPECIFIED


def test_the_source_volume_becomes_the_reference(host):
    geometry = oblique_geometry()
    source = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    node = to_node(organs(geometry), host, source_node=source)
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is source


def test_the_node_goes_into_the_folder_of_its_source(host):
    import slicer

    geometry = oblique_geometry()
    source = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, source)
    node = to_node(organs(geometry), host, source_node=source)
    item = hierarchy.GetItemByDataNode(node)
    assert item == 0 or hierarchy.GetItemParent(item) == study


def test_the_segmentation_is_put_under_the_transform_of_its_source(host):
    geometry = oblique_geometry()
    source = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    put_under_matrix(source, host.scene, rigid_ras())
    world = volume_from_node(source).geometry
    segmentation = organs(world)
    node = to_node(segmentation, host, source_node=source)
    assert node.GetParentTransformNode() is source.GetParentTransformNode()
    assert_equal(segmentation_from_node(node), segmentation)


def test_a_grid_of_its_own_under_a_transformed_source_is_placed_right(host):
    geometry = oblique_geometry()
    source = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    put_under_matrix(source, host.scene, rigid_ras())
    segmentation = organs(volume_from_node(source).geometry.window((1, 2, 3), (4, 6, 8)))
    assert_equal(segmentation_from_node(to_node(segmentation, host, source_node=source)), segmentation)


def test_a_tilted_series_keeps_its_grid_under_its_acquisition_transform(host):
    straight, tilted = oblique_geometry(), oblique_geometry(shear=0.9)
    source = volume_to_node(Volume(np.zeros(straight.shape_kji, np.int16), straight), host.scene, "CT")
    step = tilted.affine_lps[:3, 0] - straight.affine_lps[:3, 0]
    put_slices_at(source, host.scene, straight, [n * step for n in range(straight.shape_kji[0])])
    segmentation = organs(volume_from_node(source).geometry)
    node, notices = segmentation_to_node(segmentation, result_of(segmentation), host.scene, source_node=source)
    assert notices == ()
    assert node.GetParentTransformNode() is source.GetParentTransformNode()
    assert_equal(segmentation_from_node(node), segmentation)


def test_a_sheared_grid_without_a_transform_is_resampled_with_a_notice(host):
    segmentation = organs(oblique_geometry((8, 20, 24), shear=0.7))
    node, notices = segmentation_to_node(segmentation, result_of(segmentation), host.scene)
    assert [notice.code for notice in notices] == ["sheared-grid-resampled"]
    assert segmentation_from_node(node).geometry.is_rectilinear()


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


def test_a_segmentation_of_surfaces_alone_is_refused(host):
    import slicer
    import vtk

    ball_source = vtk.vtkSphereSource()
    ball_source.Update()
    segment = slicer.vtkSegment()
    segment.SetName("ball")
    segment.AddRepresentation("Closed surface", ball_source.GetOutput())
    node = host.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "RT structures")
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    node.GetSegmentation().AddSegment(segment)
    with pytest.raises(InputError, match="labelmap"):
        segmentation_from_node(node)


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


def test_a_segmentation_without_a_reference_grid_is_read_where_its_segments_are(host):
    import slicer

    segmentation = organs(oblique_geometry())
    node = to_node(segmentation, host)
    parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    node.GetSegmentation().SetConversionParameter(parameter, "")
    back = segmentation_from_node(node)
    points = points_of(segmentation.geometry)
    expected = masks_in_world(segmentation, FOUND, points)
    np.testing.assert_array_equal(masks_in_world(back, FOUND, points), expected)


def test_a_segmentation_made_elsewhere_keeps_its_own_label_values(host):
    node = to_node(organs(oblique_geometry()), host)
    for segment in segments_of(node):
        segment.RemoveTag("MedAISeg.LabelValue")
    assert [s.label_value for s in segmentation_from_node(node).segments] == [3, 7]


def test_a_segmentation_under_a_bending_transform_is_resampled_in_the_world(host):
    geometry = oblique_geometry((12, 18, 24))
    segmentation = organs(geometry)
    volume = volume_to_node(Volume(np.zeros(geometry.shape_kji, np.int16), geometry), host.scene, "CT")
    step = geometry.affine_lps[:3, 0]
    transform = put_slices_at(volume, host.scene, geometry, [step * (1.0 if n >= 6 else 0.0) for n in range(12)])
    node = to_node(segmentation, host)
    node.SetAndObserveTransformNodeID(transform.GetID())
    world = segmentation_from_node(node)
    points = points_of(geometry).reshape(*geometry.shape_kji, 3)
    for slices, shift in (((0, 6), 0 * step), ((6, 12), step)):
        local = points[slice(*slices)].reshape(-1, 3)
        expected = masks_in_world(segmentation, FOUND, local)
        assert expected.any()
        np.testing.assert_array_equal(masks_in_world(world, FOUND, local + shift), expected)
    assert node.GetParentTransformNode() is transform
