"""What a run will need is asked for once, and again where no answer will come or it is out of date."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from MedAISegLib.core.errors import Cancelled, ModelError
from MedAISegLib.slicer_io.inputs import NodeInput

from Testing.host.panel import cards
from Testing.host.runs_in_scene import oblique


class Asked:
    """As much of a session as is asked for needs."""

    def __init__(self):
        self.settings, self.questions = SimpleNamespace(device="auto"), []

    def need(self, request, _geometries, on_done, on_error):
        self.questions.append((request.model, on_done, on_error))
        return SimpleNamespace(cancel=lambda: None)


@pytest.fixture
def need_of(slicer_app):
    """What is known of the needs of a model of the tests, asked for where nothing is."""
    from MedAISegLib.slicer_ui.needs import Needs

    session, told = Asked(), []
    needs = Needs(session, lambda: told.append(True), lambda: True)
    there = {card.id: card for card in cards()}

    def known(model):
        card = there[model]
        names = [channel.name for channel in card.channels]
        return needs.of(card, dict.fromkeys(names, NodeInput("a")), dict.fromkeys(names, oblique()), None)

    known.needs, known.questions, known.told = needs, session.questions, told
    return known


def test_needs_that_the_end_of_a_worker_leaves_open_are_asked_for_again(need_of):
    assert need_of("threshold") is None
    _model, _done, failed = need_of.questions[0]
    failed(Cancelled())
    assert need_of.told == [True]
    need_of("threshold")
    assert len(need_of.questions) == 2


def test_after_needs_that_cannot_be_told_those_of_the_model_chosen_meanwhile_are_asked_for(need_of):
    need_of("threshold")
    need_of("slow")
    _model, _done, failed = need_of.questions[0]
    failed(ModelError("it cannot be told."))
    assert need_of.told == [True]
    need_of("threshold")
    need_of("slow")
    assert [model for model, _done, _failed in need_of.questions] == ["threshold", "slow"]


def test_needs_that_were_asked_for_before_a_run_has_ended_are_not_kept(need_of):
    need_of("threshold")
    _model, done, _failed = need_of.questions[0]
    need_of.needs.forget()
    done("before the run")
    assert need_of("threshold") is None
    need_of.questions[1][1]("after it")
    assert need_of("threshold") == "after it"
