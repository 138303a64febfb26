"""Segmentation nodes: what a user edits in Slicer is what the model found, and says where it came from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.node_description import BINARY_LABELMAP
from MedAISegLib.core.provenance_tags import tag_text
from MedAISegLib.core.terminology import UNSPECIFIED
from MedAISegLib.core.terminology_tag import terminology_from_tag, terminology_to_tag
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.placing import place_result
from MedAISegLib.slicer_io.provenance_tags import read_tag
from MedAISegLib.slicer_io.segmentation_node import (
    run_to_end,
    segmentation_from_node,
    segmentation_to_node,
)
from MedAISegLib.slicer_io.volume_node import volume_from_node, volume_to_node
from scene_nodes import (
    FOUND,
    assert_equal,
    put_slices_at,
    put_under_matrix,
    rigid_ras,
    segments_of,
    to_node,
)
from segmentations import LEFT_KIDNEY, masks_in_world, oblique_geometry, organs, points_of, result_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


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


def test_what_cannot_be_written_becomes_a_mark_rather_than_the_end_of_the_application(host):
    half = "x\ud800"
    kidney = organs(oblique_geometry()).segments[1]
    coded = replace(kidney.terminology, type=replace(kidney.terminology.type, meaning=f"Kidney{half}"))
    # VTK itself would end this process.
    assert all(text.isprintable() for text in (tag_text(half), terminology_to_tag(coded)))
    segmentation = organs(oblique_geometry())
    liver = segmentation.segments[0]
    named = replace(segmentation, segments=(liver, replace(kidney, name=half, terminology=coded)))
    result = result_of(named)
    volume = Volume(np.zeros(segmentation.geometry.shape_kji, np.int16), segmentation.geometry)
    result = replace(result, provenance=replace(result.provenance, model_name=half, model_version=half))
    node = run_to_end(place_result(named, result, scene=host.scene, name=half)).node
    segment = segments_of(node)[1]
    assert (node.GetName(), segment.GetName()) == ("x\ufffd", "x\ufffd")
    assert read_tag(segment, "MedAISeg.ModelName") == "x\ufffd"
    assert volume_to_node(volume, host.scene, half).GetName() == "x\ufffd"


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
