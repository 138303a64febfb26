"""The client against workers that go wrong in every way."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_workers import ECHO, Answers, fake, is_alive
from MedAISegLib.app.client import WorkerClient, WorkerState
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.protocol import DevicesRequest, Done, ModelsRequest, SegmentRequest
from MedAISegLib.core.errors import Cancelled, MedAISegError, ResourceError

Connect = Callable[..., Answers]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """A client of a worker with the given behaviour; nothing of any of them is left at the end."""
    clients: list[WorkerClient] = []

    def connected(body: str, *arguments: str, **options: float) -> Answers:
        clients.append(WorkerClient(fake(tmp_path, body, *arguments), log=lambda _: None, **options))
        return Answers(clients[-1])

    yield connected
    for client in clients:
        pid = client.pid
        client.close()
        assert pid is None or not is_alive(pid)


def test_a_request_starts_the_worker_and_gets_its_reply(connect: Connect) -> None:
    answers = connect(ECHO)
    assert answers.client.state is WorkerState.STOPPED
    number = answers.ask(ModelsRequest())
    assert answers.client.state is WorkerState.STARTING
    assert answers.of(number) == Done()
    assert answers.client.state is WorkerState.READY
    assert answers.client.pid is not None
    assert not answers.client.drain()


def test_a_second_request_uses_the_same_process(connect: Connect) -> None:
    answers = connect(ECHO)
    answers.of(answers.ask(ModelsRequest()))
    pid = answers.client.pid
    answers.of(answers.ask(ModelsRequest()))
    assert answers.client.pid == pid


def test_progress_comes_before_the_reply(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            progress(message["id"], 0.25)
            progress(message["id"], 0.5)
            done(message["id"])
    """)
    answers.of(answers.ask(ModelsRequest()))
    assert [event.fraction for event in answers.progress] == [0.25, 0.5]


def test_a_message_may_arrive_in_pieces(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            whole = json.dumps({"id": message["id"], "reply": {"kind": "Done"}}).encode() + b"\\n"
            for n in range(len(whole)):
                out.write(whole[n:n + 1])
    """)
    assert answers.of(answers.ask(ModelsRequest())) == Done()


def test_an_error_of_the_worker_keeps_its_kind_and_words(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            say(id=message["id"], error={"kind": "ErrorRecord", "error": "InputError", "what": "w", "where": "x",
                                         "remedy": "r", "details": "the traceback"})
    """)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert (type(error).__name__, error.what, error.where, error.remedy) == ("InputError", "w", "x", "r")
    assert "the traceback" in answers.client.log_lines


def test_a_fault_of_the_program_is_said_to_be_one(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            say(id=message["id"], error={"kind": "ErrorRecord", "error": "InternalError", "what": "KeyError: 3"})
    """)
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert type(error) is MedAISegError
    assert "KeyError: 3" in error.what
    assert "report" in error.remedy


def test_what_the_worker_prints_is_logged(connect: Connect) -> None:
    answers = connect("""
        sys.stderr.buffer.write("one\\ntwo \\xfc\\nthird without end".encode())
        sys.stderr.flush()
        hello()
        wait_for_ever()
    """)
    answers.ask(ModelsRequest())
    answers.until(lambda: len(answers.client.log_lines) >= 2)
    assert list(answers.client.log_lines) == ["one", "two ü"]


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
    "words", [b"Welcome!\\n", b"[1, 2]\\n", b"\\xff\\xfe\\n", b'{"id": 1, "reply": {"kind": "X"}}\\n']
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


def test_cancel_is_answered_by_the_worker_which_lives_on(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            if "cancel" in message:
                cancelled(message["cancel"])
            else:
                progress(message["id"], 0.1)
    """)
    number = answers.ask(ModelsRequest())
    answers.until(lambda: answers.progress)
    pid = answers.client.pid
    answers.client.cancel(number)
    assert isinstance(answers.of(number), Cancelled)
    assert answers.client.pid == pid


