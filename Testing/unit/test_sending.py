"""Voxels go to the worker as they were at one moment, and what became of their node since is known."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.exchange import open_array
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io import image_pieces
from MedAISegLib.slicer_io.dicom_origin import Origin
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.sending import change_since, send_volume
from MedAISegLib.slicer_io.snapshot import Change, SegmentationWatch
from MedAISegLib.slicer_io.verdicts import judge, output_notices
from MedAISegLib.slicer_io.volume_node import node_voxels, volume_from_node, volume_to_node
from scene_nodes import put_slices_at, put_under_matrix, rigid_ras, segments_of, to_node
from segmentations import oblique_geometry, organs

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer


@pytest.fixture
def host():
    host = new_scene_host()
    yield host
    host.scene.Clear(False)


@pytest.fixture
def node(host):
    return volume(host.scene)


def volume(scene, name="T1"):
    geometry = oblique_geometry()
    voxels = np.arange(np.prod(geometry.shape_kji), dtype=np.int16).reshape(geometry.shape_kji)
    return volume_to_node(Volume(voxels, geometry), scene, name)


def finish(pieces):
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


def send(folder, node, origin=None, name="a"):
    return send_volume(folder, name, node, origin or Origin("MR", "t1 mprage"), on_fraction=lambda _: None)


def sent(folder, node, name="a"):
    return finish(send(folder, node, name=name))


def modified(node):
    image = node.GetImageData()
    image.GetPointData().GetScalars().Modified()
    image.Modified()
    node.Modified()


def test_what_arrives_is_what_the_node_holds_and_what_its_origin_says(tmp_path, node):
    record = sent(tmp_path, node).record
    np.testing.assert_array_equal(open_array(tmp_path, record.voxels), node_voxels(node))
    assert record.geometry.matches(volume_from_node(node).geometry)
    assert (record.modality, record.description) == ("MR", "t1 mprage")


def test_a_node_without_an_origin_is_called_by_its_name(tmp_path, node):
    assert finish(send(tmp_path, node, Origin())).record.description == "T1"


def test_a_large_volume_goes_in_pieces(tmp_path, node, monkeypatch):
    monkeypatch.setattr(image_pieces, "_PIECE_BYTES", 1)
    fractions = []
    pieces = send_volume(tmp_path, "a", node, Origin(), on_fraction=fractions.append)
    steps = sum(1 for _ in pieces)
    slices = node_voxels(node).shape[0]
    assert steps >= slices
    assert fractions == [(n + 1) / slices for n in range(slices)]


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_node_that_changes_while_it_is_sent_is_not_taken_half_and_half(tmp_path, node, monkeypatch, when):
    monkeypatch.setattr(image_pieces, "_PIECE_BYTES", 1)
    pieces = send(tmp_path, node)
    for _ in range(when):
        next(pieces)
    node_voxels(node)[:] += 1
    modified(node)
    assert finish(pieces) is None


def test_a_node_that_is_gone_is_named(tmp_path, host, node):
    host.scene.RemoveNode(node)
    with pytest.raises(InputError, match="deleted"):
        sent(tmp_path, node)


def test_a_node_that_nobody_touched_is_unchanged(tmp_path, node):
    taken = sent(tmp_path, node)
    node.SetName("renamed")
    node.GetDisplayNode().SetWindowLevel(10, 20)
    assert finish(change_since(taken)) is Change.NONE


def test_an_edit_is_known_by_the_voxels_and_not_by_the_time_stamp_alone(tmp_path, node):
    taken = sent(tmp_path, node)
    modified(node)
    assert finish(change_since(taken)) is Change.NONE
    node_voxels(node)[3, 2, 1] += 1
    modified(node)
    assert finish(change_since(taken)) is Change.EDITED


def test_another_image_in_the_same_node_is_an_edit(tmp_path, host, node):
    taken = sent(tmp_path, node)
    node.SetAndObserveImageData(volume(host.scene).GetImageData())
    node_voxels(node)[0, 0, 0] += 1
    assert finish(change_since(taken)) is Change.EDITED


def test_a_deleted_node_is_known_and_so_is_a_closed_scene(tmp_path, host, node):
    other = volume(host.scene)
    taken, also = sent(tmp_path, node), sent(tmp_path, other, "b")
    host.scene.RemoveNode(node)
    assert finish(change_since(taken)) is Change.DELETED
    host.scene.Clear(False)
    assert finish(change_since(also)) is Change.DELETED


def test_a_move_is_known_whichever_way_it_is_made(tmp_path, host, node):
    taken = sent(tmp_path, node)
    transform = put_under_matrix(node, host.scene, np.eye(4))
    assert finish(change_since(taken)) is Change.NONE
    put_under_matrix(transform, host.scene, rigid_ras())
    assert finish(change_since(taken)) is Change.MOVED
    node.SetAndObserveTransformNodeID(None)
    assert finish(change_since(taken)) is Change.NONE
    node.SetOrigin(1, 2, 3)
    assert finish(change_since(taken)) is Change.MOVED


def bend(node, host):
    geometry = volume_from_node(node).geometry
    step = geometry.affine_lps[:3, 0]
    shifts = [step * (1.0 if n >= 3 else 0.0) for n in range(geometry.shape_kji[0])]
    return put_slices_at(node, host.scene, geometry, shifts)


def test_a_bent_image_is_sent_as_it_is_in_the_world_and_a_change_of_the_bend_is_a_move(tmp_path, host, node):
    bend(node, host)
    taken = sent(tmp_path, node)
    assert [notice.code for notice in taken.record.notices] == ["transform-resampled"]
    whole = volume_from_node(node)
    assert taken.record.geometry.matches(whole.geometry)
    np.testing.assert_array_equal(open_array(tmp_path, taken.record.voxels), whole.voxels)
    assert finish(change_since(taken)) is Change.NONE
    bend(node, host)
    assert finish(change_since(taken)) is Change.MOVED


def verdict(sent_channels, watch=None):
    return finish(judge(sent_channels, watch))


def codes(found):
    return [notice.code for notice in found.notices]


def test_a_result_goes_where_it_was_asked_for_when_nothing_has_happened(tmp_path, host, node):
    taken = sent(tmp_path, node)
    watch = SegmentationWatch(to_node(organs(oblique_geometry()), host))
    found = verdict({"T1": taken}, watch)
    assert found.as_asked
    assert found.source_node is node
    assert found.geometry.matches(taken.record.geometry)


def test_the_result_of_a_deleted_image_is_a_new_node_where_the_image_lay(tmp_path, host, node):
    taken = sent(tmp_path, node)
    host.scene.RemoveNode(node)
    found = verdict({"T1": taken})
    assert (found.as_asked, found.source_node, codes(found)) == (False, None, ["input-deleted"])
    assert found.geometry.matches(taken.record.geometry)


def test_the_result_of_an_edited_image_is_a_new_node(tmp_path, node):
    taken = sent(tmp_path, node)
    node_voxels(node)[:] = 0
    modified(node)
    found = verdict({"T1": taken})
    assert (found.as_asked, found.source_node, codes(found)) == (False, node, ["input-edited"])


def test_the_result_of_a_moved_image_moves_with_it_into_a_new_node(tmp_path, host, node):
    taken = sent(tmp_path, node)
    put_under_matrix(node, host.scene, rigid_ras())
    found = verdict({"T1": taken})
    assert (found.as_asked, found.source_node, codes(found)) == (False, node, ["input-moved"])
    assert found.geometry.matches(volume_from_node(node).geometry)
    assert not found.geometry.matches(taken.record.geometry)


def test_the_result_of_an_image_that_was_bent_meanwhile_stays_where_the_image_lay(tmp_path, host, node):
    taken = sent(tmp_path, node)
    bend(node, host)
    found = verdict({"T1": taken})
    assert (found.as_asked, found.source_node) == (False, None)
    assert "where the image lay" in str(found.notices[0])
    assert found.geometry.matches(taken.record.geometry)


def test_a_change_of_a_further_channel_is_told_by_its_name(tmp_path, host, node):
    other = volume(host.scene, "T2")
    channels = {"T1": sent(tmp_path, node), "T2": sent(tmp_path, other, "b")}
    host.scene.RemoveNode(other)
    found = verdict(channels)
    assert (found.as_asked, found.source_node) == (False, node)
    assert "T2" in str(found.notices[0])


@pytest.fixture
def output(host):
    return to_node(organs(oblique_geometry()), host)


def paint(output):
    labels = segments_of(output)[0].GetRepresentation("Binary labelmap")
    labels.GetPointData().GetScalars().SetTuple1(0, 1)
    labels.Modified()


def test_an_output_that_nobody_touched_is_unchanged(host, output):
    watch = SegmentationWatch(output)
    segments_of(output)[0].SetName("renamed")
    segments_of(output)[0].SetColor(1, 0, 0)
    output.CreateClosedSurfaceRepresentation()
    assert watch.is_unchanged
    assert output_notices(watch) == ()


def test_painting_removing_and_deleting_are_edits_and_adding_is_none(host, output):
    watch = SegmentationWatch(output)
    added = output.GetSegmentation().AddEmptySegment("", "mine")
    assert output_notices(watch) == ()
    assert watch.added() == {added}
    assert not watch.is_unchanged
    paint(output)
    assert [notice.code for notice in output_notices(watch)] == ["output-edited"]
    again = SegmentationWatch(output)
    output.GetSegmentation().RemoveSegment(output.GetSegmentation().GetNthSegmentID(0))
    assert [notice.code for notice in output_notices(again)] == ["output-edited"]
    host.scene.RemoveNode(output)
    assert [notice.code for notice in output_notices(again)] == ["output-deleted"]


def test_what_another_run_of_ours_has_written_is_no_edit(output):
    watch = SegmentationWatch(output)
    paint(output)
    watch.take_again()
    assert watch.is_unchanged
