"""Runs in the application: from the scene to the worker and back, cancelled and failing at any point."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled, InputError, MedAISegError, ResourceError
from MedAISegLib.core.region import OrientedBox
from MedAISegLib.slicer_io.runs import RunState
from MedAISegLib.slicer_io.segmentation_node import segmentation_from_node
from MedAISegLib.slicer_io.volume_node import node_voxels, volume_from_node

from Testing.host.driver import gil, spin, wait_until
from Testing.host.runs_in_scene import (
    bright_volume,
    census,
    finish,
    gone_soon,
    request,
    segment_names,
    segmentations,
)
from Testing.stopwatch import Stopwatch

FAILING = {"killed": "", "dies": "", "rubbish": "", "refuses": "it shows nothing", "full": "disk is full"}


def submit(session, *nodes, **options):
    return session.submit(request(*nodes, **options))


def states_of(run):
    seen = [run.state]
    run.add_listener(lambda r: seen.append(r.state) if r.state is not seen[-1] else None)
    return seen


def test_a_run_goes_from_a_volume_to_segments_on_its_grid(session, scene, volume):
    run = submit(session, volume)
    seen = states_of(run)
    finish(run)
    assert run.error is None
    assert seen == [
        RunState.QUEUED, RunState.LOADING, RunState.SENDING, RunState.RUNNING, RunState.PLACING, RunState.DONE,
    ]  # fmt: skip
    assert segment_names(run.node) == ["Bright", "Brightest"]
    assert run.placed.not_found == ("Nothing",)
    found = segmentation_from_node(run.node)
    expected = volume_from_node(volume)
    assert found.geometry.matches(expected.geometry)
    np.testing.assert_array_equal(found.mask(found.segments[1]), expected.voxels > 75)
    assert run.node.GetName() == "T1 - Bright things"
    assert segmentations(scene) == [run.node]


def test_progress_never_falls_and_ends_at_one(session, volume):
    run = submit(session, volume, model="slow")
    fractions = []
    run.add_listener(lambda r: fractions.append(r.progress.fraction) if r.progress else None)
    finish(run)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(set(fractions)) > 20


def test_a_region_limits_the_run(session, volume):
    bounds = volume_from_node(volume).geometry.window((0, 0, 0), (12, 30, 36)).corners_lps()
    box = OrientedBox.from_bounds(tuple(bounds.min(axis=0)), tuple(bounds.max(axis=0)))
    run = finish(submit(session, volume, region=box))
    found = segmentation_from_node(run.node)
    assert found.mask(found.segments[0]).any()
    assert not (found.layers[0][~box.mask(found.geometry)]).any()


def test_the_worker_is_told_what_the_panel_says(session, volume):
    session.settings.device = "cuda:7"
    run = finish(submit(session, volume))
    assert run.result.provenance.device == "cuda:7"
    run = finish(submit(session, volume, device="cpu"))
    assert run.result.provenance.device == "cpu"


def test_nothing_of_a_run_stays_in_the_exchange_folders(session, volume, slicer_app):
    finish(submit(session, volume))
    leftovers = [path for path in _exchange_folders(slicer_app) for path in path.rglob("*") if path.is_dir()]
    assert leftovers == []


def _exchange_folders(slicer_app):
    from pathlib import Path

    return list(Path(slicer_app.slicer.app.temporaryPath).glob("MedAISeg-*"))


@pytest.mark.parametrize("state", ["LOADING", "SENDING", "RUNNING", "PLACING"])
def test_cancelling_takes_under_a_second_and_leaves_the_scene_as_it_was(session, scene, volume, state):
    before = census(scene)
    run = submit(session, volume, model="slow" if state == "RUNNING" else "threshold")
    wanted, pressed = RunState[state], []

    def press(r):
        if r.state is wanted and not pressed and (state != "RUNNING" or r.progress.fraction > 0.1):
            pressed.append(Stopwatch(session.client.pid))
            r.cancel()

    run.add_listener(press)
    finish(run)
    assert pressed[0].seconds() < 1.0
    assert run.state is RunState.CANCELLED
    assert isinstance(run.error, Cancelled)
    assert census(scene) == before
    assert finish(submit(session, volume)).state is RunState.DONE


def test_a_run_that_waits_is_cancelled_at_once(session, volume):
    first = submit(session, volume, model="slow")
    second = submit(session, volume)
    second.cancel()
    finish(second)
    assert second.state is RunState.CANCELLED
    assert not first.is_finished
    first.cancel()
    finish(first)


def test_a_worker_that_does_not_stop_is_stopped(session, volume):
    run = submit(session, volume, model="deaf")
    wait_until(lambda: run.progress is not None and run.progress.fraction > 0.1, timeout=60)
    pid, pressed = session.client.pid, Stopwatch()
    run.cancel()
    finish(run)
    assert pressed.seconds() < 1.5
    assert run.state is RunState.CANCELLED
    assert gone_soon(pid)
    assert finish(submit(session, volume)).state is RunState.DONE


@pytest.mark.parametrize("model", FAILING)
def test_a_failure_says_what_to_do_leaves_the_scene_as_it_was_and_the_next_run_works(session, scene, volume, model):
    before = census(scene)
    run = finish(submit(session, volume, model=model))
    assert run.state is RunState.FAILED
    assert FAILING[model] in str(run.error)
    assert run.error.remedy
    assert census(scene) == before
    assert finish(submit(session, volume)).state is RunState.DONE


def test_a_full_disk_while_sending_is_told_and_nothing_stays(session, scene, volume, monkeypatch, slicer_app):
    def full(*_):
        raise ResourceError("the disk is full.", remedy="Free some space.")

    before = census(scene)
    with monkeypatch.context() as patch:
        patch.setattr("MedAISegLib.slicer_io.sending.create_array_in_pieces", full)
        run = finish(submit(session, volume))
    assert isinstance(run.error, ResourceError)
    assert census(scene) == before
    assert finish(submit(session, volume)).state is RunState.DONE


def test_a_worker_that_cannot_be_started_is_told(session, volume, monkeypatch):
    session.settings.python = "/no/such/python"
    run = finish(submit(session, volume))
    assert run.state is RunState.FAILED
    assert "/no/such/python" in str(run.error)
    session.settings.python = ""
    assert finish(submit(session, volume)).state is RunState.DONE


def test_an_image_that_keeps_changing_is_not_taken(session, volume):
    run = submit(session, volume)

    def disturb(r):
        if r.state is RunState.SENDING:
            volume.GetImageData().Modified()

    run.add_listener(disturb)
    finish(run)
    assert isinstance(run.error, InputError)
    assert "keeps changing" in str(run.error)


def test_an_image_that_changes_once_while_it_is_sent_is_sent_anew(session, volume):
    run, changed = submit(session, volume), []

    def disturb(r):
        if r.state is RunState.SENDING and r.progress and not changed:
            changed.append(1)
            node_voxels(volume)[:] = 0
            node_voxels(volume)[5:9, 5:9, 5:9] = 50
            volume.GetImageData().GetPointData().GetScalars().Modified()
            volume.GetImageData().Modified()

    run.add_listener(disturb)
    finish(run)
    assert run.state is RunState.DONE
    assert run.notices == ()
    found = segmentation_from_node(run.node)
    np.testing.assert_array_equal(found.layers[0] > 0, node_voxels(volume) > 0)


def test_what_cannot_be_run_is_refused_at_once(session, scene, volume):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(InputError, match="empty"):
        submit(session, empty)
    gone = request(volume)
    scene.RemoveNode(volume)
    with pytest.raises(InputError, match="not in the scene"):
        session.submit(gone)
    assert session.runs == ()


def test_runs_go_one_after_the_other(session, scene):
    nodes = [bright_volume(scene, name) for name in ("a", "b", "c")]
    order = []
    runs = [submit(session, node) for node in nodes]
    for run in runs:
        run.add_listener(lambda r: order.append((runs.index(r), r.state)))
    for run in runs:
        finish(run)
    began = [n for n, state in order if state is RunState.LOADING]
    done = [n for n, state in order if state is RunState.DONE]
    assert began == done == [0, 1, 2]
    assert [run.node.GetName() for run in runs] == [f"{name} - Bright things" for name in "abc"]


def test_a_run_that_fails_does_not_hold_up_the_next(session, volume):
    runs = [submit(session, volume, model=model) for model in ("refuses", "threshold")]
    for run in runs:
        finish(run)
    assert [run.state for run in runs] == [RunState.FAILED, RunState.DONE]


def test_a_run_submitted_from_a_runs_callback_is_queued(session, volume):
    later = []

    def again(run):
        if run.state is RunState.RUNNING and not later:
            later.append(submit(session, volume))

    first = submit(session, volume)
    first.add_listener(again)
    finish(first)
    assert finish(later[0]).state is RunState.DONE


def test_a_run_submitted_within_a_nested_event_loop_is_queued(session, volume, slicer_app):
    later = []

    def nest(run):
        if run.state is RunState.SENDING and not later:
            later.append(submit(session, volume))
            spin(0.3)

    first = submit(session, volume)
    first.add_listener(nest)
    finish(first)
    assert finish(later[0]).state is RunState.DONE
    assert first.state is RunState.DONE


def test_waiting_within_a_runs_callback_is_refused_in_words(session, volume):
    refused = []

    def wait(run):
        if run.state is RunState.RUNNING and not refused:
            try:
                session.wait(submit(session, volume))
            except MedAISegError as error:
                refused.append(str(error))

    first = submit(session, volume)
    first.add_listener(wait)
    finish(first)
    assert "callback" in refused[0]
    finish(session.runs[-1])


def test_blocking_gives_the_same_and_the_application_lives_meanwhile(session, volume, slicer_app):
    import qt

    beats = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: beats.append(1))
    timer.start(10)
    began = Stopwatch()
    run = submit(session, volume, model="slow")
    session.wait(run)
    timer.stop()
    assert len(beats) > 10 * began.seconds()
    assert run.state is RunState.DONE
    with pytest.raises(InputError, match="shows nothing"):
        session.wait(submit(session, volume, model="refuses"))


@pytest.mark.parametrize("held", [True, False], ids=["gil held", "gil released"])
def test_a_worker_that_says_a_lot_is_heard_while_the_application_idles(session, volume, held):
    with gil(held=held):
        run = submit(session, volume, model="chatty")
        started = Stopwatch(session.client.pid)
        finish(run, timeout=300)
    assert run.state is RunState.DONE
    assert started.seconds() < 20