def test_a_reply_that_comes_after_the_cancel_is_dropped(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            if "cancel" in message:
                done(message["cancel"])
            else:
                progress(message["id"], 0.1)
    """)
    number = answers.ask(ModelsRequest())
    answers.until(lambda: answers.progress)
    answers.client.cancel(number)
    assert isinstance(answers.of(number), Cancelled)


def test_a_request_that_was_not_sent_yet_is_cancelled_without_the_worker(connect: Connect) -> None:
    answers = connect("wait_for_ever()")
    number = answers.ask(ModelsRequest())
    answers.client.drain()
    answers.client.cancel(number)
    assert answers.until(lambda: number in answers.all) < 1.0
    assert isinstance(answers.all[number], Cancelled)


def test_a_worker_that_does_not_stop_is_killed_with_its_children_and_other_requests_go_to_the_next(
    connect: Connect, tmp_path: Path
) -> None:
    answers = connect(
        """
        hello()
        for message in heard():
            if "cancel" not in message and not os.path.exists(sys.argv[1]):
                children = [
                    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"], **options)
                    for options in ({}, {"process_group": 0})
                ]
                open(sys.argv[1] + ".new", "w").write(" ".join(str(child.pid) for child in children))
                os.rename(sys.argv[1] + ".new", sys.argv[1])
                progress(message["id"], 0.1)
                wait_for_ever()
            if "request" in message:
                done(message["id"])
        """,
        str(tmp_path / "children"),
    )
    stuck, waiting = answers.ask(ModelsRequest()), answers.ask(DevicesRequest())
    answers.until(lambda: answers.progress)
    first_pid = answers.client.pid
    children = [int(pid) for pid in (tmp_path / "children").read_text().split()]
    assert all(map(is_alive, children))
    answers.client.cancel(stuck)
    assert isinstance(answers.of(stuck), Cancelled)
    assert answers.of(waiting) == Done()
    assert answers.client.pid != first_pid
    answers.until(lambda: not any(map(is_alive, [*children, first_pid])))


def test_cancelling_what_is_answered_or_unknown_does_nothing(connect: Connect) -> None:
    answers = connect(ECHO)
    number = answers.ask(ModelsRequest())
    answers.of(number)
    answers.client.cancel(number)
    answers.client.cancel(999)
    assert answers.of(answers.ask(ModelsRequest())) == Done()


def test_restart_cancels_what_is_open_and_the_next_request_gets_another_process(connect: Connect) -> None:
    answers = connect("""
        hello()
        for message in heard():
            if message["request"]["kind"] == "DevicesRequest":
                progress(message["id"], 0.1)
                wait_for_ever()
            done(message["id"])
    """)
    number = answers.ask(DevicesRequest())
    answers.until(lambda: answers.progress)
    pid = answers.client.pid
    answers.client.restart()
    assert isinstance(answers.of(number), Cancelled)
    assert answers.of(answers.ask(ModelsRequest())) == Done()
    assert answers.client.pid != pid


def test_a_callback_may_ask_cancel_and_drain(connect: Connect) -> None:
    answers = connect(ECHO)
    client, later = answers.client, []

    def on_reply(_: object) -> None:
        second = client.ask(ModelsRequest(), on_reply=later.append, on_error=later.append)
        client.ask(DevicesRequest(), on_reply=later.append, on_error=later.append)
        client.drain()
        client.cancel(second)

    client.ask(ModelsRequest(), on_reply=on_reply, on_error=later.append)
    answers.until(lambda: len(later) == 2)
    assert {type(answer) for answer in later} == {Cancelled, Done}


def test_close_ends_a_worker_that_is_busy_and_one_that_ignores_the_end_of_its_input(connect: Connect) -> None:
    answers = connect("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        hello()
        for message in heard():
            progress(message["id"], 0.1)
            wait_for_ever()
    """)
    number = answers.ask(ModelsRequest())
    answers.until(lambda: answers.progress)
    pid = answers.client.pid
    assert pid is not None
    answers.client.close()
    assert not is_alive(pid)
    assert number not in answers.all
    assert answers.client.state is WorkerState.STOPPED
    assert not answers.client.drain()


def test_no_thread_and_no_file_is_left_after_close(connect: Connect) -> None:
    threads, files = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        answers = connect(ECHO)
        answers.of(answers.ask(ModelsRequest()))
        answers.client.close()
    gc.collect()
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_asking_after_close_is_a_fault_of_the_caller(connect: Connect) -> None:
    answers = connect(ECHO)
    answers.client.close()
    with pytest.raises(RuntimeError):
        answers.ask(ModelsRequest())
