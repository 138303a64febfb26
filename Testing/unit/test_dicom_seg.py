"""DICOM SEG: what it refers to, how it is stored, and what it is refused for."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import AlgorithmType, Segment
from MedAISegLib.core.terminology import LEFT, MORPHOLOGICALLY_ALTERED_STRUCTURE, Code, Terminology
from MedAISegLib.core.volume import SeriesReference
from MedAISegLib.exporters import dicom_seg
from MedAISegLib.exporters.dicom_seg import SegEncoding, write_dicom_seg
from MedAISegLib.exporters.dicom_sources import read_sources
from pydicom.uid import DigitalXRayImageStorageForPresentation, RLELossless
from read_back import read_dicom_seg
from segmentations import masks_in_world, oblique_geometry, organs, points_of, result_of, write_source

FOUND = ["liver", "Niere/links ä"]


@pytest.fixture
def study(tmp_path):
    def make(geometry=None, *, overlap=False, **changes):
        geometry = geometry or oblique_geometry()
        return organs(geometry, overlap=overlap, series=write_source(tmp_path / "source", geometry, **changes))

    return make


@pytest.fixture
def export(tmp_path):
    def write(segmentation, **options):
        written = write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm", **options)
        return pydicom.dcmread(tmp_path / "seg.dcm"), [notice.code for notice in written.notices]

    return write


def dciodvfy_errors(path):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    run = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    return [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")]


def assert_in_place(path, segmentation):
    points = points_of(segmentation.geometry)
    expected = masks_in_world(segmentation, FOUND, points)
    np.testing.assert_array_equal(masks_in_world(read_dicom_seg(path), FOUND, points), expected)


@pytest.mark.parametrize("encoding", [SegEncoding.BINARY, SegEncoding.LABELMAP])
def test_frames_find_their_source_by_place_and_not_by_order(study, export, tmp_path, encoding):
    segmentation = study()
    files = segmentation.series.files
    shuffled = replace(segmentation.series, files=(*files[::-2], *files[-2::-2]))
    dataset, _ = export(replace(segmentation, series=shuffled), encoding=encoding)
    assert_in_place(tmp_path / "seg.dcm", segmentation)
    source_at = {
        header.SOPInstanceUID: header.ImagePositionPatient for header in (pydicom.dcmread(file) for file in files)
    }
    for group in dataset.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        position = group.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(position, source_at[source.ReferencedSOPInstanceUID], atol=1e-4)


def test_the_study_the_patient_and_the_frame_of_reference_are_the_sources(study, export):
    segmentation = study()
    dataset, _ = export(segmentation)
    assert dataset.StudyInstanceUID == segmentation.series.study_instance_uid
    assert dataset.FrameOfReferenceUID == segmentation.series.frame_of_reference_uid
    assert dataset.SeriesInstanceUID != segmentation.series.series_instance_uid
    assert dataset.PatientID == "M1"


def test_every_segment_says_what_it_is_and_which_model_found_it(study, export):
    dataset, _ = export(study())
    _, kidney = dataset.SegmentSequence
    (kind,) = kidney.SegmentedPropertyTypeCodeSequence
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("64033007", "SCT")
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == LEFT.value
    assert kidney.SegmentAlgorithmType == "AUTOMATIC"
    (algorithm,) = kidney.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("Organs", "1.2")
    assert "sha256=" + "0123456789abcdef" * 4 in algorithm.AlgorithmParameters


def test_the_region_of_a_lesion_keeps_its_side(study, export):
    cyst = Terminology(
        MORPHOLOGICALLY_ALTERED_STRUCTURE,
        Code("367643001", "SCT", "Cyst"),
        region=Code("64033007", "SCT", "Kidney"),
        region_modifier=LEFT,
    )
    segmentation = study()
    liver, *others = segmentation.segments
    dataset, _ = export(replace(segmentation, segments=(replace(liver, terminology=cyst), *others)))
    (region,) = dataset.SegmentSequence[0].AnatomicRegionSequence
    assert region.CodeValue == "64033007"
    assert region.AnatomicRegionModifierSequence[0].CodeValue == LEFT.value


def test_a_small_result_is_binary_and_a_large_one_a_label_map(study, export, tmp_path, monkeypatch):
    segmentation = study()
    assert export(segmentation)[0].SegmentationType == "BINARY"
    (tmp_path / "seg.dcm").unlink()
    monkeypatch.setattr(dicom_seg, "_LARGEST_BINARY_BYTES", 1)
    assert export(segmentation)[0].SegmentationType == "LABELMAP"


def test_a_label_map_keeps_the_label_values_and_is_compressed(study, export, tmp_path):
    segmentation = study(oblique_geometry((6, 9, 13)))
    dataset, _ = export(segmentation, encoding=SegEncoding.LABELMAP)
    assert [item.SegmentNumber for item in dataset.SegmentSequence] == [0, 3, 7]
    assert dataset.file_meta.TransferSyntaxUID == RLELossless
    assert_in_place(tmp_path / "seg.dcm", segmentation)


def test_overlapping_segments_are_binary_whatever_was_asked_for(study, export, tmp_path):
    segmentation = study(overlap=True)
    dataset, notices = export(segmentation, encoding=SegEncoding.LABELMAP)
    assert (dataset.SegmentationType, dataset.SegmentsOverlap) == ("BINARY", "YES")
    assert "dicom-seg-overlap" in notices
    assert_in_place(tmp_path / "seg.dcm", segmentation)


@pytest.mark.parametrize("encoding", [SegEncoding.BINARY, SegEncoding.LABELMAP])
def test_layers_that_do_not_overlap_are_merged(study, export, tmp_path, encoding):
    segmentation = study(overlap=True)
    segmentation.layers[1][segmentation.layers[0] > 0] = 0
    dataset, _ = export(segmentation, encoding=encoding)
    assert (dataset.SegmentationType, dataset.SegmentsOverlap) == (encoding.name, "NO")
    assert_in_place(tmp_path / "seg.dcm", segmentation)


def test_segments_without_a_voxel_are_left_out_and_named(study, tmp_path):
    segmentation = study()
    written = write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert ["spleen" in notice.message for notice in written.notices] == [True]
    assert [s.name for s in read_dicom_seg(tmp_path / "seg.dcm").segments] == FOUND


def test_a_result_without_a_voxel_gives_a_notice_and_no_file(study, tmp_path):
    segmentation = study()
    segmentation.layers[:] = 0
    written = write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert written.files == ()
    assert [notice.code for notice in written.notices] == ["dicom-seg-empty"]
    assert not (tmp_path / "seg.dcm").exists()


@pytest.mark.parametrize(
    ("keyword", "words", "first"),
    [
        ("StudyInstanceUID", "Study Instance UID", 0),
        ("SeriesInstanceUID", "Series Instance UID", 0),
        ("SOPInstanceUID", "SOP Instance UID", 0),
        ("SOPInstanceUID", "SOP Instance UID", -1),
        ("FrameOfReferenceUID", "Frame of Reference UID", 0),
    ],
)
def test_a_source_without_a_uid_is_refused_with_the_reason(study, tmp_path, keyword, words, first):
    segmentation = study()
    for file in segmentation.series.files[first:]:
        dataset = pydicom.dcmread(file)
        setattr(dataset, keyword, "")
        dataset.save_as(file)
    with pytest.raises(InputError, match=words) as refused:
        write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert "NIfTI" in refused.value.remedy
    assert not (tmp_path / "seg.dcm").exists()


@pytest.mark.parametrize("series", [None, SeriesReference("1.2.3", "1.2.4")])
def test_an_image_file_is_no_source(tmp_path, series):
    segmentation = organs(oblique_geometry(), series=series)
    with pytest.raises(InputError, match="came from elsewhere"):
        write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")


def test_reading_a_long_series_can_be_stopped_after_each_of_its_files(study):
    series = study().series
    polls = []
    read_sources(series, lambda: polls.append(1))
    assert len(polls) >= len(series.files)


def test_a_source_that_is_gone_is_said(study, tmp_path):
    segmentation = study()
    segmentation.series.files[2].unlink()
    with pytest.raises(InputError, match="no longer"):
        write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")


def test_a_source_without_the_patients_type_2_attributes_is_fine(study, tmp_path):
    segmentation = study(PatientName=None, PatientID=None)
    write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm", encoding=SegEncoding.BINARY)
    assert dciodvfy_errors(tmp_path / "seg.dcm") == []


@pytest.mark.parametrize("overlap", [False, True])
def test_the_file_is_valid(study, tmp_path, overlap):
    segmentation = study(overlap=overlap)
    write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm", encoding=SegEncoding.BINARY)
    assert dciodvfy_errors(tmp_path / "seg.dcm") == []


def test_orientations_that_differ_in_the_last_digits_are_one(study, tmp_path):
    segmentation = study()
    for n, file in enumerate(segmentation.series.files):
        dataset = pydicom.dcmread(file)
        dataset.ImageOrientationPatient = [round(x + n * 1e-7, 10) for x in dataset.ImageOrientationPatient]
        dataset.save_as(file)
    write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    assert_in_place(tmp_path / "seg.dcm", segmentation)


@pytest.mark.parametrize("encoding", [SegEncoding.BINARY, SegEncoding.LABELMAP])
def test_slices_that_slide_by_a_hair_are_still_the_sources_own(study, export, tmp_path, encoding):
    segmentation = study(oblique_geometry((8, 20, 24), shear=8e-4 * 2.5))
    dataset, notices = export(segmentation, encoding=encoding)
    assert "sheared-grid-resampled" not in notices
    assert_in_place(tmp_path / "seg.dcm", segmentation)
    group = dataset.PerFrameFunctionalGroupsSequence[-1]
    (source,) = group.DerivationImageSequence[0].SourceImageSequence
    assert source.SpatialLocationsPreserved == "YES"


def test_a_resampled_grid_is_placed_by_itself_and_refers_to_the_series(study, export, tmp_path):
    segmentation = study()
    finer = segmentation.geometry.affine_lps.copy()
    finer[:3, 0] /= 2
    own_grid = organs(VolumeGeometry((11, 9, 12), finer), series=segmentation.series)
    dataset, _ = export(own_grid)
    assert len(dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 6
    assert float(dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices) == 1.25
    assert_in_place(tmp_path / "seg.dcm", own_grid)


def test_a_radiograph_without_a_frame_of_reference_is_marked_on_the_image_itself(study, export):
    segmentation = study(VolumeGeometry((1, 9, 12), np.eye(4)))
    (file,) = segmentation.series.files
    dataset = pydicom.dcmread(file)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "FrameOfReferenceUID", "SliceThickness"):
        delattr(dataset, keyword)
    dataset.SOPClassUID, dataset.Modality = DigitalXRayImageStorageForPresentation, "DX"
    dataset.save_as(file)
    segmentation.layers[0, 0, 2:5, 3:9] = 3
    result, _ = export(segmentation, encoding=SegEncoding.BINARY)
    np.testing.assert_array_equal(result.pixel_array, segmentation.mask(segmentation.segments[0])[0])


def test_names_of_any_script_survive_beside_a_patient_of_another(study, export):
    segmentation = study(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jürgen")
    liver, *others = segmentation.segments
    named = replace(segmentation, segments=(replace(liver, name="肝臓 \\ rechts"), *others))
    dataset, _ = export(named)
    assert dataset.SegmentSequence[0].SegmentLabel == "肝臓 / rechts"
    assert str(dataset.PatientName) == "Müller^Jürgen"


def test_a_long_name_is_shortened_to_what_dicom_holds(study, export):
    segmentation = study()
    liver, *others = segmentation.segments
    dataset, _ = export(replace(segmentation, segments=(replace(liver, name="x" * 100), *others)))
    assert dataset.SegmentSequence[0].SegmentLabel == "x" * 64


def test_no_patient_is_named_on_the_console(study, tmp_path, capfd, recwarn):
    segmentation = study(PatientName="Geheim")
    write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm")
    out, error = capfd.readouterr()
    assert "Geheim" not in out + error
    assert not [warning for warning in recwarn if "Geheim" in str(warning.message)]


def test_label_values_beyond_a_byte_fit(study, export):
    segmentation = study()
    layers = segmentation.layers.astype(np.uint16)
    layers[layers == 3] = 700
    segments = (Segment(700, "liver", (1, 2, 3)), *segmentation.segments[1:])
    dataset, _ = export(replace(segmentation, layers=layers, segments=segments), encoding=SegEncoding.LABELMAP)
    assert [item.SegmentNumber for item in dataset.SegmentSequence] == [0, 7, 700]
    assert dataset.BitsAllocated == 16


def test_who_found_a_segment_is_said_of_each(study, export):
    segmentation = study()
    types = (AlgorithmType.SEMIAUTOMATIC, AlgorithmType.MANUAL, AlgorithmType.AUTOMATIC)
    segments = tuple(replace(s, algorithm_type=t) for s, t in zip(segmentation.segments, types, strict=True))
    seg, _ = export(replace(segmentation, segments=segments))
    by_name = {item.SegmentLabel: item for item in seg.SegmentSequence}
    edited, drawn = by_name["liver"], by_name["Niere/links ä"]
    assert (edited.SegmentAlgorithmType, edited.SegmentAlgorithmName) == ("SEMIAUTOMATIC", "Organs")
    assert drawn.SegmentAlgorithmType == "MANUAL"
    assert "SegmentAlgorithmName" not in drawn
    assert "SegmentationAlgorithmIdentificationSequence" not in drawn
