"""Models from folders, archives, addresses and packs, checked and removed; the settings of where they lie."""

from __future__ import annotations

import json
import os
import zipfile

import pytest

pytest.importorskip("pooch", reason="pooch is not installed")

from MedAISegLib.core.errors import LicenceError, ModelError, NameTakenError

from Testing.host.driver import type_text, wait_until
from Testing.host.panel_store import archive, choose, done, models, panel, publisher
from Testing.host.pythonqt import unwrap

__all__ = ["panel", "publisher"]


def test_a_folder_an_archive_and_an_address_are_imported(panel, publisher, tmp_path):
    path = archive(tmp_path / "mine.zip", "Mine")
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "folders")
    panel.host.answer(str(tmp_path / "folders" / "mine"))
    choose(panel, "importModelMenu", "importFolderAction")
    done(panel, "On this computer now: Mine")
    assert panel.parameters.GetParameter("Model") == "mine"
    panel.host.answer(str(path))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, "is on this computer already")
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: Mine")
    choose(panel, "importModelMenu", "importAddressAction")
    assert not panel.ui.installAddressButton.enabled
    type_text(panel.ui.addressEdit, publisher.url("/liver.zip"))
    panel.click("installAddressButton")
    done(panel, "On this computer now: Liver")
    assert models(tmp_path) == ["liver", "mine"]
    assert not panel.ui.addressFrame.visible


def test_a_pack_carries_models_to_another_computer(panel, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    address, details = publisher.url("/liver.zip"), panel.ui.modelDetailsBrowser
    assert "what comes later must be the same" in details.plainText.partition(address)[2]
    assert "https://example.org/p" in details.plainText
    panel.host.answer(str(tmp_path / "pack"))
    choose(panel, "moreModelsMenu", "packAllAction")
    done(panel, "Written to")
    panel.click("removeModelButton")
    assert models(tmp_path) == ["liver"]
    panel.click("modelMessageYesButton")
    done(panel, "Deleted: Liver")
    assert models(tmp_path) == []
    panel.host.answer(str(tmp_path / "pack.zip"))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, "On this computer now: Liver")
    assert models(tmp_path) == ["liver"]
    # How it came is the pack's word, and so is what it calls itself.
    told = details.plainText.partition(address)[2]
    assert "(its publisher gives none)" in told
    assert "pack.zip. The rest of how it came is what that says" in told
    assert "https://example.org/p" not in details.plainText


def test_who_imports_a_folder_or_an_archive_is_asked_for_the_licence_that_it_holds(panel, tmp_path):
    path = archive(tmp_path / "mine.zip", "Mine", license="CC BY-NC 4.0", commercial_use=False)
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "folders")
    panel.host.answer(str(path))
    choose(panel, "importModelMenu", "importFileAction")
    assert "commercial use: CC BY-NC 4.0" in done(panel, "does not allow commercial use")
    panel.click("modelMessageNoButton")
    assert models(tmp_path) == []
    panel.host.answer(str(tmp_path / "folders" / "mine"))
    choose(panel, "importModelMenu", "importFolderAction")
    done(panel, "does not allow commercial use")
    assert models(tmp_path) == []
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: Mine")
    record = json.loads((tmp_path / "home" / "trust.json").read_text())["licences"]
    assert [(value["model"], value["licence"]) for value in record.values()] == [("mine", "CC BY-NC 4.0")]


def test_who_imports_a_pack_is_asked_for_licence_and_trust_and_told_of_which_model(panel, publisher, tmp_path):
    for name in ("Heart", "With code"):
        panel.select("modelTree", name)
        panel.click("downloadButton")
        done(panel, "Trust it only if" if name == "With code" else "does not allow commercial use")
        panel.click("modelMessageYesButton")
        done(panel, f"On this computer now: {name}")
    panel.host.answer(str(tmp_path / "pack.zip"))
    choose(panel, "moreModelsMenu", "packAllAction")
    done(panel, "Written to")
    for name in ("Heart", "With code"):
        panel.select("modelTree", name)
        panel.click("removeModelButton")
        panel.click("modelMessageYesButton")
        done(panel, f"Deleted: {name}")
    (tmp_path / "home" / "trust.json").unlink()
    panel.host.answer(str(tmp_path / "pack.zip"))
    choose(panel, "importModelMenu", "importFileAction")
    assert done(panel, "Trust it only if").startswith("pack.zip: In it, code: it would run its own network")
    assert models(tmp_path) == []
    panel.click("modelMessageNoButton")
    assert models(tmp_path) == []
    panel.host.answer(str(tmp_path / "pack.zip"))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, "Trust it only if")
    panel.click("modelMessageYesButton")
    assert done(panel, "does not allow commercial use").startswith("pack.zip: In it, heart: its licence")
    assert models(tmp_path) == []
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now:")
    assert models(tmp_path) == ["code", "heart"]


@pytest.mark.parametrize("action", ["importFileAction", "importFolderAction"])
def test_a_network_alone_is_refused_with_the_command_that_describes_it(panel, tmp_path, action):
    (tmp_path / "liver").mkdir()
    (tmp_path / "liver" / "liver.onnx").write_bytes(b"a network")
    panel.host.answer(str(tmp_path / "liver" / ("liver.onnx" if action == "importFileAction" else "")))
    choose(panel, "importModelMenu", action)
    said = done(panel, "liver.onnx is a network alone")
    assert "medaiseg.json" in said
    assert "medaiseg models init FOLDER" in said
    assert "in Slicer Import, From a folder" in said
    assert models(tmp_path) == []


