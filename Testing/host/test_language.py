"""Slicer in another language: a translation that is installed reaches the panel and what the parts behind it say."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

from Testing.host.panel import ThePanel, open_panel, use_small_worker
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
    monkeypatch.setenv("MEDAISEG_PYTHON", sys.executable)
    for name in [name for name in sys.modules if name.partition(".")[0] == "MedAISegLib"]:
        monkeypatch.delitem(sys.modules, name)
    translator = Angles()
    QCoreApplication.installTranslator(translator)
    use_small_worker(monkeypatch.setattr)
    yield open_panel(slicer_app)
    QCoreApplication.removeTranslator(translator)
    from MedAISegLib.slicer_io.session import close_session

    slicer_app.quit()
    close_session()
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
    assert panel.ui.modelSection.text == "«MedAISeg|Model»"


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


def test_a_check_that_finds_the_same_of_several_images_says_it_once(translated_panel):
    panel = translated_panel
    panel.select("modelTree", "Brain tumour of four sequences")
    for name in ("AX T2", "AX T1", "AX FLAIR", "AX T1 post Gd"):
        bright_volume(panel.host.scene, name, shape=(2, 40, 40))
    panel.settle()
    wanted = "The «app.fit|image for T1c, T1, T2, FLAIR» has only 2 slices; the model was made for volumes."
    assert f"«app.checks|{wanted}»" in checks(panel)


def test_an_error_of_what_stands_between_panel_and_scene_is_translated(translated_panel):
    panel = translated_panel
    bright_volume(panel.host.scene)
    panel.ui.regionSelector.setCurrentNode(panel.host.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R"))
    panel.settle()
    assert "«slicer_io.region_node|the region is not drawn yet.»" in panel.ui.applyButton.toolTip


def test_a_worker_that_fails_is_explained_in_the_language_of_the_application(translated_panel):
    panel = translated_panel
    bright_volume(panel.host.scene)
    panel.select("modelTree", "Model that killed")
    panel.click("applyButton")
    panel.wait_for_runs()
    assert "«app.endings|the worker was killed by the system" in panel.message("run")


def test_a_reload_goes_on_in_the_language_of_the_application(translated_panel):
    import slicer

    panel = translated_panel
    slicer.util.reloadScriptedModule("MedAISeg")
    bright_volume(panel.host.scene, shape=(2, 40, 40))
    again = ThePanel(panel.host)
    again.host.enter("MedAISeg")
    again.settle()
    assert any("«app.checks|The " in text for text in checks(again))
