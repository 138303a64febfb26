"""Which image serves which input: proposed, shown with the reason, changed by the user, checked before Apply."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.host.dicom_cases import import_into
from Testing.host.panel import panel
from Testing.host.runs_in_scene import bright_volume

__all__ = ["panel"]

LONG = "13: AX T2 FLAIR, ein sehr langer Name mit Ümläuten und 日本語, den keine Auswahl ganz zeigen kann"


def checks(panel):
    found = [panel.find(f"inputCheckLabel{n}") for n in range(10)]
    return [label.text for label in found if label is not None]


def test_four_channels_find_their_images_by_what_they_are_called(panel):
    panel.select("modelTree", "Brain tumour of four sequences")
    for name in ("14: AX T2", "11: AX T1", LONG, "12: AX T1 post Gd"):
        bright_volume(panel.host.scene, name)
    panel.settle()
    chosen = [panel.find(f"inputSelector{n}").currentText for n in range(4)]
    assert chosen == ["12: AX T1 post Gd", "11: AX T1", "14: AX T2", LONG]
    assert "T1 by" in panel.find("inputSelector0").toolTip
    assert panel.ui.applyButton.enabled


def test_what_the_user_chooses_stays_when_other_images_come(panel):
    bright_volume(panel.host.scene, "AX T1")
    other = bright_volume(panel.host.scene, "something else")
    panel.settle()
    assert panel.find("inputSelector0").currentText == "AX T1"
    panel.choose("inputSelector0", "something else")
    bright_volume(panel.host.scene, "another T1")
    panel.settle()
    assert panel.find("inputSelector0").currentText == "something else"
    assert panel.parameters.GetNodeReference("Input0") is other
    panel.choose("inputSelector0", "choose by itself")
    assert panel.find("inputSelector0").currentText == "AX T1"
    assert panel.parameters.GetNodeReference("Input0") is None


def test_a_name_that_changes_changes_in_the_selector(panel):
    volume = bright_volume(panel.host.scene, "before")
    panel.settle()
    volume.SetName("after")
    panel.settle()
    assert "after" in panel.texts("inputSelector0")


def test_hidden_volumes_labels_and_empty_volumes_are_not_offered(panel):
    import slicer

    hidden = slicer.vtkMRMLScalarVolumeNode()
    hidden.SetHideFromEditors(True)
    panel.host.scene.AddNode(hidden)
    panel.host.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    panel.host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    panel.settle()
    assert panel.texts("inputSelector0") == ["choose an image", "", "from the DICOM database…"]
    assert panel.ui.welcomeFrame.visible
    assert checks(panel) == ["Cannot be an input: labels (it holds labels, not an image); empty (it is empty)"]
    bright_volume(panel.host.scene)
    panel.settle()
    assert not [text for text in checks(panel) if "labels" in text]


def test_of_many_that_cannot_be_chosen_three_are_named_and_the_others_counted(panel):
    for name in "abc":
        panel.host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    panel.settle()
    three = "Cannot be an input: a (it is empty); b (it is empty); c (it is empty)"
    assert checks(panel) == [three]
    for name in "de":
        panel.host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    panel.settle()
    assert checks(panel) == [f"{three} and 2 more"]


def test_an_image_that_is_gone_is_an_input_no_more(panel):
    volume = bright_volume(panel.host.scene)
    panel.settle()
    panel.host.scene.RemoveNode(volume)
    panel.settle()
    assert panel.find("inputSelector0").currentText == "choose an image"
    assert not panel.ui.applyButton.enabled


def test_the_same_note_on_several_channels_is_one_line(panel):
    panel.select("modelTree", "Brain tumour of four sequences")
    for name in ("T2", "T1", "FLAIR", "T1 post Gd"):
        bright_volume(panel.host.scene, name)
    panel.settle()
    assert checks(panel) == ["The image for T1c, T1, T2, FLAIR does not say its modality; it is taken as MR."]


def test_images_of_different_places_keep_apply_from_running(panel):
    import slicer

    panel.select("modelTree", "Brain tumour of four sequences")
    for name in ("T2", "T1", "FLAIR", "T1 post Gd"):
        volume = bright_volume(panel.host.scene, name)
    transform = panel.host.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "far away")
    moved = np.eye(4)
    moved[0, 3] = 5000
    panel.settle()
    assert panel.ui.applyButton.enabled
    volume.SetAndObserveTransformNodeID(transform.GetID())
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moved))
    panel.settle()
    assert not panel.ui.applyButton.enabled
    assert "different places" in panel.ui.applyButton.toolTip


@pytest.mark.parametrize(("answer", "units"), [("Yes", "GML"), ("No", "BQML")])
def test_a_pet_image_without_units_is_asked_about(panel, answer, units):
    panel.select("modelTree", "Lesions in PET")
    bright_volume(panel.host.scene, "PET")
    panel.settle()
    panel.click("applyButton")
    assert "SUV" in panel.message("run")
    panel.click(f"runMessage{answer}Button")
    assert panel.session.runs[-1].request.units == {"PET": units}


def test_a_question_goes_when_another_model_is_chosen(panel):
    panel.select("modelTree", "Lesions in PET")
    bright_volume(panel.host.scene, "PET")
    panel.settle()
    panel.click("applyButton")
    panel.select("modelTree", "Bright things")
    assert panel.message("run") == ""


def test_the_picker_says_that_the_database_is_closed_and_shows_it_once_it_is_open(panel, tmp_path):
    database = import_into(tmp_path / "db")
    database.closeDatabase()
    panel.choose("inputSelector0", "from the DICOM database")
    assert "is not open" in panel.ui.pickerStateLabel.text
    assert not panel.ui.pickerChoices.visible
    panel.click("closePickerButton")
    database.openDatabase(database.databaseFilename)
    panel.choose("inputSelector0", "from the DICOM database")
    assert "is empty" in panel.ui.pickerStateLabel.text


def test_the_picker_says_that_there_is_no_database(panel, monkeypatch):
    import slicer

    monkeypatch.setattr(slicer, "dicomDatabase", None, raising=False)
    panel.choose("inputSelector0", "from the DICOM database")
    assert panel.ui.pickerFrame.visible
    assert "no DICOM database yet" in panel.ui.pickerStateLabel.text
    panel.click("closePickerButton")
    assert not panel.ui.pickerFrame.visible
    assert panel.find("inputSelector0").currentText == "choose an image"
