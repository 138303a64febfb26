"""Whether a segment was edited since its run: by time stamps within a session, by checksums after that."""

from __future__ import annotations

import pytest
from MedAISegLib.exporters import EXPORTERS
from MedAISegLib.slicer_io import edited as edited_module
from MedAISegLib.slicer_io.edited import (
    confirm_checksums,
    find_edited,
    is_surely_untouched,
    measure_checksums,
)
from MedAISegLib.slicer_io.labelmaps import labelmap_array, labelmap_grid
from MedAISegLib.slicer_io.run_record import provenance_of_node
from MedAISegLib.slicer_io.segment_content import content_of
from MedAISegLib.slicer_io.segmentation_node import run_to_end
from MedAISegLib.slicer_io.writers import save_mrb
from placing_scene import GEOMETRY, add_segment, by_name, drawn, edit, mask, place, source
from scene_nodes import FOUND, export_seg_nrrd, load_seg_nrrd, put_under_matrix, rigid_ras
from segmentations import PROVENANCE, organs, result_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

LIVER, KIDNEY = FOUND


@pytest.fixture(params=[False, True], ids=["apart", "overlapping"])
def node(host, request):
    return place(organs(GEOMETRY, overlap=request.param), host, source_node=source(host)).node


def found(node):
    return run_to_end(find_edited(node, node.GetSegmentation().GetSegmentIDs()))


@pytest.fixture
def another_session(monkeypatch):
    def forget():
        monkeypatch.setattr(edited_module, "_untouched", {})

    return forget


def test_right_after_the_run_nothing_is_edited_and_no_voxel_is_read(node):
    work = find_edited(node, node.GetSegmentation().GetSegmentIDs())
    with pytest.raises(StopIteration) as end:
        next(work)
    assert end.value.value == frozenset()


def test_a_painted_segment_is_edited_and_its_neighbour_is_not(node):
    liver = by_name(node)[LIVER]
    edit(node, liver, mask(node, liver) | drawn((0, 1), (0, 1), (0, 1)))
    assert found(node) == {liver}


def test_what_is_painted_and_taken_back_is_not_edited(node):
    liver = by_name(node)[LIVER]
    before = mask(node, liver)
    edit(node, liver, ~before)
    edit(node, liver, before)
    assert not is_surely_untouched(node, liver)
    assert found(node) == frozenset()
    assert is_surely_untouched(node, liver)


def test_renaming_recolouring_and_moving_the_whole_are_no_edits(host, node, another_session):
    segment = node.GetSegmentation().GetSegment(by_name(node)[LIVER])
    segment.SetName("Leber")
    segment.SetColor(0.1, 0.2, 0.3)
    put_under_matrix(node, host.scene, rigid_ras())
    another_session()
    assert found(node) == frozenset()


def test_collapsed_and_separated_labelmaps_are_no_edits(node, another_session):
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    node.GetSegmentation().SeparateSegmentLabelmap(by_name(node)[LIVER])
    another_session()
    assert found(node) == frozenset()


def test_a_labelmap_that_slicer_has_cropped_is_no_edit(node, another_session):
    for segment_id in node.GetSegmentation().GetSegmentIDs():
        node.GetSegmentation().SeparateSegmentLabelmap(segment_id)
        edit(node, segment_id, mask(node, segment_id))
        image = content_of(node.GetSegmentation().GetSegment(segment_id)).image
        assert labelmap_grid(image).shape_kji != GEOMETRY.shape_kji
    another_session()
    assert found(node) == frozenset()


@pytest.mark.parametrize("crop", [False, True], ids=["whole", "cropped"])
@pytest.mark.parametrize("is_edited", [False, True])
def test_after_slicers_own_save(host, node, tmp_path, crop, is_edited, another_session):
    import slicer

    if is_edited:
        edit(node, by_name(node)[LIVER], drawn((0, 3), (1, 5), (2, 9)))
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetScene(host.scene)
    storage.SetCropToMinimumExtent(crop)
    storage.SetFileName(str(tmp_path / "a.seg.nrrd"))
    assert storage.WriteData(node)
    another_session()
    loaded = load_seg_nrrd(tmp_path / "a.seg.nrrd", host)
    assert found(loaded) == ({by_name(loaded)[LIVER]} if is_edited else frozenset())


