"""DICOM SEG of series whose headers are not as the standard asks, as anonymisers leave them."""

from __future__ import annotations

import pydicom
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.exporters import dicom_seg
from MedAISegLib.exporters.dicom_seg import write_dicom_seg
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from segmentations import oblique_geometry, organs, result_of, write_source


@pytest.fixture
def segmentation(tmp_path):
    geometry = oblique_geometry()
    return organs(geometry, series=write_source(tmp_path / "source", geometry))


@pytest.mark.parametrize(
    ("keyword", "value", "name"),
    [
        ("PatientSex", "U", "Patient's Sex"),
        ("PatientBirthDate", "13.07.1950", "Patient's Birth Date"),
        ("PatientAge", "7Y", "Patient's Age"),
        ("PatientWeight", "80kg", "Patient's Weight"),
        ("StudyDate", "2020/01/01", "Study Date"),
        ("StudyTime", "12h30", "Study Time"),
        ("SeriesNumber", "12a", "Series Number"),
    ],
)
def test_what_the_source_says_in_no_valid_way_is_left_out_and_named_without_its_value(
    segmentation, tmp_path, keyword, value, name
):
    for file in segmentation.series.files:
        dataset = pydicom.dcmread(file)
        tag, vr = tag_for_keyword(keyword), dictionary_VR(keyword)
        padded = (value + " " * (len(value) % 2)).encode()
        dataset._dict[Tag(tag)] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, False, True)
        dataset.save_as(file)
    written = write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    (notice,) = (notice for notice in written.notices if notice.code == "dicom-seg-header")
    assert name in notice.message
    assert value not in notice.message
    assert value != str(pydicom.dcmread(tmp_path / "seg.dcm").get(keyword, ""))


@pytest.mark.parametrize(
    ("keyword", "words"), [("StudyInstanceUID", "several studies"), ("FrameOfReferenceUID", "several frames")]
)
def test_a_source_of_two_studies_or_frames_of_reference_is_refused(segmentation, tmp_path, keyword, words):
    dataset = pydicom.dcmread(segmentation.series.files[1])
    setattr(dataset, keyword, "1.2.3.4")
    dataset.save_as(segmentation.series.files[1])
    with pytest.raises(InputError, match=words):
        write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert not (tmp_path / "seg.dcm").exists()


def test_what_the_library_refuses_is_said_without_its_own_words(segmentation, tmp_path, monkeypatch):

    def refuse(**_):
        raise ValueError("Muster^Maxi is no name")

    monkeypatch.setattr(dicom_seg.hd.seg, "Segmentation", refuse)
    with pytest.raises(InputError, match="headers") as refused:
        write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert "Muster" not in str(refused.value)
