"""While a run goes on: whatever happens to the scene, no edit is lost and no result lands on something else."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.slicer_io import image_pieces, pump
from MedAISegLib.slicer_io.geometry import matrix_from_array
from MedAISegLib.slicer_io.merge_roles import PlaceMode
from MedAISegLib.slicer_io.runs import RunState
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
from MedAISegLib.slicer_io.volume_node import node_voxels, volume_from_node

from Testing.host.driver import spin, wait_until
from Testing.host.runs_in_scene import (
    bright_volume,
    finish,
    request,
    segment_names,
    segmentations,
)

LABELMAP = "Binary labelmap"


def submit(session, *nodes, **options):
    return session.submit(request(*nodes, **options))


def meanwhile(session, act, *nodes, at=RunState.RUNNING, **options):
    """A run during which something is done once it is in a state."""
    run, done = submit(session, *nodes, **options), []

    def once(r):
        if r.state is at and not done:
            done.append(1)
            act()

    run.add_listener(once)
    return finish(run)


def codes(run):
    return [notice.code for notice in run.notices]


def put_under(node, scene, name="moved"):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    matrix = np.eye(4)
    matrix[:3, 3] = 10, 20, 30
    transform.SetMatrixTransformToParent(matrix_from_array(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())


def paint(node, name="Bright"):
    """One more voxel of a segment, the way the Segment Editor changes a labelmap in place."""
    content = node.GetSegmentation()
    segment = content.GetSegment(content.GetSegmentIdBySegmentName(name))
    labels = segment.GetRepresentation(LABELMAP)
    labels.GetPointData().GetScalars().SetTuple1(0, segment.GetLabelValue())
    labels.GetPointData().GetScalars().Modified()
    labels.Modified()
    return labels.GetPointData().GetScalars()


@pytest.fixture
def one_piece_a_tick(monkeypatch):
    """Small volumes go through in a moment otherwise."""
    monkeypatch.setattr(pump, "_WORKING_S", 0.0)
    monkeypatch.setattr(image_pieces, "_PIECE_BYTES", 1)


@pytest.fixture
def output(session, volume):
    """What a first run has made."""
    return finish(submit(session, volume)).node


def test_closing_the_scene_ends_the_runs_and_drops_their_results(session, scene, volume):
    running, waiting = submit(session, volume, model="slow"), submit(session, volume)
    wait_until(lambda: running.progress and running.progress.fraction > 0.1, timeout=60)
    scene.Clear(False)
    for run in (running, waiting):
        finish(run)
        assert run.state is RunState.CANCELLED
        assert codes(run) == ["scene-closed"]
    spin(0.3)
    assert segmentations(scene) == []
    assert finish(submit(session, bright_volume(scene, "next"))).state is RunState.DONE


@pytest.mark.parametrize("at", [RunState.SENDING, RunState.PLACING])
def test_closing_the_scene_between_two_pieces_leaves_nothing(session, scene, volume, one_piece_a_tick, at):
    run = submit(session, volume)
    wait_until(lambda: run.state is at or run.is_finished, timeout=60, interval=0.001)
    spin(0.02)
    assert run.state is at
    scene.Clear(False)
    finish(run)
    spin(0.2)
    assert segmentations(scene) == []
    assert run.state is RunState.CANCELLED


def test_closing_the_scene_from_a_runs_own_callback_drops_its_result(session, scene, volume):
    run = meanwhile(session, lambda: scene.Clear(False), volume, at=RunState.PLACING)
    assert run.state is RunState.CANCELLED
    assert segmentations(scene) == []


def test_another_scene_that_takes_the_place_gets_no_result_although_its_nodes_have_the_same_ids(
    session, scene, volume, tmp_path
):
    import slicer

    path = str(tmp_path / "other.mrb")
    assert slicer.util.saveScene(path)
    run = submit(session, volume, model="slow")
    wait_until(lambda: run.progress and run.progress.fraction > 0.1, timeout=60)
    node_id = volume.GetID()
    scene.Clear(False)
    slicer.util.loadScene(path)
    assert scene.GetNodeByID(node_id) is not None
    finish(run)
    assert run.state is RunState.CANCELLED
    assert segmentations(scene) == []


def test_a_scene_that_is_added_does_not_disturb_the_run(session, scene, volume, tmp_path):
    import slicer

    path = str(tmp_path / "other.mrb")
    assert slicer.util.saveScene(path)
    run = meanwhile(session, lambda: slicer.util.loadScene(path), volume)
    assert run.state is RunState.DONE
    assert codes(run) == []


def test_the_result_of_a_deleted_image_is_offered_where_the_image_lay(session, scene, volume):
    geometry = volume_from_node(volume).geometry
    run = meanwhile(session, lambda: scene.RemoveNode(volume), volume)
    assert run.state is RunState.DONE
    assert codes(run) == ["input-deleted"]
    assert segmentation_from_node(run.node).geometry.matches(geometry)


def test_an_image_that_is_deleted_before_it_was_read_fails_the_run_in_words(session, scene, volume):
    first, second = submit(session, bright_volume(scene, "other"), model="slow"), submit(session, volume)
    scene.RemoveNode(volume)
    first.cancel()
    finish(second)
    assert second.state is RunState.FAILED
    assert "deleted" in str(second.error)


def test_the_result_of_an_edited_image_goes_into_a_new_node(session, scene, volume, output):
    def edit():
        node_voxels(volume)[:] = 0
        volume.GetImageData().GetPointData().GetScalars().Modified()
        volume.GetImageData().Modified()

    run = meanwhile(session, edit, volume, output=output)
    assert codes(run) == ["input-edited"]
    assert run.node is not output
    assert segment_names(run.node) == ["Bright", "Brightest"]


def test_the_result_of_a_moved_image_moves_with_it_into_a_new_node(session, scene, volume, output):
    run = meanwhile(session, lambda: put_under(volume, scene), volume, output=output)
    assert codes(run) == ["input-moved"]
    assert run.node is not output
    assert run.node.GetParentTransformNode() is volume.GetParentTransformNode()
    found, image = segmentation_from_node(run.node), volume_from_node(volume)
    assert found.geometry.matches(image.geometry)
    np.testing.assert_array_equal(found.layers[0] > 0, image.voxels > 50)


def test_moving_the_image_there_and_back_is_nothing(session, scene, volume, output):
    def there_and_back():
        put_under(volume, scene)
        volume.SetAndObserveTransformNodeID(None)

    run = meanwhile(session, there_and_back, volume, output=output)
    assert codes(run) == []
    assert run.node is output


def test_the_result_for_a_deleted_output_is_offered_as_a_new_node(session, scene, volume, output):
    run = meanwhile(session, lambda: scene.RemoveNode(output), volume, output=output)
    assert codes(run) == ["output-deleted"]
    assert segmentations(scene) == [run.node]


@pytest.mark.parametrize("at", [RunState.SENDING, RunState.RUNNING, RunState.PLACING])
@pytest.mark.parametrize("mode", PlaceMode)
def test_an_edit_of_the_output_stays_and_the_result_goes_into_a_new_node(session, volume, output, at, mode):
    """Also where the user has said that edited segments may be overwritten: that was said of earlier edits."""
    painted = []
    run = meanwhile(
        session, lambda: painted.append(paint(output)), volume,
        output=output, at=at, mode=mode, overwrite_edited=True,
    )  # fmt: skip
    assert codes(run) == ["output-edited"]
    assert run.node is not output
    assert painted[0].GetTuple1(0) == 1
    assert segment_names(output) == ["Bright", "Brightest"]


def test_an_edit_between_two_pieces_of_placing_stays(session, volume, output, one_piece_a_tick):
    run = submit(session, volume, output=output, overwrite_edited=True)
    wait_until(lambda: run.state is RunState.PLACING, timeout=60, interval=0.001)
    spin(0.02)
    assert run.state is RunState.PLACING
    painted = paint(output)
    finish(run)
    assert run.node is not output
    assert painted.GetTuple1(0) == 1
    assert codes(run) == ["output-edited"]


def test_a_segment_that_the_user_adds_meanwhile_stays_and_is_no_reason_for_a_new_node(session, volume, output):
    def add():
        output.GetSegmentation().AddEmptySegment("", "mine")

    run = meanwhile(session, add, volume, output=output, mode=PlaceMode.REPLACE)
    assert codes(run) == []
    assert run.node is output
    assert sorted(segment_names(output)) == ["Bright", "Brightest", "mine"]


def test_two_runs_into_one_output_are_no_edits_of_each_other(session, scene, volume, output):
    runs = [submit(session, volume, output=output) for _ in range(2)]
    for run in runs:
        finish(run)
        assert codes(run) == []
        assert run.node is output
    assert segmentations(scene) == [output]


def test_an_edit_while_a_run_waits_behind_another_into_the_same_output_stays(session, scene, volume, output):
    first = submit(session, bright_volume(scene, "other"), model="slow")
    second = submit(session, volume, output=output, overwrite_edited=True)
    wait_until(lambda: first.progress and first.progress.fraction > 0.1, timeout=60)
    painted = paint(output)
    first.cancel()
    finish(second)
    assert codes(second) == ["output-edited"]
    assert painted.GetTuple1(0) == 1
    assert second.node is not output
