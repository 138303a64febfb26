"""Slices of one series that are not one image are not stacked into one in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import ConfirmationRequired
from MedAISegLib.readers import list_images, read_images
from MedAISegLib.readers.dicom_header import read_header
from MedAISegLib.readers.dicom_mixtures import mixture_of
from MedAISegLib.readers.dicom_series import stacks_of
from MedAISegLib.readers.listing import ImageListing
from phantom import ROUNDING, Phantom, codes, largest_error, oblique, read_one, straight, write_enhanced, write_series
from pydicom import config


@pytest.fixture(autouse=True)
def _anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.settings, "writing_validation_mode", config.IGNORE)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)


EIGHT = straight(8, orientation=oblique())


def write(folder: Path, **changes: object) -> None:
    write_series(folder, Phantom(EIGHT, oblique(), modality="MR"), **changes)


def spacings_mm(listings: tuple[ImageListing, ...]) -> list[float]:
    return [round(listing.spacing_ijk_mm[2], 3) for listing in listings if listing.spacing_ijk_mm]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FrameOfReferenceUID": ["1.2.1", "1.2.2"] * 4}, "2 frames of reference"),
        ({"EchoTime": [10, 90] * 4}, "different echo time (10, 90)"),
        ({"FlipAngle": [10.0, 30.0] * 4}, "different flip angle (10, 30)"),
        ({"DiffusionBValue": [0.0, 800.0] * 4}, "different b-value (0, 800)"),
        ({"ConvolutionKernel": ["B30f", "B70f"] * 4}, "different kernel (B30f, B70f)"),
    ],
)
def test_images_that_interleave_are_listed_apart(tmp_path, changes, said) -> None:
    write(tmp_path, **changes)
    listings = list_images(tmp_path)
    assert spacings_mm(listings) == [5.0, 5.0]
    assert len({name for listing in listings for name in listing.names}) == 2
    for number, volume in enumerate(read_images(tmp_path), start=1):
        assert codes(volume) == {"mixed-images"}
        assert said in volume.notices[0].message
        assert f"group {number}" in volume.notices[0].message
        assert largest_error(volume) < ROUNDING
        (keyword,) = changes
        value = volume.series.frame_of_reference_uid if keyword[0:2] == "Fr" else volume.attributes.get(keyword)
        if value is not None:
            assert value.split(".0")[0] == str(changes[keyword][number - 1]).split(".0")[0]


def test_images_that_follow_each_other_are_listed_apart(tmp_path) -> None:
    write(tmp_path, EchoTime=[10] * 3 + [90] * 5)
    assert sorted(volume.geometry.shape_kji[0] for volume in read_images(tmp_path)) == [3, 5]


def test_frames_of_reference_and_echoes_are_both_told_apart(tmp_path) -> None:
    write(tmp_path, FrameOfReferenceUID=["1.2.1"] * 4 + ["1.2.2"] * 4, EchoTime=[10, 90] * 4)
    assert len(list_images(tmp_path)) == 4


def test_two_acquisitions_at_the_same_places_in_two_frames_of_reference_are_two_images(tmp_path) -> None:
    shift = [0.0] * 8 + [20.0] * 8
    write_series(
        tmp_path,
        Phantom(EIGHT * 2, oblique(), modality="MR"),
        FrameOfReferenceUID=["1.2.1"] * 8 + ["1.2.2"] * 8,
        ValueShift=shift,
    )
    assert [round(largest_error(volume)) for volume in read_images(tmp_path)] == [0, 20]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FrameOfReferenceUID": [f"1.2.{n}" for n in range(8)]}, "8 frames of reference"),
        ({"FrameOfReferenceUID": ["1.2.1", ""] * 4}, "2 frames of reference"),
        ({"EchoTime": [10] * 3 + [90] + [10] * 4}, "different echo time (10, 90)"),
        ({"EchoTime": ["nan"] + ["10"] * 7}, "different echo time"),
        ({"EchoTime": [10, 20, 30, 40, 50, 60, 70, 80]}, "(10, 20, 30, 40, …)"),
    ],
)
def test_what_forms_no_volumes_of_its_own_is_asked_about(tmp_path, changes, said) -> None:
    write(tmp_path, **changes)
    (listing,) = list_images(tmp_path)
    assert isinstance(listing.problem, ConfirmationRequired)
    assert said in listing.problem.what
    (volume,) = read_images(tmp_path, accept=True)
    assert codes(volume) == {"assumption-accepted"}
    assert volume.geometry.shape_kji[0] == 8
    assert largest_error(volume) < ROUNDING


@pytest.mark.parametrize(
    "changes", [{"EchoTime": [4.6, 4.61] * 4}, {"TriggerTime": list(range(8))}, {"EchoTime": ["10", "10.0"] * 4}]
)
def test_what_a_scanner_tunes_from_slice_to_slice_is_one_image(tmp_path, changes) -> None:
    write(tmp_path, **changes)
    assert not read_one(tmp_path).notices


def test_frames_of_an_enhanced_file_are_told_apart_too(tmp_path) -> None:
    dataset = write_enhanced(tmp_path / "enhanced", Phantom(straight(6)))
    for n, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        echo = type(own)()
        echo.EffectiveEchoTime = (10.0, 90.0)[n % 2]
        own.MREchoSequence = [echo]
    dataset.save_as(tmp_path / "enhanced")
    first, second = read_images(tmp_path)
    assert (first.attributes["EchoTime"], second.attributes["EchoTime"]) == ("10.0", "90.0")
    for volume in (first, second):
        assert largest_error(volume) < ROUNDING
        np.testing.assert_allclose(volume.geometry.spacing_mm[0], 5.0)


def test_frames_whose_marks_were_not_read_are_not_held_against_those_that_were(tmp_path) -> None:
    write(tmp_path, EchoTime=10)
    instances = [instance for path in sorted(tmp_path.iterdir()) if (instance := read_header(path))]
    sketched = [replace(one, frames=(replace(one.frames[0], marks={}),)) for one in instances[1:]]
    (stack,) = stacks_of([instances[0], *sketched])
    assert mixture_of(stack) is None
