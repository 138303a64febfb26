"""What listeners of runs may do: fail, submit, wait; none of it harms the run or another listener."""

from __future__ import annotations

import sys

import pytest
from MedAISegLib.slicer_io.runs import RunState

from Testing.host.driver import wait_until
from Testing.host.runs_in_scene import finish, request, segmentations


@pytest.fixture
def shown(monkeypatch):
    """The exceptions that Python shows its user."""
    errors = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: errors.append(error))
    return errors


@pytest.mark.parametrize("state", [RunState.LOADING, RunState.RUNNING, RunState.PLACING, RunState.DONE])
def test_a_listener_that_fails_is_shown_and_stops_neither_the_run_nor_other_listeners(session, volume, shown, state):
    run = session.submit(request(volume))
    heard = []

    def fail(current):
        if current.state is state:
            raise ZeroDivisionError

    run.add_listener(fail)
    run.add_listener(lambda current: heard.append(current.state))
    finish(run)
    assert run.state is RunState.DONE
    assert heard[-1] is RunState.DONE
    assert {type(error) for error in shown} == {ZeroDivisionError}


def test_a_run_submitted_by_a_listener_while_the_scene_closes_is_a_run_like_any_other(session, scene, volume, shown):
    first, second = session.submit(request(volume)), session.submit(request(volume))
    later = []

    def again(current):
        if current.is_cancelling and not later:
            later.append(session.submit(request(volume)))

    second.add_listener(again)
    scene.Clear(0)
    assert shown == []
    wait_until(lambda: all(run.is_finished for run in (first, second, *later)))
    assert segmentations(scene) == []


def test_closing_the_scene_forgets_its_results_and_with_them_the_labelmaps_for_the_way_back(session, scene, volume):
    run = finish(session.submit(request(volume)))
    assert session.runs == (run,)
    scene.Clear(0)
    assert session.runs == ()
