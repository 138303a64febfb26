"""The client: what is asked is answered once, cancelled soon, and nothing is left at the end."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest
from fake_workers import ECHO, Connect, is_alive
from MedAISegLib.app.client import WorkerState
from MedAISegLib.app.protocol import DevicesRequest, Done, ModelsRequest
from MedAISegLib.core.errors import Cancelled, MedAISegError


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
