"""Of a series that holds several images, each has a name to be chosen by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from MedAISegLib.app.study import read_case
from MedAISegLib.core.errors import ConfirmationRequired, InputError, UsageError
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import list_images, read_listing

MODEL = ModelSpec(
    id="lesion",
    name="Lesion",
    format="test",
    channels=(Channel("T1", "MR"),),
    stages=(InferenceStage((), Windows(), Argmax()),),
    segments=(SegmentSpec(1, "Lesion"),),
)


@pytest.fixture
def two_orientations(shared_data: Path) -> Path:
    return shared_data / "dicom_quirks" / "mr_mixed_orientation"


@pytest.fixture
def two_time_points(shared_data: Path) -> Path:
    return shared_data / "dicom_quirks" / "mr_4d_time_series"


def uid_of(folder: Path) -> str:
    return list_images(folder)[0].series_instance_uid


def test_images_of_two_orientations_are_listed_by_names_of_their_own(two_orientations) -> None:
    uid = uid_of(two_orientations)
    assert [listing.names for listing in list_images(two_orientations)] == [(f"{uid}:1",), (f"{uid}:2",)]


@pytest.mark.parametrize("named", ["not at all", "as series", "as channel"])
def test_the_question_which_of_them_lists_these_names(two_orientations, named) -> None:
    uid = uid_of(two_orientations)
    how = {"not at all": {}, "as series": {"series_uid": uid}, "as channel": {"channels": {"T1": uid}}}[named]
    with pytest.raises(InputError, match=f"(?s){uid}:1.*{uid}:2"):
        read_case(MODEL, two_orientations, **how, accept=True)


@pytest.mark.parametrize(("number", "spacing_mm"), [(1, 3.3), (2, 4.4)])
def test_the_name_answers_it(two_orientations, number, spacing_mm) -> None:
    name = f"{uid_of(two_orientations)}:{number}"
    by_series = read_case(MODEL, two_orientations, series_uid=name, accept=True).first
    by_channel = read_case(MODEL, two_orientations, channels={"T1": name}, accept=True).first
    assert by_series.geometry.spacing_mm[0] == pytest.approx(spacing_mm, abs=0.05)
    assert by_series.series.sop_instance_uids == by_channel.series.sop_instance_uids
    assert by_series.series.sop_instance_uids == list_images(two_orientations)[number - 1].series.sop_instance_uids


def test_what_has_no_uid_is_chosen_by_its_number_alone(two_orientations, tmp_path) -> None:
    for path in two_orientations.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = ""
        dataset.save_as(tmp_path / path.name)
    assert [listing.names for listing in list_images(tmp_path)] == [(":1",), (":2",)]
    chosen = read_case(MODEL, tmp_path, series_uid=":2", accept=True).first
    assert chosen.geometry.spacing_mm[0] == pytest.approx(4.4, abs=0.05)


@pytest.mark.parametrize("number", [0, 3])
def test_a_number_that_no_image_has_is_a_mistake(two_orientations, number) -> None:
    with pytest.raises(UsageError, match="it holds 2"):
        read_case(MODEL, two_orientations, series_uid=f"{uid_of(two_orientations)}:{number}", accept=True)


def test_a_time_point_is_chosen_in_the_same_way(two_time_points) -> None:
    (listing,) = list_images(two_time_points)
    uid = listing.series_instance_uid
    assert listing.names == (f"{uid}:1", f"{uid}:2")
    with pytest.raises(ConfirmationRequired, match=f"{uid}:2"):
        read_case(MODEL, two_time_points, series_uid=uid)
    for number, volume in enumerate(read_listing(listing), start=1):
        chosen = read_case(MODEL, two_time_points, series_uid=f"{uid}:{number}").first
        np.testing.assert_array_equal(chosen.voxels, volume.voxels)
        assert chosen.series.sop_instance_uids == volume.series.sop_instance_uids


def test_series_of_one_image_keep_their_plain_names(shared_data) -> None:
    listings = [one for one in list_images(shared_data / "brain_mr_dicom" / "study1") if one.problem is None]
    assert [listing.names for listing in listings] == [(listing.series_instance_uid,) for listing in listings]