@pytest.mark.parametrize("is_edited", [False, True])
def test_after_an_export(host, node, tmp_path, is_edited, another_session):
    if is_edited:
        edit(node, by_name(node)[LIVER], drawn((0, 3), (1, 5), (2, 9)))
    path, _ = export_seg_nrrd(node, tmp_path)
    another_session()
    loaded = load_seg_nrrd(path, host)
    assert found(loaded) == ({by_name(loaded)[LIVER]} if is_edited else frozenset())


def test_after_a_file_of_the_command(host, tmp_path, another_session):
    segmentation = organs(GEOMETRY, overlap=True)
    (path,) = EXPORTERS["seg.nrrd"].write(segmentation, result_of(segmentation), tmp_path).files
    loaded = load_seg_nrrd(path, host)
    assert found(loaded) == frozenset()
    edit(loaded, by_name(loaded)[LIVER], drawn((0, 3), (1, 5), (2, 9)))
    another_session()
    assert found(loaded) == {by_name(loaded)[LIVER]}


def test_after_our_own_seg_nrrd_under_a_transform(host, node, tmp_path, another_session):
    put_under_matrix(node, host.scene, rigid_ras())
    path, _ = export_seg_nrrd(node, tmp_path)
    another_session()
    assert found(load_seg_nrrd(path, host)) == frozenset()


@pytest.mark.parametrize("is_edited", [False, True])
def test_after_a_scene_bundle(host, node, tmp_path, is_edited, another_session):
    if is_edited:
        edit(node, by_name(node)[KIDNEY], drawn((0, 3), (1, 5), (2, 9)))
    save_mrb(host.scene, tmp_path / "scene.mrb")
    another_session()
    host.scene.Clear(0)
    assert host.scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    loaded = host.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert found(loaded) == ({by_name(loaded)[KIDNEY]} if is_edited else frozenset())
    (run,) = provenance_of_node(loaded)
    assert run.provenance == PROVENANCE
    assert dict(run.segments) == {name: by_name(loaded)[name] for name in FOUND}
    assert run.not_found == ("spleen",)


def test_segments_of_other_origin_are_nobodys_edit(node, another_session):
    add_segment(node, "mine", drawn((0, 3), (1, 5), (2, 9)))
    another_session()
    assert found(node) == frozenset()


def test_checksums_of_the_worker_save_taking_them_again(node, another_session):
    liver = by_name(node)[LIVER]
    edit(node, liver, drawn((0, 3), (1, 5), (2, 9)))
    another_session()
    confirm_checksums(node, run_to_end(measure_checksums(node, node.GetSegmentation().GetSegmentIDs())))
    assert [is_surely_untouched(node, by_name(node)[name]) for name in FOUND] == [False, True]


def test_a_labelmap_filled_in_place_is_noticed_by_its_time_stamp(node):
    liver = by_name(node)[LIVER]
    image = content_of(node.GetSegmentation().GetSegment(liver)).image
    labels = labelmap_array(image)
    labels[labels == 3] = 0
    image.Modified()
    assert liver in found(node)


def test_without_its_scene_the_tags_tell_the_run(host, node, tmp_path):
    path, _ = export_seg_nrrd(node, tmp_path)
    loaded = load_seg_nrrd(path, host)
    (run,) = provenance_of_node(loaded)
    assert (run.provenance.model_id, run.provenance.model_sha256) == (PROVENANCE.model_id, PROVENANCE.model_sha256)
    assert dict(run.segments) == by_name(loaded)


def test_a_segment_that_is_gone_before_it_is_looked_at_keeps_no_other_from_it(node):
    liver, kidney = by_name(node)[LIVER], by_name(node)[KIDNEY]
    edit(node, kidney, mask(node, kidney) | drawn((0, 1), (0, 1), (0, 1)))
    work = find_edited(node, [liver, kidney])
    node.GetSegmentation().RemoveSegment(liver)
    assert run_to_end(work) == {kidney}
