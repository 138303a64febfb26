"""Which Python the worker runs in, while the setting changes and answers are late."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from MedAISegLib.slicer_io import worker_link
from MedAISegLib.slicer_io.event_loop import PlainLoop
from MedAISegLib.slicer_io.pump import WAITING, Pump
from MedAISegLib.slicer_io.worker_link import WorkerLink


class Answer(SimpleNamespace):
    """Of a Python: which it is, and which of the questions this answers."""


@pytest.fixture
def link(monkeypatch):
    """Pythons answer once they are in ``answering``, and what they are asked is noted in ``asked``."""
    settings = SimpleNamespace(python="first")
    found = WorkerLink(settings, log=lambda _line: None)
    found.settings, found.answering, found.asked = settings, set(), []

    def ask(executable, _environment):
        found.asked.append(executable.name)
        number = len(found.asked)
        while executable.name not in found.answering:
            yield WAITING
        return Answer(executable=executable, number=number)

    monkeypatch.setattr(worker_link, "find_worker_python", lambda name, _environment, _slicers: Path(name))
    monkeypatch.setattr(worker_link, "ask_python", ask)
    return found


def test_a_late_answer_of_the_python_before_does_not_take_the_place_of_the_present_one(link):
    pump = Pump(PlainLoop())
    before = pump.add(link.find_python())
    pump.tick()
    link.settings.python = "second"
    link.restart()
    link.answering.add("second")
    assert pump.wait(pump.add(link.find_python())).executable.name == "second"
    link.answering.add("first")
    assert pump.wait(before).executable.name == "second"
    assert link.asked == ["first", "second"]


def test_an_answer_from_before_a_restart_is_asked_for_again(link):
    pump = Pump(PlainLoop())
    before = pump.add(link.find_python())
    pump.tick()
    link.restart()
    link.answering.add("first")
    assert pump.wait(before).number == 2
    assert pump.wait(pump.add(link.find_python())).number == 2
