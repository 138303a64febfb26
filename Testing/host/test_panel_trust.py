"""Trust is given to what the user was asked about; what has changed until the answer is asked about anew."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.core.errors import NotTrustedError, UsageError

from Testing.host.driver import wait_until
from Testing.host.panel_store import choose, done, models, panel, publisher

__all__ = ["panel", "publisher"]

CHANGED = "Its files have changed since you were asked"


def with_code(folder):
    """A model that wants to run code of its own."""
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"name": "With code", "own_code": True}))
    return folder


def test_a_model_that_has_changed_since_the_question_is_asked_about_anew(panel, publisher, tmp_path):
    folder = with_code(tmp_path / "home" / "models" / "code")
    panel.widget.panel._models.ask_again()
    wait_until(lambda: ["code", "asks for trust"] in panel.rows("modelTree"), timeout=60)
    panel.select("modelTree", "code")
    panel.click("trustButton")
    assert CHANGED not in done(panel, "Trust it only if")
    (folder / "more.py").write_text("harm()")
    panel.click("modelMessageYesButton")
    assert "run its own network" in done(panel, CHANGED)
    assert ["code", "asks for trust"] in panel.rows("modelTree")
    panel.click("modelMessageYesButton")
    wait_until(lambda: ["With code", "ready"] in panel.rows("modelTree"), timeout=60)
    assert panel.message("model") == ""


def test_a_source_that_has_changed_since_the_question_is_asked_about_anew(panel, publisher, tmp_path):
    folder = with_code(tmp_path / "code")
    panel.host.answer(str(folder))
    choose(panel, "importModelMenu", "importFolderAction")
    assert CHANGED not in done(panel, "Trust it only if")
    (folder / "more.py").write_text("harm()")
    panel.click("modelMessageYesButton")
    done(panel, CHANGED)
    assert models(tmp_path) == []
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: With code")
    assert models(tmp_path) == ["code"]


def test_where_trust_does_not_help_the_reason_is_told_and_nothing_asked(panel, monkeypatch):
    """As where a trusted model's weights hold code: it would be asked again after each answer."""
    asked = []

    def trust(_model, on_error, **_):
        asked.append("asked")
        on_error(UsageError("it is trusted already."))

    monkeypatch.setattr(panel.session, "trust_model", trust)
    refused = NotTrustedError("the weights' file holds code.", remedy="Ask for plain weights.")
    acts = panel.widget.panel._models.acts
    acts.trust(SimpleNamespace(id="code", name="With code"), refused, lambda: asked.append("run"))
    panel.settle()
    assert "holds code" in panel.message("model")
    assert "Ask for plain weights" in panel.message("model")
    assert asked == ["asked"]
