"""Sequences of volumes: read and written by index, while the browser shows what it showed."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.volume import Volume
from MedAISegLib.slicer_io.geometry import matrix_from_array
from MedAISegLib.slicer_io.resampling import image_from_voxels
from MedAISegLib.slicer_io.scene import new_scene_host
from MedAISegLib.slicer_io.segmentation_node import run_to_end, segmentation_from_node
from MedAISegLib.slicer_io.sequences import ResultSequence, frame_count, frame_node, frames_of
from MedAISegLib.slicer_io.volume_node import node_voxels, volume_from_node, volume_to_node
from placing_scene import GEOMETRY, by_name, changed_organs, fingerprint, labels, mask
from scene_nodes import FOUND, put_under_matrix, rigid_ras
from segmentations import organs, result_of

pytest.importorskip("slicer_core", reason="slicer-core is not installed")
pytestmark = pytest.mark.slicer

SELECTED = 1


class Sequence:
    """Three frames whose voxels are their number, the second selected."""

    def __init__(self):
        import slicer

        self.host = new_scene_host()
        scene = self.host.scene
        self.logic = slicer.vtkSlicerSequencesLogic()
        self.logic.SetMRMLScene(scene)
        self.input = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "CT sequence")
        self.input.SetIndexName("time")
        self.input.SetIndexUnit("s")
        self.browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
        self.volume = volume_to_node(Volume(np.zeros(GEOMETRY.shape_kji, np.int16), GEOMETRY), scene, "CT")
        for n in range(3):
            self.volume.SetAndObserveImageData(image_from_voxels(np.full(GEOMETRY.shape_kji, n, np.int16)))
            self.input.SetDataNodeAtValue(self.volume, f"{n * 0.5}")
        self.browser.AddSynchronizedSequenceNode(self.input)
        self.browser.AddProxyNode(self.volume, self.input, False)
        self.browser.SetSelectedItemNumber(SELECTED)
        self.logic.UpdateAllProxyNodes()
        self.frames = frames_of(self.volume)

    def place(self, results, index, segmentation=None):
        with frame_node(self.frames, index) as node:
            segmentation = segmentation or organs(volume_from_node(node).geometry)
            return run_to_end(results.place(index, segmentation, result_of(segmentation), node))


@pytest.fixture
def sequence():
    return Sequence()


def test_a_volume_knows_its_frames(sequence):
    assert frame_count(sequence.volume) == 3
    single = volume_to_node(
        Volume(np.zeros((2, 3, 4), np.int16), GEOMETRY.window((0, 0, 0), (2, 3, 4))), sequence.host.scene, "single"
    )
    assert frame_count(single) == 0
    assert frames_of(single) is None


def test_every_frame_is_read_while_the_selected_one_is_shown(sequence):
    put_under_matrix(sequence.volume, sequence.host.scene, rigid_ras())
    world = volume_from_node(sequence.volume).geometry
    for n in range(3):
        with frame_node(sequence.frames, n) as node:
            assert (node_voxels(node) == n).all()
            assert volume_from_node(node).geometry.matches(world)
            assert node.GetHideFromEditors()
        assert node.GetScene() is None
        assert sequence.browser.GetSelectedItemNumber() == SELECTED
        assert (node_voxels(sequence.volume) == SELECTED).all()


def shift_ras(mm):
    ras = np.eye(4)
    ras[0, 3] = mm
    return ras


@pytest.fixture
def moving(sequence):
    """The frames under a transform that moves with them (10 mm a frame to the right), under one that does not."""
    scene = sequence.host.scene
    fixed = put_under_matrix(sequence.volume, scene, rigid_ras())
    transform = put_under_matrix(sequence.volume, scene, np.eye(4))
    transform.SetAndObserveTransformNodeID(fixed.GetID())
    path = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "motion")
    for n in range(3):
        transform.SetMatrixTransformToParent(matrix_from_array(shift_ras(10.0 * n)))
        path.SetDataNodeAtValue(transform, f"{n * 0.5}")
    sequence.browser.AddSynchronizedSequenceNode(path)
    sequence.browser.AddProxyNode(transform, path, False)
    sequence.logic.UpdateAllProxyNodes()
    return transform


def shown_at(sequence, index):
    sequence.browser.SetSelectedItemNumber(index)
    sequence.logic.UpdateAllProxyNodes()


def test_under_a_transform_that_moves_with_the_frames_each_lies_where_the_browser_shows_it(sequence, moving):
    nodes = sequence.host.scene.GetNumberOfNodes()
    found = []
    for n in range(3):
        with frame_node(sequence.frames, n) as node:
            found.append(volume_from_node(node).geometry)
        assert sequence.host.scene.GetNumberOfNodes() == nodes
    assert moving.GetID() == sequence.volume.GetTransformNodeID()
    for n in range(3):
        shown_at(sequence, n)
        assert found[n].matches(volume_from_node(sequence.volume).geometry)
    assert not found[0].matches(found[1])


def test_results_move_with_the_frames(sequence, moving):
    results = ResultSequence(sequence.frames, "organs of CT")
    for n in range(3):
        placed = sequence.place(results, n)
    assert placed.node.GetParentTransformNode() is moving
    for n in range(3):
        shown_at(sequence, n)
        world = volume_from_node(sequence.volume).geometry
        lies = segmentation_from_node(placed.node).geometry
        assert lies.matches(world)


def test_the_user_may_step_the_browser_while_a_frame_is_run(sequence, moving):
    with frame_node(sequence.frames, 0) as node:
        before = volume_from_node(node).geometry
        shown_at(sequence, 2)
        assert volume_from_node(node).geometry.matches(before)


def test_a_frame_that_is_not_there_is_an_error(sequence):
    with pytest.raises(InputError, match="no volume"), frame_node(sequence.frames, 3):
        pass


def test_results_lie_at_the_frames_own_index_values(sequence):
    results = ResultSequence(sequence.frames, "organs of CT")
    first, second = organs(GEOMETRY), changed_organs()
    placed = sequence.place(results, 0, first)
    sequence.place(results, 1, second)
    sequence.place(results, 2, first)
    output = sequence.browser.GetSequenceNode(placed.node)
    assert [output.GetNthIndexValue(n) for n in range(3)] == [sequence.input.GetNthIndexValue(n) for n in range(3)]
    assert (output.GetIndexName(), output.GetIndexUnit()) == ("time", "s")
    for n, expected in enumerate((first, second, first)):
        data = output.GetNthDataNode(n)
        assert by_name(data) == dict(placed.segment_ids)
        for name in FOUND:
            np.testing.assert_array_equal(mask(data, by_name(data)[name]), labels(expected, name))


def test_the_selected_frame_does_not_move_and_shows_its_own_result(sequence):
    results = ResultSequence(sequence.frames, "organs of CT")
    placed = sequence.place(results, 0)
    assert by_name(placed.node) == {}
    sequence.place(results, 1, changed_organs())
    assert sequence.browser.GetSelectedItemNumber() == SELECTED
    assert (node_voxels(sequence.volume) == SELECTED).all()
    np.testing.assert_array_equal(mask(placed.node, by_name(placed.node)[FOUND[0]]), labels(changed_organs(), FOUND[0]))
    sequence.browser.SetSelectedItemNumber(0)
    sequence.logic.UpdateAllProxyNodes()
    np.testing.assert_array_equal(mask(placed.node, by_name(placed.node)[FOUND[0]]), labels(organs(GEOMETRY), FOUND[0]))


def test_a_frame_without_a_result_shows_no_other_frames_segments(sequence):
    results = ResultSequence(sequence.frames, "organs of CT")
    placed = sequence.place(results, SELECTED)
    sequence.browser.SetSelectedItemNumber(2)
    sequence.logic.UpdateAllProxyNodes()
    assert by_name(placed.node) == {}
    assert sequence.browser.GetSequenceNode(placed.node).GetNumberOfDataNodes() == 1


def test_beside_a_sequence_with_other_index_values_the_frame_that_is_shown_is_told_by_its_value(sequence):
    import slicer

    scene = sequence.host.scene
    times = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "pulse")
    for value in ("0.25", "0.5", "0.75", "1.0"):
        times.SetDataNodeAtValue(slicer.vtkMRMLTextNode(), value)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "of both")
    browser.AddSynchronizedSequenceNode(times)
    browser.AddSynchronizedSequenceNode(sequence.input)
    browser.AddProxyNode(sequence.volume, sequence.input, False)
    browser.SetSelectedItemNumber(3)
    sequence.browser.RemoveSynchronizedSequenceNode(sequence.input.GetID())
    sequence.frames = frames_of(sequence.volume)
    results = ResultSequence(sequence.frames, "organs of CT")
    for n in range(3):
        placed = sequence.place(results, n, changed_organs() if n == 2 else organs(GEOMETRY))
    np.testing.assert_array_equal(mask(placed.node, by_name(placed.node)[FOUND[0]]), labels(changed_organs(), FOUND[0]))


def test_an_edit_of_a_frame_stays_with_it_when_one_browses(sequence):
    from placing_scene import drawn, edit

    results = ResultSequence(sequence.frames, "organs of CT")
    placed = sequence.place(results, SELECTED)
    sequence.place(results, 2)
    liver = placed.segment_ids[FOUND[0]]
    where = drawn((1, 3), (2, 5), (3, 9))
    edit(placed.node, liver, where)
    for index in (2, SELECTED):
        sequence.browser.SetSelectedItemNumber(index)
        sequence.logic.UpdateAllProxyNodes()
    np.testing.assert_array_equal(mask(placed.node, liver), where)
    output = sequence.browser.GetSequenceNode(placed.node)
    np.testing.assert_array_equal(mask(output.GetNthDataNode(0), liver), where)
    np.testing.assert_array_equal(mask(output.GetNthDataNode(1), liver), labels(organs(GEOMETRY), FOUND[0]))


def test_cancelled_within_a_frame_the_finished_ones_stay(sequence):
    results = ResultSequence(sequence.frames, "organs of CT")
    placed = sequence.place(results, 0)
    with frame_node(sequence.frames, 1) as node:
        before = fingerprint(sequence.host)
        segmentation = organs(GEOMETRY)
        work = results.place(1, segmentation, result_of(segmentation), node)
        for _ in range(4):
            next(work)
        work.close()
        assert fingerprint(sequence.host) == before
    assert sequence.browser.GetSequenceNode(placed.node).GetNumberOfDataNodes() == 1


def test_cancelled_before_the_first_result_nothing_is_left(sequence):
    before = fingerprint(sequence.host)
    results = ResultSequence(sequence.frames, "organs of CT")
    with frame_node(sequence.frames, 0) as node:
        work = results.place(0, organs(GEOMETRY), result_of(organs(GEOMETRY)), node)
        next(work)
        work.close()
    assert fingerprint(sequence.host) == before


def test_the_results_lie_under_the_transform_of_their_volume(sequence):
    transform = put_under_matrix(sequence.volume, sequence.host.scene, rigid_ras())
    results = ResultSequence(sequence.frames, "organs of CT")
    placed = sequence.place(results, SELECTED)
    assert placed.node.GetParentTransformNode() is transform
    assert placed.node.GetNodeReference(placed.node.GetReferenceImageGeometryReferenceRole()) is sequence.volume
    np.testing.assert_array_equal(mask(placed.node, by_name(placed.node)[FOUND[0]]), labels(organs(GEOMETRY), FOUND[0]))


def test_reverting_takes_all_results_away(sequence):
    before = fingerprint(sequence.host)
    results = ResultSequence(sequence.frames, "organs of CT")
    for n in range(3):
        placed = sequence.place(results, n)
    assert placed.revert.is_valid
    placed.revert.restore()
    assert not placed.revert.is_valid
    assert fingerprint(sequence.host) == before
    assert sequence.browser.GetNumberOfSynchronizedSequenceNodes(True) == 1


def test_a_deleted_browser_is_an_error_that_says_so(sequence):
    results = ResultSequence(sequence.frames, "organs of CT")
    with frame_node(sequence.frames, 0) as node:
        work = results.place(0, organs(GEOMETRY), result_of(organs(GEOMETRY)), node)
        next(work)
        sequence.host.scene.RemoveNode(sequence.browser)
        with pytest.raises(InputError, match="deleted"):
            run_to_end(work)
