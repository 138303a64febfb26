"""DICOM as scanners and archives really write it: one verdict for each oddity, pixels against the donors' truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from MedAISegLib.core.errors import InputError
from MedAISegLib.core.volume import Volume
from MedAISegLib.readers import list_images, read_images, read_listing
from MedAISegLib.readers.dicom import recognises
from MedAISegLib.readers.dicom_header import read_header
from MedAISegLib.readers.dicom_pixels import stored_values, values_of


@pytest.fixture(scope="module")
def quirks(shared_data: Path) -> Path:
    return shared_data / "dicom_quirks"


def read_one(path: Path) -> Volume:
    (volume,) = read_images(path)
    return volume


def codes(volume: Volume) -> list[str]:
    return [notice.code for notice in volume.notices]


def assert_same_world(volume: Volume, truth: sitk.Image, tolerance: float = 0.0) -> None:
    """Every voxel's centre is a voxel's centre of the truth, with the same value."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.geometry.shape_kji), indexing="ij"), axis=-1)
    points = volume.geometry.index_to_lps(index).reshape(-1, 3)
    columns = np.reshape(truth.GetDirection(), (3, 3)) * np.array(truth.GetSpacing())
    ijk = np.linalg.solve(columns, (points - np.array(truth.GetOrigin())).T).T
    nearest = np.round(ijk).astype(int)
    assert np.abs(ijk - nearest).max() < 1e-3
    expected = sitk.GetArrayFromImage(truth)[nearest[:, 2], nearest[:, 1], nearest[:, 0]]
    np.testing.assert_allclose(volume.voxels.ravel(), expected, atol=tolerance)


@pytest.mark.parametrize(
    ("folder", "truth", "tolerance"),
    [
        ("mr_series_compressed_j2k", "mr_series", 0),
        ("mr_series_compressed_rle", "mr_series", 0),
        ("mr_enhanced_multiframe_philips", "mr_enhanced_multiframe_philips", 2e-4),
        ("mr_nonsquare_pixels_fractional_rescale", "mr_nonsquare_pixels_fractional_rescale", 1e-5),
    ],
)
def test_series_equal_their_truth_in_the_patient(quirks, folder, truth, tolerance) -> None:
    image = sitk.ReadImage(str(quirks / f"{truth}_ground_truth.nii.gz"))
    assert_same_world(read_one(quirks / folder), image, tolerance)


def test_time_points_are_split_in_their_order(quirks) -> None:
    truth = sitk.ReadImage(str(quirks / "mr_4d_time_series_ground_truth.nii.gz"))
    volumes = read_images(quirks / "mr_4d_time_series")
    assert len(volumes) == 2
    for n, volume in enumerate(volumes):
        assert_same_world(volume, truth[:, :, :, n])


def test_a_tilted_gantry_gives_a_sheared_grid(quirks) -> None:
    volume = read_one(quirks / "ct_gantry_tilt")
    assert codes(volume) == ["gantry-tilt"]
    np.testing.assert_allclose(volume.geometry.affine_lps[:3, 0], (0, 0, 5), atol=1e-6)
    normal = np.cross(volume.geometry.directions_lps[:, 2], volume.geometry.directions_lps[:, 1])
    assert volume.geometry.affine_lps[:3, 0] @ normal == pytest.approx(4.8515, abs=1e-3)
    for n, file in enumerate(volume.series.files):
        place = pydicom.dcmread(file, stop_before_pixels=True).ImagePositionPatient
        np.testing.assert_allclose(volume.geometry.index_to_lps((n, 0, 0)), [float(x) for x in place], atol=1e-6)


def test_a_missing_slice_is_filled(quirks) -> None:
    volume = read_one(quirks / "ct_variable_slice_spacing")
    assert codes(volume) == ["missing-slice"]
    assert volume.geometry.shape_kji[0] == 5
    assert volume.geometry.spacing_mm[0] == pytest.approx(5.0, abs=1e-4)
    np.testing.assert_allclose(volume.voxels[3], (volume.voxels[2] + volume.voxels[4]) / 2, atol=0.01)


def test_a_mixed_series_is_read_as_its_groups(quirks) -> None:
    volumes = read_images(quirks / "mr_mixed_orientation")
    assert [volume.geometry.shape_kji[0] for volume in volumes] == [2, 2]
    assert {round(float(volume.geometry.spacing_mm[0]), 1) for volume in volumes} == {3.3, 4.4}
    assert all(codes(volume) == ["mixed-orientation", "two-slices"] for volume in volumes)


@pytest.mark.parametrize(("folder", "code"), [("mr_two_slices", "two-slices"), ("mr_single_slice", "single-slice")])
def test_few_slices_are_a_volume_with_a_notice(quirks, folder, code) -> None:
    assert code in codes(read_one(quirks / folder))


