"""The list of models: found by words, grouped by modality, described."""

from __future__ import annotations

from dataclasses import replace

import pytest

from Testing.host.driver import type_text
from Testing.host.panel import panel
from Testing.host.pythonqt import unwrap

__all__ = ["panel"]

HTML = '<img src="x"> & <b> &lt;'


@pytest.fixture
def model_of_a_stranger(monkeypatch):
    """A model of which every text would be HTML."""
    from MedAISegLib.models.spec import Channel, SegmentSpec

    from Testing.host import panel as the_panel

    known = the_panel.cards()
    texts = {"id": "stranger", "name": f"Name {HTML}", "description": f"Description {HTML}"}
    parts = {"channels": (Channel(f"Channel {HTML}", "MR"),), "segments": (SegmentSpec(1, f"Segment {HTML}"),)}
    monkeypatch.setattr(the_panel, "cards", lambda: (*known, replace(known[0], **texts, **parts)))


def shown(text):
    """What Qt shows for a text that may be rich, and whether it would look for a picture."""
    from PySide6 import QtGui

    document = QtGui.QTextDocument()
    if not QtGui.Qt.mightBeRichText(text):
        return text, False
    document.setHtml(text)
    return document.toPlainText(), "<img" in document.toHtml()


def test_what_strangers_wrote_is_shown_as_it_is(model_of_a_stranger, panel):
    from Testing.host.runs_in_scene import bright_volume

    bright_volume(panel.host.scene).SetName(f"Volume {HTML}")
    panel.select("modelTree", f"Name {HTML}")
    model, segment = panel.item("modelTree", f"Name {HTML}"), panel.item("labelTree", f"Segment {HTML}")
    assert shown(model.toolTip(0)) == (f"Description {HTML}", False)
    assert shown(segment.toolTip(0)) == (f"Segment {HTML}", False)
    combo, label = panel.find("inputSelector0"), unwrap(panel.find("inputLabel0"))
    assert combo.currentText == f"Volume {HTML}"
    description, has_picture = shown(combo.itemData(combo.currentIndex, 3))
    assert HTML in description
    assert not has_picture
    assert label.textFormat().name == "PlainText"
    assert label.text() == f"Channel {HTML}:".replace("&", "&&")


def test_a_plain_tool_tip_stays_plain(panel):
    assert panel.item("modelTree", "Bright things").toolTip(0) == "Outlines what is bright."


def test_those_of_this_computer_come_first_grouped_by_modality_with_their_state(panel):
    rows = panel.rows("modelTree")
    assert [row[0] for row in rows if not row[1]] == ["CT", "DX", "MR", "PET", "Any image", "MR, to download (1)"]
    assert ["Model elsewhere", "to download, 250 MB"] in rows
    assert ["Odd model", "cannot be used"] in rows


def test_what_can_be_downloaded_is_folded_until_it_is_searched_for(panel):
    panel.ui.modelSearchBox.text = "elsewhere"
    assert panel.item("modelTree", "Model elsewhere").parent().isExpanded()
    panel.ui.modelSearchBox.clear()
    assert not panel.item("modelTree", "Model elsewhere").parent().isExpanded()


def test_the_list_is_as_high_as_what_is_unfolded(panel):
    tree = panel.ui.modelTree
    unfolded = tree.height
    for group in [row[0] for row in panel.rows("modelTree") if not row[1]]:
        panel.item("modelTree", group).setExpanded(False)
    panel.settle()
    assert tree.height < unfolded
    panel.item("modelTree", "MR").setExpanded(True)
    panel.settle()
    assert tree.height == unfolded


def test_words_of_the_name_the_anatomy_or_a_label_find_a_model(panel):
    type_text(panel.ui.modelSearchBox, "struct 104")
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
