"""What a DICOM series leaves open is asked about, never assumed in silence."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.errors import ConfirmationRequired, InputError
from MedAISegLib.readers import list_images, read_images, read_listing
from MedAISegLib.readers.dicom_header import read_header
from MedAISegLib.slicer_io.dicom_scan import scan
from phantom import ROUNDING, Phantom, codes, largest_error, read_one, straight, write_enhanced, write_series
from pydicom import Dataset, config, dcmread


@pytest.fixture(autouse=True)
def _anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.settings, "writing_validation_mode", config.IGNORE)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)


@pytest.mark.parametrize("spacing", [None, [0, 0], [-1.5, 0.75], ["inf", 1], ""])
def test_pixels_of_no_known_size_are_asked_about(tmp_path, spacing) -> None:
    write_series(tmp_path, Phantom(straight(4), tags={"PixelSpacing": spacing}))
    (listing,) = list_images(tmp_path)
    assert isinstance(listing.problem, ConfirmationRequired)
    assert "PixelSpacing" in str(listing.problem)
    assert "1 x 1 mm is assumed" in str(listing.problem)
    with pytest.raises(ConfirmationRequired):
        read_images(tmp_path)
    (volume,) = read_images(tmp_path, accept=True)
    np.testing.assert_allclose(volume.geometry.spacing_mm, (2.5, 1, 1))
    assert codes(volume) == {"assumption-accepted"}
    assert "1 x 1 mm" in str(volume.notices[0])


def test_the_size_at_the_detector_is_not_taken_for_that_in_the_patient(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(4), tags={"PixelSpacing": None, "ImagerPixelSpacing": [1.5, 0.75]}))
    (listing,) = list_images(tmp_path)
    assert isinstance(listing.problem, ConfirmationRequired)
    assert "0.75 x 1.5 mm" in str(listing.problem)
    (volume,) = read_images(tmp_path, accept=True)
    assert largest_error(volume) < ROUNDING


def _measures(dataset: Dataset) -> Dataset:
    return dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


@pytest.mark.parametrize("spacing", [None, [0, 0], [-1.5, 0.75]])
def test_an_enhanced_file_without_pixel_size_is_asked_about(tmp_path, spacing) -> None:
    dataset = write_enhanced(tmp_path / "enhanced", Phantom(straight(4)))
    if spacing is None:
        del _measures(dataset).PixelSpacing
    else:
        _measures(dataset).PixelSpacing = spacing
    dataset.save_as(tmp_path / "enhanced")
    (listing,) = list_images(tmp_path)
    assert isinstance(listing.problem, ConfirmationRequired)
    (accepted,) = list_images(tmp_path, accept=True)
    assert accepted.spacing_ijk_mm == pytest.approx((1, 1, 2.5))
    assert accepted.orientation == "LPS"


def test_what_some_slices_only_do_not_say_makes_no_volume(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(4)), PixelSpacing=[[1.5, 0.75], [1.5, 0.75], [0, 0], [1.5, 0.75]])
    (listing,) = list_images(tmp_path, accept=True)
    assert isinstance(listing.problem, InputError)
    assert not isinstance(listing.problem, ConfirmationRequired)


def test_a_slope_of_zero_everywhere_is_asked_about(tmp_path) -> None:
    written = write_series(tmp_path, Phantom(straight(4), slope=1.0, intercept=0.0, tags={"RescaleSlope": 0}))
    (listing,) = list_images(tmp_path)
    assert isinstance(listing.problem, ConfirmationRequired)
    assert "RescaleSlope is 0" in str(listing.problem)
    (volume,) = read_images(tmp_path, accept=True)
    np.testing.assert_array_equal(volume.voxels[0].ravel(), np.frombuffer(written[0].PixelData, "<i2"))
    assert codes(volume) == {"assumption-accepted"}


def test_a_slope_of_zero_in_an_empty_slice_only_is_what_it_is(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(4), modality="PT"))
    first = min(tmp_path.iterdir())
    dataset = dcmread(first)
    dataset.PixelData, dataset.RescaleSlope, dataset.RescaleIntercept = bytes(len(dataset.PixelData)), 0, 0
    dataset.save_as(first)
    volume = read_one(tmp_path)
    assert not volume.notices
    assert not volume.voxels[0].any()
    dataset.PixelData = b"\1\0" + dataset.PixelData[2:]
    dataset.save_as(first)
    with pytest.raises(InputError, match="RescaleSlope is 0, while other"):
        read_images(tmp_path)


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_rescale_that_is_no_number_is_refused(tmp_path, keyword, value) -> None:
    write_series(tmp_path, Phantom(straight(4), tags={keyword: value}))
    (listing,) = list_images(tmp_path, accept=True)
    assert "is not a number" in str(listing.problem)


@pytest.mark.parametrize(("modality", "said"), [("CT", {"rescale-missing"}), ("MR", set())])
def test_a_ct_that_does_not_say_how_its_values_become_hu_is_said_to(tmp_path, modality, said) -> None:
    tags = {"RescaleSlope": None, "RescaleIntercept": None}
    write_series(tmp_path, Phantom(straight(4), modality=modality, slope=1.0, intercept=0.0, tags=tags))
    volume = read_one(tmp_path)
    assert codes(volume) == said
    assert largest_error(volume) < 0.5 + ROUNDING


def test_several_questions_are_asked_together(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(4), tags={"PixelSpacing": None, "RescaleSlope": 0}))
    (listing,) = list_images(tmp_path)
    assert "PixelSpacing" in str(listing.problem)
    assert "RescaleSlope" in str(listing.problem)
    (accepted,) = list_images(tmp_path, accept=True)
    assert [notice.code for notice in accepted.notices] == ["assumption-accepted"] * 2


@pytest.mark.parametrize("thickness", ["inf", "nan", "-3"])
def test_a_single_slice_of_no_usable_thickness_says_what_was_assumed(tmp_path, thickness) -> None:
    write_series(tmp_path, Phantom(straight(1), tags={"SliceThickness": thickness}))
    (listing,) = list_images(tmp_path)
    assert listing.problem is None
    assert {notice.code for notice in listing.notices} == {"single-slice", "thickness-assumed"}


def test_a_single_enhanced_frame_has_the_thickness_of_its_measures(tmp_path) -> None:
    write_enhanced(tmp_path / "enhanced", Phantom(straight(1)))
    assert read_one(tmp_path).geometry.spacing_mm[0] == pytest.approx(9.9)


@pytest.mark.filterwarnings("ignore:overflow")
def test_places_beyond_all_numbers_spare_the_other_series(tmp_path) -> None:
    write_series(tmp_path / "a", Phantom(straight(3)))
    write_series(tmp_path / "b", Phantom(straight(1), tags={"SliceThickness": "1e-300"}))
    good, bad = list_images(tmp_path)
    assert good.problem is None
    assert isinstance(bad.problem, InputError)
    assert read_listing(good)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"PixelSpacing": [0, 0]}, "assumption-made", "1 x 1 mm is assumed"),
        ({"RescaleSlope": 0}, "assumption-made", "RescaleSlope is 0"),
        ({"EchoTime": [10, 90, 10, 90]}, "mixed-images", "echo time (10, 90)"),
    ],
)
def test_what_slicer_assumes_by_itself_is_said_in_its_panel(tmp_path, changes, code, said) -> None:
    whole = {keyword: value for keyword, value in changes.items() if keyword != "EchoTime"}
    write_series(tmp_path, Phantom(straight(4), tags=whole), **{k: v for k, v in changes.items() if k == "EchoTime"})
    found = scan([instance for path in sorted(tmp_path.iterdir()) if (instance := read_header(path))], "T1")
    assert [notice.code for notice in found.notices] == [code]
    assert said in found.notices[0].message
