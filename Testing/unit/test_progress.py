"""Progress never falls, knows its stages, and is where a run stops."""

from __future__ import annotations

import threading

import pytest
from MedAISegLib.core import progress as module
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.core.progress import CancelToken, Progress, ProgressEvent, RunStage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, to be set by the test."""
    now = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def events() -> list[ProgressEvent]:
    return []


def test_a_whole_run_goes_from_nothing_to_all_without_falling(events: list[ProgressEvent]) -> None:
    progress = Progress(events.append)
    for stage in RunStage:
        with progress.stage(stage):
            progress.report(stage, 0.5)
    fractions = [e.fraction for e in events]
    assert fractions[0] == 0.0
    assert fractions[-1] == pytest.approx(1.0)
    assert fractions == sorted(fractions)
    assert list(dict.fromkeys(e.stage for e in events)) == list(RunStage)


def test_a_stage_that_runs_again_does_not_set_the_bar_back(events: list[ProgressEvent]) -> None:
    progress = Progress(events.append)
    progress.report(RunStage.INFER, 0.5)
    progress.report(RunStage.PREPARE, 0.0)
    progress.report(RunStage.INFER, 0.25)
    assert len({e.fraction for e in events}) == 1
    assert events[1].stage is RunStage.PREPARE


@pytest.mark.parametrize(("given", "as_if"), [(-1.0, 0.0), (7.0, 1.0)])
def test_a_fraction_outside_the_stage_stays_within_it(events: list[ProgressEvent], given: float, as_if: float) -> None:
    Progress(events.append).report(RunStage.INFER, given)
    Progress(events.append).report(RunStage.INFER, as_if)
    assert events[0].fraction == events[1].fraction


def test_the_remaining_time_follows_the_pace_of_the_inference(events: list[ProgressEvent], clock: list[float]) -> None:
    progress = Progress(events.append)
    progress.report(RunStage.PREPARE, 0.9)
    progress.report(RunStage.INFER, 0.0)
    clock[0] += 20
    progress.report(RunStage.INFER, 0.25)
    clock[0] += 20
    progress.report(RunStage.INFER, 0.8)
    assert [e.remaining_s for e in events] == [None, None, pytest.approx(60), pytest.approx(10)]


def test_timings_add_up_by_stage(clock: list[float]) -> None:
    progress = Progress()
    for seconds in (3, 4):
        with progress.stage(RunStage.WRITE):
            clock[0] += seconds
    with progress.stage(RunStage.READ):
        clock[0] += 1
    assert progress.timings_s == {RunStage.WRITE: 7.0, RunStage.READ: 1.0}


def test_a_cancelled_run_stops_at_its_next_report_and_reports_no_more(events: list[ProgressEvent]) -> None:
    cancel = CancelToken()
    progress = Progress(events.append, cancel)
    progress.report(RunStage.READ, 0.5)
    cancel.cancel()
    assert cancel.is_cancelled
    with pytest.raises(Cancelled):
        progress.report(RunStage.READ, 0.6)
    assert len(events) == 1


def test_another_thread_can_cancel() -> None:
    cancel = CancelToken()
    cancel.raise_if_cancelled()
    thread = threading.Thread(target=cancel.cancel)
    thread.start()
    thread.join()
    with pytest.raises(Cancelled):
        cancel.raise_if_cancelled()


def test_a_stage_that_fails_is_not_reported_as_done(events: list[ProgressEvent]) -> None:
    progress = Progress(events.append)
    with pytest.raises(ZeroDivisionError), progress.stage(RunStage.INFER):
        raise ZeroDivisionError
    assert [e.fraction for e in events] == [pytest.approx(0.14)]
    assert progress.timings_s == {}
