"""Work in another process: what it says, what it may take, and that it never outlives who began it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from MedAISegLib.core.errors import Cancelled, ResourceError
from MedAISegLib.core.progress import never
from MedAISegLib.engine import own_process
from MedAISegLib.engine.own_process import Excess, run_apart

ENOUGH_S = 120.0


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes the body of the ``main`` of a module, and gives its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(body: str) -> str:
        text = dedent(body).replace("\n", "\n    ")
        (tmp_path / "of_this_test.py").write_text(f"import os, sys, time\ndef main(*given):\n    {text}\n")
        return "of_this_test"

    return write


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "of_this_test" in " ".join(child.cmdline())]


def test_its_last_lines_are_told(module):
    name = module("print('first'); print(*given); print('why', file=sys.stderr); sys.exit(7)")
    ending = run_apart(name, ["a", "ü"], never, longest_s=ENOUGH_S)
    assert (ending.code, ending.excess, ending.answer, ending.told) == (7, None, "a ü", "why")


def test_its_death_is_its_own(module):
    ending = run_apart(module("os.abort()"), [], never, longest_s=ENOUGH_S)
    assert ending.code != 0
    assert ending.excess is None


def test_it_is_ended_after_its_time(module):
    ending = run_apart(module("while True: pass"), [], never, longest_s=0.5)
    assert ending.excess is Excess.TIME
    assert not children()


def test_it_is_ended_where_it_holds_too_much(module):
    name = module("kept = []\nwhile True: kept.append(bytearray(1 << 22)); time.sleep(0.001)")
    ending = run_apart(name, [], never, longest_s=ENOUGH_S, most_bytes=300e6)
    assert ending.excess is Excess.MEMORY
    assert not children()


def test_it_is_given_up_within_a_second(module):
    asked_s = []

    def poll() -> None:
        if children():
            asked_s.append(time.monotonic())
            raise Cancelled

    with pytest.raises(Cancelled):
        run_apart(module("while True: pass"), [], poll, longest_s=ENOUGH_S)
    assert time.monotonic() - asked_s[0] < 1.0
    assert not children()


def test_where_nothing_can_be_started_is_told(module, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ResourceError, match="cannot be started"):
        run_apart(module("pass"), [], never, longest_s=ENOUGH_S)


def test_it_ends_with_its_parent(module):
    name = module("print(flush=True); time.sleep(600)")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    given = [name, "600", json.dumps(sys.path)]
    with subprocess.Popen([sys.executable, "-c", own_process._BEGIN, *given], **pipes) as begun:
        assert begun.stdout.readline()
        assert begun.poll() is None
        begun.stdin.close()
        assert begun.wait(60) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells a process of its parent's end")
def test_it_ends_with_a_killed_parent_whatever_it_computes(module, tmp_path):
    """A regular expression of this kind takes hours, within which no other thread of Python's runs."""
    told = tmp_path / "pid"
    name = module(f"""
        import re
        open({str(told)!r}, "w").write(str(os.getpid()))
        re.match("(a|aa)+$", "a" * 200 + "b")""")
    program = f"""
import sys
sys.path[:] = {sys.path!r}
from MedAISegLib.engine.own_process import run_apart
run_apart({name!r}, [], lambda: None, longest_s=600)"""
    parent = subprocess.Popen([sys.executable, "-c", program])
    process = psutil.Process(_pid_in(told))
    parent.kill()
    parent.wait()
    assert process.wait(10) is None
    assert not process.is_running()


def _pid_in(file: Path) -> int:
    end_s = time.monotonic() + ENOUGH_S
    while time.monotonic() < end_s:
        if file.exists() and file.read_text():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError("the process did not begin")
