"""The logic of the Python console: in a user's words, blocking or not, errors included."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled, InputError, ModelError, UsageError
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.models.card import ModelCard, ModelState
from MedAISegLib.models.spec import Channel
from MedAISegLib.slicer_io.logic import SegmentationLogic
from MedAISegLib.slicer_io.runs import RunState
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
from MedAISegLib.slicer_io.volume_node import volume_from_node

from Testing.host.runs_in_scene import (
    bright_volume,
    census,
    console_logic,
    finish,
    segment_names,
    segmentations,
)

ONE = ModelCard("threshold", "Bright things", ModelState.READY, channels=(Channel("image"),))
TWO = ModelCard("slow", "Two", ModelState.READY, channels=(Channel("T1", "MR"), Channel("T2", "MR")))
BAD = ModelCard("refuses", "Bad", ModelState.READY, channels=(Channel("image"),))


@pytest.fixture
def logic(slicer_app, monkeypatch):
    with console_logic(monkeypatch, ONE, TWO, BAD) as made:
        yield made


@pytest.fixture
def scene(slicer_app):
    return slicer_app.scene


@pytest.fixture
def volume(scene):
    return bright_volume(scene)


def test_segmenting_gives_the_node_and_the_record(logic, scene, volume):
    node, result = logic.segment(volume, "threshold", name="Mine")
    assert segmentations(scene) == [node]
    assert node.GetName() == "Mine"
    assert [segment.name for segment in result.segments] == ["Bright", "Brightest", "Nothing"]


def test_any_two_logics_share_one_session(logic):
    assert SegmentationLogic().session is logic.session


def test_segmenting_into_a_node_renews_its_segments(logic, scene, volume):
    node, _ = logic.segment(volume, "threshold")
    again, _ = logic.segment(volume, "threshold", output=node)
    assert again is node
    assert segment_names(node) == ["Bright", "Brightest"]
    assert segmentations(scene) == [node]


def test_volumes_are_matched_to_channels_with_reasons(logic, scene):
    t2, t1 = bright_volume(scene, "T2 tse"), bright_volume(scene, "T1 mprage")
    found = logic.match("slow", [t2, t1])
    assert {channel: node for channel, (node, _) in found.items()} == {"T1": t1, "T2": t2}
    assert "mprage" in found["T1"][1]


def test_volumes_by_channel_name_are_taken_as_they_are(logic, scene):
    t2, t1 = bright_volume(scene, "T2 tse"), bright_volume(scene, "T1 mprage")
    found = logic.match("slow", {"T1": t2, "T2": t1})
    assert found["T1"] == (t2, "chosen")


def test_a_missing_or_ambiguous_volume_is_an_error_that_lists_them(logic, scene, volume):
    with pytest.raises(InputError, match="needs an image for its channel"):
        logic.match("slow", volume)
    with pytest.raises(InputError, match="equally well"):
        logic.match("threshold", [volume, bright_volume(scene, "other")])


@pytest.mark.parametrize(
    ("volumes", "model", "kind", "words"),
    [
        ("text", "threshold", InputError, "no volume node"),
        ([], "threshold", InputError, "no volume"),
        (None, "threshold", InputError, "no volume"),
        ({"flair": None}, "slow", UsageError, "no channel 'flair'"),
        ({"T1": 3}, "slow", InputError, "a int is no volume node"),
    ],
)
def test_what_makes_no_sense_is_said_in_words(logic, volumes, model, kind, words):
    with pytest.raises(kind, match=words):
        logic.segment(volumes, model)


def test_an_unknown_model_is_named_with_those_that_there_are(logic, volume):
    with pytest.raises(ModelError, match="threshold, slow"):
        logic.segment(volume, "nothing")


def test_a_segmentation_is_no_input_and_a_volume_no_output(logic, volume):
    node, _ = logic.segment(volume, "threshold")
    with pytest.raises(InputError, match="no volume node"):
        logic.segment(node, "threshold")
    with pytest.raises(InputError, match="output"):
        logic.segment(volume, "threshold", output=volume)


def test_a_failure_is_raised_and_the_scene_is_as_before(logic, scene, volume):
    before = census(scene)
    with pytest.raises(InputError, match="shows nothing"):
        logic.segment(volume, "refuses")
    assert census(scene) == before


def test_a_region_is_a_roi_node_or_a_box(logic, scene, volume):
    geometry = volume_from_node(volume).geometry
    bounds = geometry.window((0, 0, 0), (12, 30, 36)).corners_lps()
    low, high = bounds.min(axis=0), bounds.max(axis=0)
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetSize(*(high - low))
    roi.SetCenter(*((low + high) / 2 * [-1, -1, 1]))
    by_node, _ = logic.segment(volume, "threshold", region=roi)
    by_box, _ = logic.segment(volume, "threshold", region=OrientedBox.from_bounds(tuple(low), tuple(high)))
    whole, _ = logic.segment(volume, "threshold")
    counts = [np.count_nonzero(segmentation_from_node(node).layers) for node in (by_node, by_box, whole)]
    assert counts[0] == counts[1] > 0
    assert counts[1] < counts[2]


def test_a_handle_tells_progress_and_end(logic, scene):
    t2, t1 = bright_volume(scene, "T2 tse"), bright_volume(scene, "T1 mprage")
    fractions, ends = [], []
    run = logic.submit(
        [t1, t2], "slow",
        on_progress=lambda r: fractions.append(r.progress.fraction) if r.progress else None,
        on_finished=lambda r: ends.append(r.state),
    )  # fmt: skip
    assert run.state is RunState.QUEUED
    finish(run)
    assert ends == [RunState.DONE]
    assert fractions[-1] == 1.0
    assert len(set(fractions)) > 10


def test_a_handle_cancels(logic, scene, volume):
    before = census(scene)
    ends = []
    run = logic.submit(volume, "threshold", on_finished=lambda r: ends.append(r.error))
    run.cancel()
    finish(run)
    assert isinstance(ends[0], Cancelled)
    assert census(scene) == before


def test_a_keyboard_interrupt_while_it_blocks_cancels_the_run(logic, scene, monkeypatch):
    t2, t1 = bright_volume(scene, "T2 tse"), bright_volume(scene, "T1 mprage")

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(logic.session.pump._loop, "process_events", interrupt)
    with pytest.raises(KeyboardInterrupt):
        logic.segment([t1, t2], "slow")
    (run,) = logic.session.runs
    finish(run)
    assert run.state is RunState.CANCELLED
    assert segmentations(scene) == []


def volume_sequence(scene, count=3):
    """A volume node that shows the second of some frames, each with its bright part elsewhere."""
    import slicer

    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "Sequence")
    for n in range(count):
        frame = bright_volume(scene, f"frame {n}")
        voxels = slicer.util.arrayFromVolume(frame)
        voxels[:] = np.roll(voxels, n, axis=0)
        sequence.SetDataNodeAtValue(frame, str(n))
        display = frame.GetDisplayNode()
        scene.RemoveNode(frame)
        scene.RemoveNode(display)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
    browser.AddSynchronizedSequenceNode(sequence)
    browser.SetSelectedItemNumber(1)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return browser.GetProxyNode(sequence), browser, sequence


def test_all_frames_of_a_sequence_are_run_by_index_and_the_browser_stays(logic, scene):
    volume, browser, sequence = volume_sequence(scene)
    node, _ = logic.segment(volume, "threshold", all_frames=True)
    assert browser.GetSelectedItemNumber() == 1
    results = browser.GetSequenceNode(node)
    assert results.GetNumberOfDataNodes() == sequence.GetNumberOfDataNodes()
    (run,) = logic.session.runs
    assert run.progress.fraction == 1.0
    assert [kind for kind, _ in census(scene)].count("vtkMRMLScalarVolumeNode") == 1


def test_one_label_may_be_named_without_a_list(logic, volume):
    assert logic.submit(volume, "threshold", labels="Bright").request.labels == ("Bright",)


def test_one_frame_is_a_volume_like_any_other(logic, scene):
    volume, browser, _ = volume_sequence(scene)
    node, _ = logic.segment(volume, "threshold")
    assert browser.GetSequenceNode(node) is None
    assert segment_names(node) == ["Bright", "Brightest"]


def test_cancelling_between_frames_keeps_those_that_are_finished(logic, scene):
    volume, browser, _ = volume_sequence(scene)
    run = logic.submit(volume, "threshold", all_frames=True)
    run.add_listener(lambda r: r.cancel() if r.state is RunState.SENDING and r.placed is not None else None)
    finish(run)
    assert run.state is RunState.CANCELLED
    assert browser.GetSequenceNode(run.node).GetNumberOfDataNodes() == 1


def test_all_frames_of_what_is_no_sequence_is_refused(logic, volume):
    with pytest.raises(InputError, match="no sequence"):
        logic.segment(volume, "threshold", all_frames=True)


def test_all_frames_into_a_segmentation_that_is_there_is_refused(logic, scene):
    volume, _, _ = volume_sequence(scene)
    node, _ = logic.segment(volume, "threshold")
    with pytest.raises(UsageError, match="sequence of their own"):
        logic.segment(volume, "threshold", output=node, all_frames=True)
