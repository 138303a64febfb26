"""Results on real DICOM series, exported and read back by highdicom, SimpleITK and slicer-core."""

from __future__ import annotations

import shutil
import subprocess

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from MedAISegLib.core.errors import InputError
from MedAISegLib.exporters import EXPORTERS
from MedAISegLib.exporters.dicom_seg import SegEncoding, write_dicom_seg
from MedAISegLib.exporters.nifti import write_nifti
from MedAISegLib.readers import read_images
from read_back import read_seg_nrrd
from segmentations import masks_in_world, organs, points_of, result_of

SERIES = [
    "brain_mr_dicom/study1/12-T1post-05670",
    "brain_mr_dicom/study1/13_HCropVolume",
    "ct_liver_dicom/CRLM-CT-1004",
]
FOUND = ["liver", "Niere/links ä"]

every_series = pytest.mark.parametrize("series", SERIES, ids=[name.rsplit("/", 1)[-1] for name in SERIES])


@pytest.fixture
def segmented(shared_data, series):
    (volume,) = read_images(shared_data / series)
    return organs(volume.geometry, series=volume.series)


def assert_same_voxels(volume, segmentation, number, segment):
    """A highdicom volume, which is cropped to the frames that are not empty, against a mask on the whole grid."""
    found = volume.array == number
    index = np.argwhere(found)
    places = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    nearest = segmentation.geometry.lps_to_index(places)
    assert np.abs(nearest - np.round(nearest)).max() < 0.01
    back = np.zeros(segmentation.geometry.shape_kji, bool)
    back[tuple(np.round(nearest).astype(int).T)] = True
    np.testing.assert_array_equal(back, segmentation.mask(segment))


@every_series
@pytest.mark.parametrize("encoding", [SegEncoding.BINARY, SegEncoding.LABELMAP])
def test_a_dicom_seg_is_read_back_equal_by_highdicom(segmented, encoding, tmp_path):
    write_dicom_seg(segmented, result_of(segmented), tmp_path / "seg.dcm", encoding=encoding)
    seg = hd.seg.segread(tmp_path / "seg.dcm")
    volume = seg.get_volume(combine_segments=True)
    for segment in segmented.segments[:2]:
        (number,) = seg.get_segment_numbers(segment_label=segment.name)
        assert_same_voxels(volume, segmented, number, segment)


@every_series
def test_every_frame_of_a_dicom_seg_refers_to_the_image_that_it_lies_on(segmented, tmp_path):
    write_dicom_seg(segmented, result_of(segmented), tmp_path / "seg.dcm", encoding=SegEncoding.BINARY)
    positions = {
        header.SOPInstanceUID: np.array(header.ImagePositionPatient, float)
        for header in (pydicom.dcmread(file, stop_before_pixels=True) for file in segmented.series.files)
    }
    for group in pydicom.dcmread(tmp_path / "seg.dcm").PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        place = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        np.testing.assert_allclose(place, positions[source.ReferencedSOPInstanceUID], atol=0.01)


@every_series
@pytest.mark.parametrize("overlap", [False, True], ids=["apart", "overlapping"])
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (package dicom3tools) is not installed")
def test_a_dicom_seg_has_no_error_for_dciodvfy(shared_data, series, overlap, tmp_path):
    (volume,) = read_images(shared_data / series)
    segmentation = organs(volume.geometry, overlap=overlap, series=volume.series)
    write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm", encoding=SegEncoding.BINARY)
    command = ["dciodvfy", "-new", str(tmp_path / "seg.dcm")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Error")] == []


@every_series
def test_nifti_is_where_simpleitk_sees_the_series(segmented, shared_data, series, tmp_path):
    write_nifti(segmented, result_of(segmented), tmp_path / "x.nii.gz")
    labels = sitk.ReadImage(tmp_path / "x.nii.gz")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(shared_data / series)))
    image = reader.Execute()
    voxels = sitk.GetArrayFromImage(labels)
    for segment in segmented.segments[:2]:
        j = np.argwhere(voxels == segment.label_value)[::97, ::-1]
        places = np.array([labels.TransformIndexToPhysicalPoint([int(x) for x in index]) for index in j])
        assert masks_in_world(segmented, [segment.name], places).all()
        inside = [image.TransformPhysicalPointToIndex(place) for place in places]
        assert all(0 <= i < n for index in inside for i, n in zip(index, image.GetSize(), strict=True))
        assert (voxels == segment.label_value).sum() == segmented.mask(segment).sum()


@every_series
def test_seg_nrrd_is_where_the_series_is(segmented, tmp_path):
    (file,) = EXPORTERS["seg.nrrd"].write(segmented, result_of(segmented), tmp_path).files
    read = read_seg_nrrd(file)
    assert read.geometry.matches(segmented.geometry, 0.01)
    for segment, other in zip(segmented.segments[:2], read.segments, strict=True):
        np.testing.assert_array_equal(read.mask(other), segmented.mask(segment))


def test_a_series_without_study_uid_is_refused_as_dicom_seg_and_written_otherwise(shared_data, tmp_path):
    (volume,) = read_images(shared_data / "ct_totalsegmentator" / "example_ct_dicom")
    segmentation = organs(volume.geometry, series=volume.series)
    with pytest.raises(InputError, match="UID"):
        EXPORTERS["dicom-seg"].write(segmentation, result_of(segmentation), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert EXPORTERS["nifti"].write(segmentation, result_of(segmentation), tmp_path).files


@pytest.mark.parametrize(
    "series", ["mr_enhanced_multiframe_philips", "mr_multiframe_hyperfine", "ct_gantry_tilt", "mr_single_slice"]
)
def test_odd_series_give_a_valid_dicom_seg_in_place(shared_data, series, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    frame_of_reference = pydicom.uid.generate_uid()
    for file in (shared_data / "dicom_quirks" / series).iterdir():
        dataset = pydicom.dcmread(file)
        # The donor's de-identification removed it.
        dataset.FrameOfReferenceUID = frame_of_reference
        dataset.save_as(source / file.name)
    (volume,) = read_images(source)
    segmentation = organs(volume.geometry, series=volume.series)
    segmentation.layers[0, :, 10:90, 20:60] = 3
    segmentation.layers[0, :, 30:70, 40:55] = 7
    written = write_dicom_seg(segmentation, result_of(segmentation), tmp_path / "seg.dcm", encoding=SegEncoding.BINARY)
    assert ("sheared-grid-resampled" in [n.code for n in written.notices]) == (series == "ct_gantry_tilt")
    seg = hd.seg.segread(tmp_path / "seg.dcm")
    labels = seg.get_volume(combine_segments=True)
    points = points_of(segmentation.geometry)[::7]
    index = np.linalg.solve(labels.affine[:3, :3], (points - labels.affine[:3, 3]).T).T
    nearest = np.round(index).astype(int)
    inside = ((nearest >= 0) & (nearest < labels.array.shape)).all(axis=1)
    found = np.zeros(len(points), int)
    found[inside] = labels.array[tuple(nearest[inside].T)]
    expected = masks_in_world(segmentation, FOUND, points)
    for number, mask in enumerate(expected, start=1):
        assert 2 * (mask & (found == number)).sum() / (mask.sum() + (found == number).sum()) > 0.95
