"""A model is written as a bundle of our own by clicks: told how far, stopped, refused, and read back."""

from __future__ import annotations

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from Testing.host.driver import wait_until
from Testing.host.panel_store import archive, choose, done, models, panel, publisher

__all__ = ["panel", "publisher"]


def bring(panel, tmp_path, name="Mine", **model):
    """Import a model and select it."""
    panel.host.answer(str(archive(tmp_path / f"{name.lower()}.zip", name, **model)))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, f"On this computer now: {name}")


def export(panel, place):
    panel.host.answer(str(place))
    choose(panel, "moreModelsMenu", "exportModelAction")


def may_export(panel):
    actions = panel.find("moreModelsMenu").actions()
    return next(action for action in actions if action.objectName == "exportModelAction").enabled


def test_a_model_becomes_a_folder_of_its_own_name_that_can_be_imported(panel, tmp_path):
    bring(panel, tmp_path, license="CC BY 4.0")
    (tmp_path / "place").mkdir()
    export(panel, tmp_path / "place")
    said = done(panel, "Written to")
    assert str(tmp_path / "place" / "mine") in said
    assert "Its licence goes with it: CC BY 4.0." in said
    assert "written as weights of UNet" in panel.find("modelMessageDetailsText").plainText
    panel.click("removeModelButton")
    panel.click("modelMessageYesButton")
    done(panel, "Deleted: Mine")
    panel.host.answer(str(tmp_path / "place" / "mine"))
    choose(panel, "importModelMenu", "importFolderAction")
    done(panel, "On this computer now: Mine")
    assert models(tmp_path) == ["mine"]


def test_it_shows_how_far_it_is_is_stopped_and_leaves_nothing(panel, tmp_path, monkeypatch):
    bring(panel, tmp_path, export_seconds=600)
    (tmp_path / "place").mkdir()
    export(panel, tmp_path / "place")
    wait_until(lambda: "Mine: is exported, part 2 of 5" in panel.ui.transferLabel.text, timeout=60)
    assert panel.item("modelTree", "Mine").text(1) == "is exported…"
    assert panel.ui.transferFrame.visible
    pid = panel.session.client.pid
    monkeypatch.setattr(panel.session.client, "_cancel_timeout_s", 60.0)
    panel.click("cancelTransferButton")
    assert "Nothing was changed" in done(panel, "Stopped.", timeout=60)
    assert panel.session.client.pid == pid, "the worker is not ended for it"
    assert list((tmp_path / "place").iterdir()) == []
    assert not panel.ui.transferFrame.visible
    choose(panel, "moreModelsMenu", "verifyAction")
    done(panel, "Mine: fits")


def test_no_folder_is_chosen_and_nothing_happens(panel, tmp_path):
    bring(panel, tmp_path)
    said = panel.message("model")
    export(panel, "")
    assert panel.message("model") == said
    assert not panel.ui.transferFrame.visible


def test_what_is_there_already_is_left_alone(panel, tmp_path):
    bring(panel, tmp_path)
    (tmp_path / "place" / "mine").mkdir(parents=True)
    (tmp_path / "place" / "mine" / "precious").write_text("data", encoding="utf-8")
    export(panel, tmp_path / "place")
    said = done(panel, "exists and is not empty")
    assert str(tmp_path / "place" / "mine") in said
    assert "Choose another place" in said
    assert [file.name for file in (tmp_path / "place" / "mine").iterdir()] == ["precious"]


def test_only_what_is_here_and_runs_can_be_exported(panel, tmp_path):
    panel.select("modelTree", "Liver")
    assert not may_export(panel), "it is not on this computer"
    bring(panel, tmp_path)
    assert may_export(panel)
    panel.select("modelTree", "With code")
    panel.click("downloadButton")
    done(panel, "Trust it")
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: With code")
    export(panel, tmp_path)
    said = done(panel, "it runs by code of its own")
    assert "Share it as it is." in said
    choose(panel, "moreModelsMenu", "withdrawTrustAction")
    wait_until(lambda: not may_export(panel), timeout=60)


def test_the_console_does_the_same(panel, tmp_path):
    logic, told = panel.widget.logic, []
    logic.install(archive(tmp_path / "mine.zip", "Mine"))
    folder = logic.export_model("mine", tmp_path / "shared", on_progress=told.append)
    assert folder == tmp_path / "shared"
    assert (folder / "model.json").is_file()
    assert told[-1].stage.value == "export"
