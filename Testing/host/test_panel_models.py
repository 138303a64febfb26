"""The list of models: found by words, grouped by modality, described, imported and removed."""

from __future__ import annotations

from pathlib import Path

from MedAISegLib.core.errors import ModelError, UsageError

from Testing.host.driver import type_text
from Testing.host.panel import cards, panel

__all__ = ["panel"]


def test_models_are_grouped_by_modality_with_their_state(panel):
    rows = panel.rows("modelTree")
    assert [row[0] for row in rows if not row[1]] == ["CT", "MR", "PET"]
    assert ["Model elsewhere", "to download, 250 MB"] in rows
    assert ["Odd model", "cannot be used"] in rows


def test_words_of_the_name_the_anatomy_or_a_label_find_a_model(panel):
    type_text(panel.ui.modelSearchBox, "structure 104")
    assert [row[0] for row in panel.rows("modelTree")] == ["CT", "Whole body"]
    panel.ui.modelSearchBox.clear()
    type_text(panel.ui.modelSearchBox, "BRAIN mr")
    assert [row[0] for row in panel.rows("modelTree")] == ["MR", "Brain tumour of four sequences"]


def test_the_card_says_what_a_model_finds_and_wants(panel):
    panel.select("modelTree", "Whole body")
    assert "101 more" in panel.ui.modelSummaryLabel.text
    assert "Input: CT" in panel.ui.modelSummaryLabel.text
    assert "MIT (commercial use allowed)" in panel.ui.modelSummaryLabel.text
    details = panel.ui.modelDetailsBrowser.plainText
    assert "Structure number 104 of the body" in details
    assert "Nobody et al." in details


def test_a_model_that_cannot_run_says_why_on_apply(panel):
    panel.select("modelTree", "Model elsewhere")
    assert "not on this computer" in panel.ui.applyButton.toolTip
    panel.select("modelTree", "Odd model")
    assert "weights are missing" in panel.ui.applyButton.toolTip


def test_the_choice_is_kept_in_the_scene(panel):
    panel.select("modelTree", "Whole body")
    assert panel.parameters.GetParameter("Model") == "many"


def test_a_folder_is_imported_and_selected(panel, monkeypatch):
    import qt

    found = []

    def install(path, on_done, on_error, *, overwrite=False):
        found.append((path, overwrite))
        if not overwrite:
            on_error(UsageError("the model is there already.", remedy="Replace it."))
        else:
            on_done((*cards(), cards()[0].__class__(id="new", name="New model", state=cards()[0].state)))

    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_: "/models/new", raising=False)
    monkeypatch.setattr(panel.session, "install_model", install)
    panel.click("importModelFolderButton")
    assert "is there already" in panel.message("model")
    panel.click("modelMessageYesButton")
    assert found == [(Path("/models/new"), False), (Path("/models/new"), True)]
    assert "New model" in panel.message("model")
    assert panel.parameters.GetParameter("Model") == "new"


def test_removing_asks_first_and_tells_what_went_wrong(panel, monkeypatch):
    removed = []

    def remove(model, on_done, on_error):
        removed.append(model)
        on_error(ModelError("it is in use.", where=model))

    monkeypatch.setattr(panel.session, "remove_model", remove)
    panel.click("removeModelButton")
    assert removed == []
    panel.click("modelMessageYesButton")
    assert removed == ["threshold"]
    assert "it is in use" in panel.message("model")


def test_only_ticked_structures_are_asked_for(panel):
    from Testing.host.runs_in_scene import bright_volume

    bright_volume(panel.host.scene)
    panel.ui.labelsGroup.collapsed = False
    panel.settle()
    panel.tick("labelTree", "Nothing", ticked=False)
    assert panel.ui.labelsGroup.title == "Structures: 2 of 3"
    panel.click("applyButton")
    assert panel.session.runs[-1].request.labels == ("Bright", "Brightest")
    panel.click("allLabelsButton")
    assert panel.ui.labelsGroup.title == "Structures: all 3"
