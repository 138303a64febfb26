"""What the worker does at the same time: one result is written while the next one is computed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from MedAISegLib.app import result_requests
from MedAISegLib.app.exchange import record_segmentation
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.messages import WorkerMessage, cancel_line, read_worker_line, request_line
from MedAISegLib.app.protocol import (
    Done,
    ErrorRecord,
    ExportReply,
    ExportRequest,
    SegmentReply,
    SegmentRequest,
    WarmUpRequest,
)
from MedAISegLib.app.tasks import Lane
from MedAISegLib.core.errors import Cancelled, InputError
from MedAISegLib.core.progress import Poll, ProgressEvent, RunStage
from MedAISegLib.exporters.written import Written

from Testing.segmentations import oblique_geometry, organs, result_of

pytest.importorskip("torch", reason="the worker keeps models")
pytestmark = pytest.mark.engine

LONGEST_S = 60.0
WRITING, COMPUTING, WRITING_MORE = 1, 2, 3


class Gated:
    """A format, or the computing of a run, that goes on once the gate is open or it is cancelled."""

    def __init__(self) -> None:
        self.gate, self.begun = threading.Event(), threading.Event()

    def pass_through(self, poll: Poll) -> None:
        self.begun.set()
        while not self.gate.wait(0.005):
            poll()

    def write(self, _segmentation: Any, _result: Any, folder: Path, poll: Poll) -> Written:
        self.pass_through(poll)
        (folder / "file").touch()
        return Written((folder / "file",))

    def compute(self, task: Any) -> Done:
        task.progress.report(RunStage.INFER, 0.5)
        self.pass_through(task.progress.cancel.raise_if_cancelled)
        return Done()


class Refusing:
    def write(self, *_: Any, **__: Any) -> Written:
        raise InputError("the format cannot hold it.")


class Said:
    """What the worker says, in order."""

    def __init__(self) -> None:
        self.messages: list[WorkerMessage] = []
        self.is_behind = False

    def put(self, line: bytes) -> None:
        message = read_worker_line(line)
        assert isinstance(message, WorkerMessage)
        self.messages.append(message)

    @property
    def answers(self) -> dict[int, Any]:
        """By request, in the order in which they came."""
        return {
            m.request_id: m.content
            for m in list(self.messages)
            if m.request_id is not None and not isinstance(m.content, ProgressEvent)
        }

    def of(self, number: int) -> Any:
        until(lambda: number in self.answers)
        return self.answers[number]

    def stages_of(self, number: int) -> set[RunStage]:
        events = [m.content for m in list(self.messages) if m.request_id == number]
        return {event.stage for event in events if isinstance(event, ProgressEvent)}


def until(condition: Callable[[], object]) -> None:
    started_s = time.monotonic()
    while not condition():
        assert time.monotonic() - started_s < LONGEST_S, "waited in vain"
        time.sleep(0.002)


@pytest.fixture
def writing(monkeypatch: pytest.MonkeyPatch) -> Gated:
    found = Gated()
    monkeypatch.setattr(result_requests, "EXPORTERS", {"gated": found, "refusing": Refusing()})
    return found


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> Gated:
    from MedAISegLib.app import run_requests

    found = Gated()
    monkeypatch.setattr(run_requests, "segment", found.compute)
    return found


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def worker(said: Said, writing: Gated, computing: Gated) -> Iterator[Any]:
    from MedAISegLib.app.worker import Worker

    worker = Worker(said)  # type: ignore[arg-type]
    yield worker
    writing.gate.set()
    computing.gate.set()
    worker.stop()


def exporting(folder: Path, number: int = WRITING, name: str = "gated") -> bytes:
    at = folder / str(number)
    at.mkdir()
    segmentation = organs(oblique_geometry())
    record = record_segmentation(at, "labels", segmentation)
    return request_line(number, ExportRequest(at, record, result_of(segmentation), (name,), folder / f"out {number}"))


def segmenting(folder: Path) -> bytes:
    return request_line(COMPUTING, SegmentRequest(folder, SegmentationJob("any"), {}))


def test_a_run_that_began_later_ends_before_an_export_that_waits(
    worker: Any, said: Said, writing: Gated, computing: Gated, tmp_path: Path
) -> None:
    worker.take(exporting(tmp_path))
    until(writing.begun.is_set)
    worker.take(segmenting(tmp_path))
    computing.gate.set()
    assert said.of(COMPUTING) == Done()
    assert WRITING not in said.answers
    assert said.stages_of(COMPUTING) == {RunStage.INFER}
    writing.gate.set()
    assert isinstance(said.of(WRITING), ExportReply)
    assert said.stages_of(WRITING) == {RunStage.WRITE}
    assert [path.name for path in (tmp_path / "out 1").iterdir()] == ["file"]


def test_an_export_ends_while_a_run_that_began_before_it_goes_on(
    worker: Any, said: Said, writing: Gated, computing: Gated, tmp_path: Path
) -> None:
    worker.take(segmenting(tmp_path))
    until(computing.begun.is_set)
    worker.take(exporting(tmp_path))
    writing.gate.set()
    assert isinstance(said.of(WRITING), ExportReply)
    assert COMPUTING not in said.answers


def test_results_are_written_one_after_the_other(worker: Any, said: Said, writing: Gated, tmp_path: Path) -> None:
    worker.take(exporting(tmp_path))
    until(writing.begun.is_set)
    worker.take(exporting(tmp_path, WRITING_MORE))
    writing.gate.set()
    said.of(WRITING_MORE)
    assert list(said.answers) == [WRITING, WRITING_MORE]


@pytest.mark.parametrize(("cancelled", "other"), [(WRITING, COMPUTING), (COMPUTING, WRITING)])
def test_each_is_cancelled_by_itself(
    worker: Any, said: Said, writing: Gated, computing: Gated, tmp_path: Path, cancelled: int, other: int
) -> None:
    worker.take(exporting(tmp_path))
    worker.take(segmenting(tmp_path))
    until(lambda: writing.begun.is_set() and computing.begun.is_set())
    worker.take(cancel_line(cancelled))
    answer = said.of(cancelled)
    assert isinstance(answer, ErrorRecord)
    assert answer.error == "Cancelled"
    assert other not in said.answers
    assert (tmp_path / "out 1").exists() == (cancelled == COMPUTING)
    writing.gate.set()
    computing.gate.set()
    assert not isinstance(said.of(other), ErrorRecord)


def test_an_export_that_was_cancelled_is_answered_only_when_it_no_longer_needs_its_folder(
    worker: Any, said: Said, writing: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "pass_through", lambda _poll: (writing.begun.set(), writing.gate.wait(LONGEST_S)))
    worker.take(exporting(tmp_path))
    until(writing.begun.is_set)
    worker.take(cancel_line(WRITING))
    assert not said.answers
    writing.gate.set()
    said.of(WRITING)


def test_the_error_of_an_export_is_its_own(worker: Any, said: Said, computing: Gated, tmp_path: Path) -> None:
    worker.take(segmenting(tmp_path))
    worker.take(exporting(tmp_path, name="refusing"))
    answer = said.of(WRITING)
    assert isinstance(answer, ErrorRecord)
    assert answer.what == "the format cannot hold it."
    assert COMPUTING not in said.answers
    computing.gate.set()
    assert said.of(COMPUTING) == Done()


def test_what_a_killed_worker_left_of_the_same_export_is_gone_afterwards(
    worker: Any, said: Said, writing: Gated, tmp_path: Path
) -> None:
    left = tmp_path / "out 1" / f".medaiseg-{WRITING}"
    left.mkdir(parents=True)
    (left / "half").touch()
    writing.gate.set()
    worker.take(exporting(tmp_path))
    assert isinstance(said.of(WRITING), ExportReply)
    assert [path.name for path in (tmp_path / "out 1").iterdir()] == ["file"]


class Spare(Gated):
    """What is done in spare time, until there is something else to do."""

    def __init__(self) -> None:
        super().__init__()
        self.has_yielded = threading.Event()
        self.measures = False

    def use(self, _models: Any, _kept: Any, poll: Poll, undisturbed: Poll) -> None:
        try:
            self.pass_through(undisturbed if self.measures else poll)
        except Cancelled:
            # As one that has a process to end.
            time.sleep(0.05)
            self.has_yielded.set()
            raise


@pytest.fixture
def spare(worker: Any, said: Said, computing: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spare:
    """Begun, after a run."""
    from MedAISegLib.app import idle, run_requests
    from MedAISegLib.app import worker as worker_module

    segmentation, found = organs(oblique_geometry()), Spare()
    reply = SegmentReply(record_segmentation(tmp_path, "labels", segmentation), result_of(segmentation), {})
    monkeypatch.setattr(worker_module, "_QUIET_S", 0.1)
    monkeypatch.setattr(idle, "use_spare_time", found.use)
    monkeypatch.setattr(run_requests, "segment", lambda _: reply)
    worker.take(segmenting(tmp_path))
    assert isinstance(said.of(COMPUTING), SegmentReply)
    until(found.begun.is_set)
    monkeypatch.setattr(run_requests, "segment", computing.compute)
    return found


def test_spare_time_begins_with_the_answer_to_a_run_and_ends_with_the_next_run(
    worker: Any, said: Said, spare: Spare, computing: Gated, tmp_path: Path
) -> None:
    worker.take(request_line(WRITING_MORE, SegmentRequest(tmp_path, SegmentationJob("any"), {})))
    until(spare.has_yielded.is_set)
    computing.gate.set()
    assert said.of(WRITING_MORE) == Done()


def test_spare_time_goes_on_once_a_model_that_was_asked_for_is_warm(
    worker: Any, said: Said, spare: Spare, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedAISegLib.app import run_requests

    monkeypatch.setattr(run_requests, "warm_up", lambda _: Done())
    spare.begun.clear()
    worker.take(request_line(WRITING_MORE, WarmUpRequest("any")))
    assert said.of(WRITING_MORE) == Done()
    assert spare.has_yielded.is_set()
    until(spare.begun.is_set)


@pytest.mark.parametrize("measures", [True, False])
def test_what_is_measured_in_spare_time_waits_while_a_result_is_written_and_begins_anew(
    worker: Any, said: Said, spare: Spare, writing: Gated, tmp_path: Path, measures: bool
) -> None:
    spare.gate.set()
    until(worker._spare_time.done)
    spare.gate.clear()
    spare.measures = measures
    worker._spare_time = worker._lanes[Lane.LONG].submit(worker._use_spare_time)
    spare.begun.clear()
    until(spare.begun.is_set)
    spare.begun.clear()
    worker.take(exporting(tmp_path))
    until(writing.begun.is_set)
    if measures:
        until(spare.has_yielded.is_set)
    assert not spare.begun.is_set()
    assert spare.has_yielded.is_set() is measures
    writing.gate.set()
    assert isinstance(said.of(WRITING), ExportReply)
    if measures:
        until(spare.begun.is_set)


def test_the_worker_does_not_leave_before_spare_time_has_ended(worker: Any, spare: Spare) -> None:
    worker.stop()
    assert spare.has_yielded.is_set()
