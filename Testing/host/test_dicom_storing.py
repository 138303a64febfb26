"""A DICOM SEG goes back into Slicer's database, and it is made sure that it arrived."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest
from MedAISegLib.core.errors import InputError, ResourceError
from MedAISegLib.slicer_io.dicom_storing import insert_segmentation, reading_notice

from Testing.host.dicom_cases import import_into


@pytest.fixture
def study(slicer_app, tmp_path, shared_data):
    """The UID of a study in the database."""
    database = import_into(tmp_path / "Datenbank ä", shared_data / "brain_mr_dicom" / "study1" / "13_HCropVolume")
    (patient,) = database.patients()
    (uid,) = database.studiesForPatient(patient)
    return uid


@pytest.fixture
def segmentation(tmp_path, shared_data, study):
    """A DICOM SEG of that study."""
    source = next((shared_data / "brain_mr_dicom" / "study1" / "13_HCropVolume").iterdir())
    header = pydicom.dcmread(source, stop_before_pixels=True)
    dataset = pydicom.dcmread(next((shared_data / "dicom_seg").rglob("*.dcm")))
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID"):
        setattr(dataset, keyword, header[keyword].value)
    path = tmp_path / "result.dcm"
    dataset.save_as(path)
    return path


def test_a_copy_lies_in_the_database_under_the_study(study, segmentation):
    import slicer

    insert_segmentation(segmentation, study)
    segmentation.unlink()
    database = slicer.dicomDatabase
    (series,) = [uid for uid in database.seriesForStudy(study) if database.fieldForSeries("Modality", uid) == "SEG"]
    (file,) = database.filesForSeries(series)
    assert Path(file).is_relative_to(database.databaseDirectory)
    assert pydicom.dcmread(file).Modality == "SEG"
    assert database.fieldForSeries("DisplayedCount", series) == "1"


def test_the_study_has_to_be_the_sources(study, segmentation):
    with pytest.raises(ResourceError, match="not lie under the study"):
        insert_segmentation(segmentation, "1.2.3")


def test_a_file_that_does_not_arrive_is_an_error(study, segmentation, monkeypatch):
    monkeypatch.setattr("Testing.host.dicom.store.shutil.copyfile", lambda *_: None)
    with pytest.raises(ResourceError, match="does not appear"):
        insert_segmentation(segmentation, study)


def test_a_copy_that_is_cut_short_is_an_error(study, segmentation, monkeypatch):
    copy = shutil.copyfile

    def cut(source, target):
        copy(source, target)
        Path(target).write_bytes(Path(source).read_bytes()[:-100])

    monkeypatch.setattr("Testing.host.dicom.store.shutil.copyfile", cut)
    with pytest.raises(ResourceError, match="incomplete"):
        insert_segmentation(segmentation, study)


def test_what_is_no_dicom_object_is_refused(study, tmp_path):
    (tmp_path / "notes.dcm").write_text("no DICOM")
    with pytest.raises(InputError):
        insert_segmentation(tmp_path / "notes.dcm", study)


def test_a_closed_database_is_an_error_before_anything_is_done(study, segmentation):
    import slicer

    slicer.dicomDatabase.closeDatabase()
    with pytest.raises(ResourceError, match="not open"):
        insert_segmentation(segmentation, study)


def test_the_extension_that_reads_it_again_is_named_where_this_slicer_cannot(slicer_app):
    import slicer

    assert "QuantitativeReporting" in reading_notice().message
    slicer.modules.dicomPlugins["DICOMSegmentationPlugin"] = object
    assert reading_notice() is None
