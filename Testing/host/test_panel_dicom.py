"""Inputs from Slicer's DICOM database: picked in the panel, matched by their tags, loaded by Apply, stored back."""

from __future__ import annotations

import pytest

from Testing.host.dicom_cases import all_series, import_into
from Testing.host.driver import wait_until
from Testing.host.panel import panel
from Testing.host.runs_in_scene import segmentations

__all__ = ["panel"]

VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def database(panel, shared_data, tmp_path):
    return import_into(tmp_path / "db", shared_data / "brain_mr_dicom" / "study1")


def open_picker(panel):
    panel.choose("inputSelector0", "from the DICOM database")
    assert panel.ui.pickerFrame.visible


def chosen(panel, count):
    return [panel.find(f"inputSelector{n}").currentText for n in range(count)]


def test_a_study_is_matched_to_four_channels_and_loaded_by_apply(panel, database):
    panel.select("modelTree", "Brain tumour of four sequences")
    open_picker(panel)
    panel.click("matchStudyButton")
    wait_until(lambda: all("DICOM database" in text for text in chosen(panel, 4)), timeout=100)
    names = dict(zip(("T1c", "T1", "T2", "FLAIR"), chosen(panel, 4), strict=True))
    assert "post" in names["T1c"].lower()
    assert "pre" in names["T1"].lower()
    assert "T2" in names["T2"]
    assert "FLAIR" in names["FLAIR"].upper()
    assert panel.host.scene.GetNumberOfNodesByClass(VOLUME) == 0
    panel.click("applyButton")
    panel.wait_for_runs()
    assert panel.session.runs[-1].error is None
    assert panel.host.scene.GetNumberOfNodesByClass(VOLUME) == 4
    assert len(segmentations(panel.host.scene)) == 1


def test_one_series_is_chosen_by_patient_study_and_series(panel, database):
    open_picker(panel)
    assert panel.ui.patientSelector.count == 1
    assert len(panel.rows("seriesTree")) == len(all_series(database))
    title = panel.rows("seriesTree")[1][0]
    panel.select("seriesTree", title)
    panel.click("chooseSeriesButton")
    wait_until(lambda: title in panel.find("inputSelector0").currentText, timeout=100)
    assert not panel.ui.pickerFrame.visible
    assert panel.ui.applyButton.enabled
    values = " ".join(panel.parameters.GetParameter(name) for name in panel.parameters.GetParameterNames())
    assert not [uid for uid in all_series(database).values() if uid in values]


def test_series_of_another_modality_are_shown_only_when_asked_for(panel, database):
    panel.select("modelTree", "Whole body")
    open_picker(panel)
    assert panel.rows("seriesTree") == []
    assert "no CT series" in panel.ui.pickerStateLabel.text
    panel.click("allModalitiesCheckBox")
    assert len(panel.rows("seriesTree")) == len(all_series(database))


def test_files_that_are_gone_are_told_before_apply(panel, shared_data, tmp_path):
    import shutil

    copy = tmp_path / "study"
    shutil.copytree(shared_data / "brain_mr_dicom" / "study1", copy)
    import_into(tmp_path / "db", copy)
    shutil.rmtree(copy)
    open_picker(panel)
    panel.select("seriesTree", panel.rows("seriesTree")[0][0])
    panel.click("chooseSeriesButton")
    wait_until(lambda: "DICOM database" in panel.find("inputSelector0").currentText, timeout=100)
    assert not panel.ui.applyButton.enabled
    assert "none of its files" in panel.ui.applyButton.toolTip


def test_an_empty_database_reads_well(panel, tmp_path):
    import_into(tmp_path / "empty")
    open_picker(panel)
    assert "is empty" in panel.ui.pickerStateLabel.text
    assert not panel.ui.chooseSeriesButton.visible
