"""Work in pieces: in turn, within a time, cancellable, and safe when a tick comes within a tick."""

from __future__ import annotations

import time

import pytest
from MedAISegLib.core.errors import Cancelled, MedAISegError, ResourceError, UsageError
from MedAISegLib.slicer_io.pump import WAITING, Pump


class Loop:
    """An application whose time passes only when it is asked to sleep."""

    def __init__(self):
        self.slept, self.events, self.started, self.call = [], [], [], None

    def timer(self, call):
        self.call = call
        return self

    def start(self, interval_ms):
        self.started.append(interval_ms)

    def stop(self):
        self.started.append(0)

    def close(self):
        self.stop()

    def process_events(self):
        for event in self.events[:]:
            self.events.remove(event)
            event()

    def sleep(self, seconds):
        self.slept.append(seconds)

    def at_quit(self, call):
        return lambda: None


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def pump(loop):
    return Pump(loop)


def counting(seen, name, n):
    for step in range(n):
        seen.append((name, step))
        yield
    return name


def test_jobs_take_turns_and_tell_their_results_and_then_the_timer_stops(pump, loop):
    seen, done = [], []
    for name in "ab":
        pump.add(counting(seen, name, 2), on_done=done.append)
    assert seen == []
    pump.tick()
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert done == ["a", "b"]
    assert loop.started[-1] == 0


def test_a_job_of_long_pieces_keeps_no_other_from_its_turn(pump, monkeypatch):
    monkeypatch.setattr("MedAISegLib.slicer_io.pump._WORKING_S", 0.0)
    seen = []
    for name in "abc":
        pump.add(counting(seen, name, 2))
    for _ in range(6):
        pump.tick()
    assert seen == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


def test_a_tick_ends_within_its_time_and_the_timer_never_waits_longer_than_fifty_ms(pump, loop):
    done = []

    def slow():
        for n in range(20):
            time.sleep(0.006)
            done.append(n)
            yield

    pump.add(slow())
    pump.tick()
    assert 1 <= len(done) <= 4
    assert all(0 < interval <= 50 for interval in loop.started)


def test_a_job_that_waits_is_asked_once_a_tick_and_lets_reader_threads_run(pump, loop):
    asked = []

    def waiting():
        while True:
            asked.append(1)
            yield WAITING

    pump.add(waiting())
    pump.tick()
    pump.tick()
    assert len(asked) == 2
    assert len(loop.slept) == 2
    assert min(loop.slept) > 0
    pump.close()


def test_the_timer_rests_when_there_is_nothing_to_do(pump, loop):
    pump.add(counting([], "a", 1))
    pump.tick()
    assert loop.started[-1] == 0


def test_what_arrives_from_outside_is_taken_at_each_tick(loop):
    budgets = []
    pump = Pump(loop, drain=budgets.append)
    pump.add(counting([], "a", 1))
    pump.tick()
    assert budgets
    assert max(budgets) <= 0.02


def test_an_error_goes_to_who_added_the_job_and_the_others_go_on(pump):
    def failing():
        yield
        raise ResourceError("no room.")

    errors, done = [], []
    pump.add(failing(), on_error=errors.append)
    pump.add(counting([], "a", 3), on_done=done.append)
    pump.tick()
    assert [error.what for error in errors] == ["no room."]
    assert done == ["a"]


def test_a_fault_of_the_program_fails_its_job_shows_and_spares_the_others(pump):
    def faulty():
        yield
        raise KeyError("x")

    errors, done = [], []
    pump.add(faulty(), on_error=errors.append)
    pump.add(counting([], "a", 3), on_done=done.append)
    with pytest.raises(KeyError):
        pump.tick()
    pump.tick()
    assert "mistake" in errors[0].what
    assert done == ["a"]


def test_cancelling_lets_the_generator_clean_up_over_several_pieces(pump):
    cleaned = []

    def work():
        try:
            while True:
                yield WAITING
        except Cancelled:
            yield WAITING
            cleaned.append(1)
            raise

    errors = []
    job = pump.add(work(), on_error=errors.append)
    pump.tick()
    job.cancel()
    pump.tick()
    assert not job.is_finished
    pump.tick()
    assert cleaned
    assert isinstance(errors[0], Cancelled)
    assert job.is_finished


def test_waiting_gives_the_result_and_processes_events_in_pieces_of_thirty_ms(pump, loop):
    arrived = []

    def work():
        while not arrived:
            yield WAITING
        return arrived[0]

    loop.events.append(lambda: loop.events.append(lambda: arrived.append("reply")))
    job = pump.add(work())
    assert pump.wait(job) == "reply"
    assert 0 < max(loop.slept) <= 0.03


def test_waiting_raises_what_the_job_failed_with(pump):
    def failing():
        yield
        raise ResourceError("no room.")

    with pytest.raises(ResourceError, match="no room"):
        pump.wait(pump.add(failing()))


def test_a_tick_within_a_tick_leaves_the_running_job_alone_and_advances_the_others(pump, loop):
    seen, other = [], []

    def nesting():
        pump.tick()
        seen.append(list(other))
        yield

    pump.add(nesting())
    pump.add(counting(other, "b", 2))
    pump.tick()
    assert seen == [[("b", 0), ("b", 1)]]
    assert loop.started[-1] == 0


def test_a_job_added_and_waited_for_within_another_job_comes_to_its_end(pump):
    def outer():
        yield
        return pump.wait(pump.add(counting([], "inner", 2)))

    assert pump.wait(pump.add(outer())) == "inner"


def test_a_job_that_waits_for_itself_is_refused(pump):
    jobs = []

    def selfish():
        yield
        pump.wait(jobs[0])

    jobs.append(pump.add(selfish()))
    with pytest.raises(UsageError, match="callback"):
        pump.wait(jobs[0])


def test_closing_gives_back_what_generators_hold_and_tells_nobody(pump, loop):
    closed, told = [], []

    def work():
        try:
            yield WAITING
        finally:
            closed.append(1)

    pump.add(work(), on_done=told.append, on_error=told.append)
    pump.tick()
    pump.close()
    assert (closed, told) == ([1], [])
    assert loop.started[-1] == 0
    with pytest.raises(UsageError):
        pump.add(counting([], "a", 1))


@pytest.mark.timeout(30)
def test_a_job_of_a_pump_that_was_closed_is_cancelled_for_who_waits(pump):
    job = pump.add(counting([], "a", 3))
    pump.close()
    with pytest.raises(Cancelled):
        pump.wait(job)


def test_a_pump_that_is_closed_by_its_own_job_gives_back_what_the_job_holds(pump):
    closed = []

    def work():
        try:
            pump.close()
            yield
        finally:
            closed.append(1)

    pump.add(work())
    pump.tick()
    assert closed


def test_a_result_that_is_not_there_yet_is_not_given(pump):
    job = pump.add(counting([], "a", 1))
    with pytest.raises(ValueError, match="not finished"):
        _ = job.result
    pump.wait(job)
    assert job.result == "a"
    assert not issubclass(ValueError, MedAISegError)