def test_a_multiframe_file_of_a_low_field_scanner_is_read(quirks) -> None:
    volume = read_one(quirks / "mr_multiframe_hyperfine")
    np.testing.assert_allclose(volume.geometry.spacing_mm, (5.0, 1.61, 1.59), atol=1e-4)
    assert len(volume.series.files) == 1


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ct_duplicate_positions", "one place"),
        ("ct_enhanced_multiframe", "colours"),
        ("mr_rgb_j2k", "colour image"),
        ("mr_enhanced_small", "ImagePositionPatient"),
        ("mr_12bit_signed/dicom", "mosaic"),
        ("mr_transfer_syntaxes", "mosaic"),
        ("dicomdir_many_series/77654033/CT2", "202.5 mm"),
        ("dicomdir_many_series/98892003/MR700", "7 different orientations"),
        ("dicomdir_many_series/TINY_ALPHA", "no image"),
        ("non_image_objects/rtdose.dcm", "RT dose"),
        ("non_image_objects/rtplan.dcm", "RT plan"),
        ("non_image_objects/rtstruct.dcm", "RT structure set"),
        ("non_image_objects/reportsi.dcm", "structured report"),
        ("non_image_objects/waveform_ecg.dcm", "ECG"),
        ("non_image_objects/sr_example/seg.dcm", "segmentation"),
        ("non_image_objects/sr_example/rwvm.dcm", "real-world value mapping"),
        ("damaged/MR_truncated.dcm", "cut short: 62 bytes"),
        ("damaged/no_meta.dcm", "damaged"),
        ("damaged/meta_missing_tsyntax.dcm", "damaged"),
        ("damaged/no_meta_group_length.dcm", "no image"),
        ("damaged/badVR.dcm", "damaged"),
        ("damaged/rtplan_truncated.dcm", "RT plan"),
        ("damaged/emri_small_jpeg_2k_lossless_too_short.dcm", "ImagePositionPatient"),
    ],
)
def test_what_is_no_volume_is_refused_by_name(quirks, place, words) -> None:
    with pytest.raises(InputError, match=words):
        read_images(quirks / place)


def test_other_objects_are_listed_with_the_reason(quirks) -> None:
    listings = list_images(quirks / "non_image_objects")
    assert len(listings) == 8
    assert all(listing.problem is not None for listing in listings)


def test_a_bad_sequence_does_not_hide_a_good_image(quirks) -> None:
    assert read_one(quirks / "damaged" / "bad_sequence.dcm").voxels.shape == (1, 512, 512)


def test_all_encodings_of_an_image_decode_to_the_same_pixels(quirks) -> None:
    images = [next(stored_values(quirks / "mr_transfer_syntaxes" / f"{n}.dcm", [0])) for n in range(1, 10)]
    assert all(np.array_equal(image, images[0]) for image in images)
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(quirks / "mr_transfer_syntaxes" / "1.dcm")))[0]
    np.testing.assert_array_equal(images[0], expected)


@pytest.mark.parametrize(
    ("name", "truth", "limits"),
    [
        ("12bitUnsigned", "ref_2", (0, 2908)),
        ("12bitUnsigned_0x0F0F", "ref_3", (0, 4095)),
        ("12bitSigned_0x0F0F", "ref_4", (-2048, 2047)),
    ],
)
def test_twelve_bits_keep_their_sign(quirks, name, truth, limits) -> None:
    (pixels,) = stored_values(quirks / "mr_12bit_signed" / "dicom" / f"{name}.dcm", [0])
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(quirks / "mr_12bit_signed" / f"{truth}.nii")))
    assert (expected.min(), expected.max()) == limits
    tiles = pixels.reshape(6, 64, 6, 64).swapaxes(1, 2).reshape(36, 64, 64)[:35]
    np.testing.assert_array_equal(tiles, expected[:, ::-1])


def test_pixels_read_from_their_place_are_those_that_are_decoded(quirks) -> None:
    plain = 0
    for path in sorted(quirks.rglob("*")):
        try:
            instance = read_header(path) if path.is_file() and recognises(path) else None
        except InputError:
            continue
        if instance is None or instance.frames[0].plain is None:
            continue
        plain += 1
        for frame in instance.frames[:: max(1, len(instance.frames) - 1)]:
            (values,) = values_of([frame])
            np.testing.assert_array_equal(values, next(stored_values(path, [frame.index])), err_msg=path.name)
    assert plain > 100


def test_single_files_of_every_syntax_are_read_once(quirks) -> None:
    by_modality = {listing.modality: listing for listing in list_images(quirks / "single_files")}
    assert set(by_modality) == {"CT", "MR", "US", "OT"}
    (mr,) = read_listing(by_modality["MR"])
    assert "duplicates-dropped" in codes(mr)
    (ct,) = read_listing(by_modality["CT"])
    expected = sitk.ReadImage(str(quirks / "single_files" / "CT_small.dcm"))
    np.testing.assert_array_equal(ct.voxels, sitk.GetArrayFromImage(expected))


def test_a_radiograph_is_an_image_without_a_place(quirks) -> None:
    volume = read_one(quirks / "dicomdir_many_series" / "77654033" / "CR1")
    assert codes(volume) == ["no-position", "inverted"]
    np.testing.assert_allclose(volume.geometry.spacing_mm[1:], 0.1)
    by_gdcm = sitk.GetArrayFromImage(sitk.ReadImage(str(volume.series.files[0])))
    np.testing.assert_allclose(volume.voxels, by_gdcm, atol=1e-3)
    dataset = pydicom.dcmread(volume.series.files[0])
    brightness = np.corrcoef(dataset.pixel_array.ravel(), volume.voxels.ravel())[0, 1]
    assert brightness == pytest.approx(-1.0)


def test_many_series_of_a_dicomdir_are_listed_apart(quirks) -> None:
    listings = list_images(quirks / "dicomdir_many_series")
    sizes = [listing.size_ijk for listing in listings if listing.problem is None]
    assert sizes.count((16, 16, 5)) == 1
    assert sizes.count((16, 16, 1)) == 9
    assert sum(listing.problem is not None for listing in listings) == 5


def test_series_mixed_in_one_folder_are_told_apart(quirks) -> None:
    listings = {listing.modality: listing for listing in list_images(quirks / "several_series_one_folder")}
    assert set(listings) == {"CT", "MR", "PT", "RTSTRUCT"}
    assert [listings[m].size_ijk for m in ("CT", "MR", "PT")] == [(154, 158, 51), (121, 138, 47), (29, 30, 51)]
    (pet,) = read_listing(listings["PT"])
    truth = sitk.ReadImage(str(quirks / "several_series_one_folder_masks" / "PET_image.nii.gz"))
    assert_same_world(pet, truth, 2e-5)
