"""Real scans: HU, SUV, places and choices against independent readings."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from MedAISegLib.app.match import assign, match
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.quantities import padding_to_air, to_suv_bw
from MedAISegLib.core.volume import Volume
from MedAISegLib.formats import read_model
from MedAISegLib.readers import list_images, read_images


def read_one(path: Path) -> Volume:
    (volume,) = read_images(path)
    return volume


def codes(volume: Volume) -> list[str]:
    return [notice.code for notice in volume.notices]


def by_itk(folder: Path) -> sitk.Image:
    """A regular series as ITK reads it, in floating point."""
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    reader.SetOutputPixelType(sitk.sitkFloat32)
    return reader.Execute()


def assert_equal_to_itk(volume: Volume, image: sitk.Image, tolerance: float = 0.0) -> None:
    corner = [n - 1 for n in image.GetSize()]
    np.testing.assert_allclose(volume.geometry.origin_lps, image.GetOrigin(), atol=1e-3)
    far = image.TransformIndexToPhysicalPoint(corner)
    np.testing.assert_allclose(volume.geometry.index_to_lps(corner[::-1]), far, atol=0.05)
    np.testing.assert_allclose(volume.voxels, sitk.GetArrayFromImage(image), atol=tolerance)


def test_a_ct_in_hu_with_padding_outside_the_scanners_circle(shared_data) -> None:
    folder = shared_data / "ct_liver_dicom" / "CRLM-CT-1004"
    volume = read_one(folder)
    assert_equal_to_itk(volume, by_itk(folder))
    assert volume.voxels.dtype == np.int16
    assert volume.value_range[0] == -3024
    air = padding_to_air(volume)
    assert air.value_range == (-1024, volume.value_range[1])
    untouched = volume.voxels >= -1024
    np.testing.assert_array_equal(air.voxels[untouched], volume.voxels[untouched])


def test_a_ct_without_identifiers_equals_its_segmentations_grid(shared_data) -> None:
    volume = read_one(shared_data / "ct_totalsegmentator" / "example_ct_dicom")
    assert codes(volume) == ["identifiers-missing"]
    assert volume.series.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    labels = sitk.ReadImage(str(shared_data / "ct_totalsegmentator" / "segmentations" / "example_seg_dicom.nii.gz"))
    ends = [labels.TransformIndexToPhysicalPoint(c) for c in ((0, 0, 0), tuple(n - 1 for n in labels.GetSize()))]
    corners = volume.geometry.lps_to_index(ends)
    np.testing.assert_allclose(np.sort(corners, axis=0), [[0, 0, 0], [19, 511, 511]], atol=1e-3)
    # Label 5 of the reference is the liver: soft tissue in HU, if the places agree.
    index = np.argwhere(sitk.GetArrayFromImage(labels) == 5)[::50]
    places = np.array([labels.TransformIndexToPhysicalPoint([int(n) for n in kji[::-1]]) for kji in index])
    k, j, i = np.round(volume.geometry.lps_to_index(places)).astype(int).T
    assert 40 < np.median(volume.voxels[k, j, i]) < 160


def test_pet_slices_have_their_own_slopes_and_their_uneven_places(shared_data) -> None:
    folder = shared_data / "pet_raw_suv" / "STS_001_FDG_PET" / "image"
    volume = read_one(folder)
    assert not volume.notices
    for n in (0, 100, 266):
        dataset = pydicom.dcmread(volume.series.files[n])
        expected = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_allclose(volume.voxels[n], expected, rtol=1e-6)
        place = volume.geometry.index_to_lps((n, 0, 0))
        np.testing.assert_allclose(place, [float(x) for x in dataset.ImagePositionPatient], atol=0.1)


def test_raw_pet_becomes_suv(shared_data) -> None:
    folder = shared_data / "pet_raw_suv" / "STS_001_FDG_PET" / "image"
    volume = read_one(folder)
    suv = to_suv_bw(volume)
    # 71 kg; injected at 10:35:00, scanned from 11:20:11: 2711 s at a half-life of 6588 s.
    expected = 71_000 / (3.88777472e8 * np.exp(-np.log(2) * 2711 / 6588))
    measured = volume.voxels > 0
    np.testing.assert_allclose(suv.voxels[measured] / volume.voxels[measured], expected, rtol=1e-5)
    assert suv.attributes["Units"] == "GML"
    assert to_suv_bw(suv) is suv


def test_a_pet_that_is_suv_already_is_not_scaled_again(shared_data) -> None:
    case = shared_data / "pet_ct_mr_sts" / "STS_002"
    volume = read_one(case / "PET" / "image")
    suv = to_suv_bw(volume)
    assert suv is volume
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(case / "nifti" / "PET_image.nii.gz")))
    np.testing.assert_allclose(suv.voxels, truth, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["CT", "MR_T1"])
def test_ct_and_mr_of_one_lesion_equal_itk(shared_data, name) -> None:
    folder = shared_data / "pet_ct_mr_sts" / "STS_002" / name / "image"
    assert_equal_to_itk(read_one(folder), by_itk(folder), 1e-4)


def test_an_oblique_brain_equals_itk_and_serves_brats(shared_data) -> None:
    study = shared_data / "brain_mr_dicom" / "study1"
    model = read_model(shared_data / "monai_zoo" / "brats_mri_segmentation").spec
    found = assign(model, [listing for listing in list_images(study) if listing.problem is None])
    assert [m.image.description for m in found] == ["T1post", "T1pre_reg", "T2_reg", "FLAIR_reg"]
    case = match(model, read_images(study))
    assert [volume.description for volume in case.channels.values()] == [m.image.description for m in found]
    assert not case.notices
    folder = case.first.series.files[0].parent
    assert_equal_to_itk(case.first, by_itk(folder))


def test_several_mr_series_for_one_channel_are_a_question(shared_data) -> None:
    study = shared_data / "brain_mr_dicom" / "study1"
    model = read_model(shared_data / "monai_zoo" / "brats_mri_segmentation").spec
    without = [v for v in list_images(study) if v.description not in ("T1post", "HippoCrop")]
    with pytest.raises(InputError, match="channel 'T1c'"):
        assign(model, without)


@pytest.mark.parametrize(
    ("name", "frames", "shape_kji"),
    [
        ("CT_pitch.nii.gz", 1, (58, 248, 175)),
        ("dmri_4d.nii.gz", 7, (5, 42, 40)),
        ("nibabel_anatomical.nii", 1, (25, 41, 33)),
        ("nibabel_functional.nii", 20, (3, 21, 17)),
        ("nibabel_reoriented_anat_moved.nii", 1, (22, 26, 21)),
        ("nibabel_standard.nii.gz", 1, (7, 5, 4)),
    ],
)
def test_odd_nifti_files_equal_itk(shared_data, name, frames, shape_kji) -> None:
    path = shared_data / "nifti_quirks" / name
    volumes = read_images(path)
    assert len(volumes) == frames
    assert volumes[0].geometry.shape_kji == shape_kji
    image = sitk.ReadImage(str(path))
    first = image[:, :, :, 0] if image.GetDimension() == 4 else image
    assert_equal_to_itk(volumes[0], first, 1e-3)


def test_nifti_2_is_read(shared_data) -> None:
    volumes = read_images(shared_data / "nifti_quirks" / "nibabel_example_nifti2.nii.gz")
    assert [volume.geometry.shape_kji for volume in volumes] == [(12, 20, 32)] * 2


@pytest.mark.parametrize("name", ["brain1_image.nrrd", "breast1_image.nrrd"])
def test_nrrd_equals_itk(shared_data, name) -> None:
    path = shared_data / "tumour_nrrd" / name
    assert_equal_to_itk(read_one(path), sitk.ReadImage(str(path)))


def test_a_long_series_is_read_in_reasonable_time(shared_data) -> None:
    started_s = time.perf_counter()
    read_one(shared_data / "pet_raw_suv" / "STS_001_FDG_PET" / "image")
    assert time.perf_counter() - started_s < 15