def test_files_that_changed_are_found(panel, tmp_path):
    panel.host.answer(str(archive(tmp_path / "mine.zip", "Mine")))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, "On this computer now: Mine")
    choose(panel, "moreModelsMenu", "verifyAction")
    done(panel, "Mine: fits, unchanged since it was installed")
    (tmp_path / "home" / "models" / "mine" / "weights").write_bytes(b"other")
    choose(panel, "moreModelsMenu", "verifyAllAction")
    done(panel, "changed since it was installed")


def test_another_file_from_the_same_address_is_asked_about_and_told_of(panel, publisher, tmp_path):
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    panel.click("removeModelButton")
    panel.click("modelMessageYesButton")
    done(panel, "Deleted: Liver")
    publisher.files["/liver.zip"] = archive(tmp_path / "liver.zip", "Liver", b"other weights").read_bytes()
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "nother file than")
    assert models(tmp_path) == []
    panel.click("modelMessageYesButton")
    done(panel, "On this computer now: Liver")
    record = tmp_path / "home" / "downloads.json"
    record.write_text(json.dumps({publisher.url("/liver.zip"): "0" * 64}))
    choose(panel, "moreModelsMenu", "verifyAction")
    assert publisher.url("/liver.zip") in done(panel, "Another file has come from")


def test_models_that_nobody_uses_are_named_before_they_go(panel, tmp_path):
    panel.host.answer(str(archive(tmp_path / "mine.zip", "Mine")))
    choose(panel, "importModelMenu", "importFileAction")
    done(panel, "On this computer now: Mine")
    choose(panel, "moreModelsMenu", "removeUnusedAction")
    done(panel, "within the last 90 days")
    record = tmp_path / "home" / "installed.json"
    record.write_text(record.read_text().replace(json.loads(record.read_text())["mine"]["used"], "2020-01-01"))
    os.utime(tmp_path / "home" / "models" / "mine", (0, 0))
    panel.session.refresh_models(on_done=lambda _: panel.widget.panel.enter())
    wait_until(lambda: (panel.session.models()[0].unused_days or 0) > 90, timeout=60)
    panel.settle()
    choose(panel, "moreModelsMenu", "removeUnusedAction")
    done(panel, "Mine (")
    panel.click("modelMessageYesButton")
    done(panel, "Deleted: Mine")
    assert models(tmp_path) == []


def test_folders_of_several_users_are_searched_and_left_alone(panel, tmp_path):
    with zipfile.ZipFile(archive(tmp_path / "common.zip", "Common")) as file:
        file.extractall(tmp_path / "shared")
    panel.ui.advancedSection.collapsed = panel.ui.modelStoreGroup.collapsed = False
    panel.settle()
    panel.host.answer(str(tmp_path / "shared"))
    panel.click("addSharedFolderButton")
    wait_until(lambda: ["Common", "ready"] in panel.rows("modelTree"), timeout=60)
    panel.select("modelTree", "Common")
    assert "several users share" in panel.ui.removeModelButton.toolTip
    panel.ui.sharedFoldersTree.setCurrentItem(panel.ui.sharedFoldersTree.topLevelItem(0))
    panel.settle()
    panel.click("removeSharedFolderButton")
    wait_until(lambda: ["Common", "ready"] not in panel.rows("modelTree"), timeout=60)


def test_models_go_into_the_folder_that_is_set(panel, tmp_path):
    panel.ui.advancedSection.collapsed = panel.ui.modelStoreGroup.collapsed = False
    panel.settle()
    panel.ui.modelsHomePath.currentPath = str(tmp_path / "elsewhere")
    panel.settle()
    panel.select("modelTree", "Liver")
    panel.click("downloadButton")
    done(panel, "On this computer now: Liver")
    assert (tmp_path / "elsewhere" / "models" / "liver").is_dir()
    assert str(tmp_path / "elsewhere") in panel.ui.modelStoreLabel.text
    assert unwrap(panel.ui.MedAISeg).minimumSizeHint().width() <= 400


def test_the_console_does_the_same(panel, publisher, tmp_path):
    logic, told = panel.widget.logic, []
    assert [model.id for model in logic.search("LIVER ct")] == ["liver"]
    with pytest.raises(LicenceError, match="does not allow commercial use"):
        logic.install("heart")
    (liver,) = logic.install("liver", on_progress=told.append)
    assert (liver.name, liver.state.value, liver.license) == ("Liver", "ready", "MIT")
    assert told[-1].stage.value == "check"
    panel.settle()
    assert [check.problem for check in logic.verify("liver")] == [""]
    pack = logic.pack(tmp_path / "p.zip", "liver")
    with pytest.raises(NameTakenError):
        logic.install(pack)
    logic.remove("liver")
    assert [model.id for model in logic.install(pack)] == ["liver"]
    with pytest.raises(ModelError, match="no such model"):
        logic.remove("elbow")
    assert models(tmp_path) == ["liver"]
