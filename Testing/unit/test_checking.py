"""A network that is a program is tried in another process: whatever it does there is an error of the model."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
from MedAISegLib.core.errors import Cancelled, ModelError, NotTrustedError, ResourceError
from MedAISegLib.core.progress import never
from MedAISegLib.formats import checking
from MedAISegLib.formats.checking import ask_apart

FILES = (Path("first.ts"), Path("second.ts"))


@pytest.fixture
def function(tmp_path, monkeypatch):
    """Writes the body of a function for the process, and gives its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(body: str) -> str:
        text = dedent(body).replace("\n", "\n    ")
        (tmp_path / "of_this_test.py").write_text(
            f"import os, signal, time\nfrom MedAISegLib.core.errors import *\ndef act(*given):\n    {text}\n"
        )
        return "of_this_test:act"

    return write


def refused(function: str, *, files=FILES[:1], poll=never) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask_apart(function, [], files, poll)
    assert caught.value.remedy
    return caught.value


def test_what_it_returns_is_the_answer_whatever_else_it_says(function):
    name = function("print('a library'); return [*given, {'n': 1}]")
    assert ask_apart(name, ["ü", FILES[0]], FILES, never) == ["ü", "first.ts", {"n": 1}]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(("number", "cause"), [("SIGFPE", "divided by zero"), ("SIGSEGV", "calls itself without end")])
def test_its_death_names_the_file_what_ended_it_and_what_helps(function, number, cause):
    error = refused(function(f"os.kill(os.getpid(), signal.{number}); time.sleep(60)"))
    assert error.where == "first.ts"
    assert number in error.what
    assert cause in error.what
    assert "ask its author" in error.remedy


def test_an_end_that_windows_tells_by_a_number_is_named():
    error = checking._died(checking.Ending(0xC00000FD, None, "", ""), "first.ts")
    assert isinstance(error, ModelError)
    assert "stack overflow" in error.what


def test_of_several_files_the_one_that_was_opened_last_is_named(function, tmp_path):
    files = [tmp_path / "one.ts", tmp_path / "two.ts", tmp_path / "three.ts"]
    for file in files:
        file.touch()
    name = function(f"open({str(files[0])!r}).close(); open({str(files[1])!r}).close(); os.abort()")
    assert refused(name, files=files).where == str(files[1])


def test_one_that_never_ends_is_an_error_of_the_model(function, monkeypatch):
    monkeypatch.setattr(checking, "_LONGEST_S", 1.0)
    assert "there was no end" in refused(function("while True: pass")).what


@pytest.mark.parametrize(
    "body",
    [
        "kept = []\nwhile True: kept.append(bytearray(1 << 22)); time.sleep(0.001)",
        pytest.param("raise MemoryError", marks=pytest.mark.engine),
        pytest.param(
            """
            try:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2 bytes")
            except RuntimeError as error:
                raise ModelError("it is damaged") from error""",
            marks=pytest.mark.engine,
        ),
    ],
)
def test_one_that_takes_too_much_memory_is_an_error_of_the_model(function, monkeypatch, body):
    class Memory:
        available = 400e6

    monkeypatch.setattr(checking.psutil, "virtual_memory", Memory)
    monkeypatch.setattr(checking, "_MOST_MEMORY", 1.0)
    assert "more memory" in refused(function(body)).what


@pytest.mark.engine
@pytest.mark.parametrize("kind", [ModelError, NotTrustedError, ResourceError])
def test_what_it_raises_is_raised_here(function, kind):
    name = function(f"raise {kind.__name__}('what', where='place', remedy='remedy')")
    with pytest.raises(kind) as caught:
        ask_apart(name, [], FILES, never)
    assert type(caught.value) is kind
    assert (caught.value.what, caught.value.where, caught.value.remedy) == ("what", "place", "remedy")


def test_a_package_that_is_missing_is_named(function):
    with pytest.raises(ImportError) as caught:
        ask_apart(function("import no_such_package"), [], FILES, never)
    assert caught.value.name == "no_such_package"


def test_a_fault_of_the_process_is_none_of_the_model(function):
    with pytest.raises(RuntimeError, match="KeyError: 'ours'"):
        ask_apart(function("raise KeyError('ours')"), [], FILES, never)


def test_it_is_cancelled(function):
    def poll() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ask_apart(function("while True: pass"), [], FILES, poll)


def test_what_is_no_program_is_opened_in_this_process(tmp_path, monkeypatch):
    opened = []

    class Source:
        programs = ()

        def build_networks(self) -> None:
            opened.append(tmp_path)

    monkeypatch.setattr(checking, "read_model", lambda _: Source())
    monkeypatch.setattr(checking, "run_apart", None)
    checking.check_networks(tmp_path)
    assert opened == [tmp_path]
