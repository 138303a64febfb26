"""The client against workers that go wrong in every way: each is an error with its reason, and the next one works."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_workers import ECHO, Answers, Connect, is_alive
from MedAISegLib.app.client import WorkerClient, WorkerState
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import DevicesRequest, Done, ModelsRequest, SegmentRequest
from MedAISegLib.core.errors import Cancelled, ResourceError


def test_a_killed_worker_is_told_from_one_that_ended_by_itself_and_the_next_request_works(
    connect: Connect, tmp_path: Path
) -> None:
    answers = connect(
        """
        hello()
        for message in heard():
            if message["request"]["kind"] == "DevicesRequest":
                os.kill(os.getpid(), signal.SIGKILL)
            done(message["id"])
        """
    )
    error = answers.error_of(answers.ask(DevicesRequest()))
    assert isinstance(error, ResourceError)
    assert "memory" in error.what
    assert answers.client.state is WorkerState.STOPPED
    assert answers.client.last_failure is error
    assert answers.of(answers.ask(ModelsRequest())) == Done()
    assert answers.client.last_failure is None


def test_a_worker_that_ends_with_a_traceback_is_quoted(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            raise ValueError("this broke")
    """)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "exit code 1" in error.what
    assert "ValueError: this broke" in error.what
    assert "Traceback (most recent call last):" in answers.client.log_lines


def test_every_open_request_learns_of_the_end(connect: Connect) -> None:
    answers = connect("""
        hello()
        for count, message in enumerate(heard()):
            if count == 1:
                os._exit(3)
    """)
    first, second = answers.ask(ModelsRequest()), answers.ask(ModelsRequest())
    assert "exit code 3" in answers.error_of(first).what
    assert "exit code 3" in answers.error_of(second).what


def test_a_worker_that_died_while_nothing_was_asked_is_replaced_without_a_word(connect: Connect) -> None:
    answers = connect(ECHO)
    answers.of(answers.ask(ModelsRequest()))
    pid = answers.client.pid
    assert pid is not None
    os.kill(pid, 9)
    while is_alive(pid):
        time.sleep(0.001)
    assert answers.of(answers.ask(ModelsRequest())) == Done()
    assert answers.client.pid != pid


@pytest.mark.parametrize(
    "words",
    [b"Welcome!\\n", b"[1, 2]\\n", b"\\xff\\xfe\\n", b'{"id": 1, "reply": {"kind": "X"}}\\n', b"[" * 200_000 + b"\\n"],
)
def test_rubbish_on_the_protocol_ends_the_worker(connect: Connect, words: bytes) -> None:
    answers = connect(f"""
        hello()
        for message in heard():
            out.write({words!r}.decode("unicode_escape").encode("latin-1"))
    """)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "cannot be understood" in error.what
    assert answers.client.state is WorkerState.STOPPED


def test_a_program_that_is_no_worker_is_named(connect: Connect) -> None:
    answers = connect("print('usage: something else')")
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "could not be started (exit code 0)" in error.what
    assert "usage: something else" in error.what
    assert "python" in error.where


def test_what_a_python_prints_before_the_worker_starts_is_no_rubbish(connect: Connect) -> None:
    answers = connect("""
        out.write(b"sitecustomize loaded\\n")
        hello()
        for message in heard():
            done(message["id"])
    """)
    assert answers.of(answers.ask(ModelsRequest())) == Done()


def test_a_worker_that_never_says_hello_is_given_up(connect: Connect) -> None:
    answers = connect(
        """
        sys.stderr.write("still looking for my hat\\n")
        sys.stderr.flush()
        wait_for_ever()
        """,
        hello_timeout_s=3.0,
    )
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "did not answer within 3 seconds" in error.what
    assert "still looking for my hat" in error.what


def test_time_in_which_nobody_looked_does_not_count_as_silence(connect: Connect) -> None:
    answers = connect(ECHO, hello_timeout_s=0.9)
    number = answers.ask(ModelsRequest())
    answers.client.drain()
    time.sleep(2.0)
    assert answers.of(number) == Done()


def test_another_version_of_the_protocol_is_refused(connect: Connect) -> None:
    answers = connect("""
        hello(protocol=99)
        wait_for_ever()
    """)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "version 99" in error.what
    assert "Restart Slicer" in error.remedy


def test_a_worker_that_refuses_to_start_says_why(connect: Connect) -> None:
    answers = connect("""
        say(error={"kind": "ErrorRecord", "error": "ResourceError", "what": "the package torch is missing."})
    """)
    assert answers.error_of(answers.ask(ModelsRequest())).what == "the package torch is missing."


def test_a_worker_that_dies_before_its_hello_is_not_started_again_and_again(connect: Connect, tmp_path: Path) -> None:
    answers = connect("open(sys.argv[1], 'a').write('x'); sys.exit(7)", str(tmp_path / "starts"))
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert "could not be started (exit code 7)" in error.what
    for _ in range(20):
        answers.client.drain()
    assert (tmp_path / "starts").read_text() == "x"


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.write_text("no program"), lambda path: path.mkdir()]
)
def test_a_python_that_cannot_be_started_is_named(tmp_path: Path, make: Callable[[Path], object]) -> None:
    program = tmp_path / "python"
    make(program)
    client = WorkerClient(lambda: WorkerCommand((str(program),), {}), log=lambda _: None)
    answers = Answers(client)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert error.where == str(program)
    assert "MEDAISEG_PYTHON" in error.remedy
    assert client.state is WorkerState.STOPPED


def test_a_command_that_cannot_be_made_is_an_error_of_the_request() -> None:
    def no_python() -> WorkerCommand:
        raise ResourceError("no Python was found.")

    client = WorkerClient(no_python, log=lambda _: None)
    answers = Answers(client)
    assert answers.error_of(answers.ask(ModelsRequest())).what == "no Python was found."


def test_a_worker_that_closes_its_pipes_and_goes_on_is_ended(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            os.close(0)
            os.close(1)
            wait_for_ever()
    """)
    assert "connection" in answers.error_of(answers.ask(ModelsRequest())).what


def test_a_large_request_to_a_worker_that_does_not_read_blocks_nobody(connect: Connect) -> None:
    answers = connect("""
        hello()
        wait_for_ever()
    """)
    number = answers.ask(SegmentRequest(Path("x"), SegmentationJob("m" * 10_000_000), {}))
    answers.until(lambda: answers.client.state is WorkerState.BUSY)
    slowest_s = 0.0
    for _ in range(20):
        started_s = time.thread_time()
        answers.client.drain()
        slowest_s = max(slowest_s, time.thread_time() - started_s)
    assert slowest_s < 0.2
    answers.client.cancel(number)
    assert isinstance(answers.of(number), Cancelled)
