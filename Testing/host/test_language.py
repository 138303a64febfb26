"""Slicer in another language: a translation that is installed reaches the panel and what the parts behind it say."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

from Testing.host.panel import open_panel, use_small_worker
from Testing.host.runs_in_scene import bright_volume


class Angles(QTranslator):
    """A language whose every text is the English one in angle brackets, with the file it stands in before it."""

    def isEmpty(self):
        return False

    def translate(self, context, text, disambiguation=None, n=-1):
        return f"«{context}|{text}»"


@pytest.fixture
def translated_panel(slicer_app, monkeypatch, tmp_path):
    """The panel on a small worker, in an application that speaks in angle brackets."""
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MedAISegLib"]:
        monkeypatch.delitem(sys.modules, name)
    translator = Angles()
    QCoreApplication.installTranslator(translator)
    use_small_worker(monkeypatch.setattr)
    yield open_panel(slicer_app)
    QCoreApplication.removeTranslator(translator)
    slicer_app.quit()
    for name in [name for name in sys.modules if name.partition(".")[0] == "MedAISegLib"]:
        sys.modules.pop(name)


def checks(panel):
    found = [panel.find(f"inputCheckLabel{n}") for n in range(10)]
    return [label.text for label in found if label is not None]


def test_every_text_of_the_panel_is_translated(translated_panel):
    panel = translated_panel
    bright_volume(panel.host.scene)
    panel.settle()
    assert panel.ui.applyButton.toolTip.removeprefix("<p>").startswith("«")
    assert "«slicer_ui.model_card_text|Input: T1 (MR)»" in panel.ui.modelSummaryLabel.text
    assert panel.find("inputSelector0").itemText(2) == "«slicer_ui.input_view|from the DICOM database…»"
    assert panel.ui.workerLabel.text.startswith("«")


def test_what_a_check_finds_is_translated(translated_panel):
    panel = translated_panel
    bright_volume(panel.host.scene, shape=(2, 40, 40))
    panel.settle()
    wanted = "«app.checks|The «app.fit|image for T1» has only 2 slices; the model was made for volumes.»"
    assert any(wanted in text for text in checks(panel))


def test_why_an_image_was_proposed_is_translated(translated_panel):
    panel = translated_panel
    bright_volume(panel.host.scene, "AX T1")
    panel.settle()
    tooltip = panel.find("inputSelector0").toolTip
    assert "«app.match|the only image; " in tooltip
    assert "«app.fit|modality MR»" in tooltip or "«app.fit|T1 by “AX T1”»" in tooltip
