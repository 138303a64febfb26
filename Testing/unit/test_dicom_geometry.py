"""Every verdict of the geometry gate, on images whose value is known everywhere in the patient."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import Cancelled, InputError
from MedAISegLib.core.quantities import PADDING_VALUES
from MedAISegLib.readers import dicom_pixels, list_images, read_images, read_listing
from MedAISegLib.readers.dicom_pixels import values_of
from MedAISegLib.readers.dicom_records import Frame
from phantom import (
    AXIAL,
    CORONAL,
    ROUNDING,
    Phantom,
    codes,
    largest_error,
    oblique,
    read_one,
    straight,
    tilted,
    world_value,
    write_series,
)
from pydicom.uid import generate_uid


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, oblique(), (0, 1, 0, 0, 0, -1)])
@pytest.mark.parametrize("order", [1, -1])
def test_every_voxel_of_a_regular_series_is_where_the_patient_is(tmp_path, orientation, order) -> None:
    write_series(tmp_path, Phantom(straight(7, orientation=orientation)[::order], orientation))
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji == (7, 6, 5)
    np.testing.assert_allclose(volume.geometry.spacing_mm, (2.5, 1.5, 0.75), atol=1e-6)
    assert largest_error(volume) < ROUNDING
    assert not volume.notices


def test_instances_and_files_are_in_the_order_of_the_slices(tmp_path) -> None:
    positions = [straight(5)[n] for n in (3, 0, 4, 1, 2)]
    written = write_series(tmp_path, Phantom(positions))
    series = read_one(tmp_path).series
    assert series is not None
    assert series.sop_instance_uids == tuple(written[n].SOPInstanceUID for n in (1, 3, 4, 0, 2))
    assert len(series.files) == 5
    assert series.frame_of_reference_uid == "1.2.3.4"


def test_a_tilted_gantry_gives_a_sheared_grid(tmp_path) -> None:
    orientation, positions = tilted(6, 15.0)
    write_series(tmp_path, Phantom(positions, orientation))
    volume = read_one(tmp_path)
    assert largest_error(volume) < ROUNDING
    assert not volume.geometry.is_rectilinear()
    assert codes(volume) == {"gantry-tilt"}
    assert "15.0°" in str(volume.notices[0])


@pytest.mark.parametrize("orientation", [AXIAL, oblique()])
def test_missing_slices_are_filled_and_named(tmp_path, orientation) -> None:
    positions = straight(9, orientation=orientation)
    write_series(tmp_path, Phantom([p for n, p in enumerate(positions) if n not in (2, 5, 6)], orientation))
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji[0] == 9
    assert largest_error(volume) < ROUNDING
    assert codes(volume) == {"missing-slice"}
    assert "between slices 2 and 3 (5 mm), 4 and 5 (7.5 mm)" in str(volume.notices[0])
    assert volume.series is not None
    assert len(volume.series.sop_instance_uids) == 6


def test_a_missing_slice_of_a_tilted_series_is_filled_in_the_patient(tmp_path) -> None:
    orientation, positions = tilted(7, 12.0)
    write_series(tmp_path, Phantom([p for n, p in enumerate(positions) if n != 3], orientation))
    volume = read_one(tmp_path)
    assert largest_error(volume) < ROUNDING
    assert codes(volume) == {"missing-slice", "gantry-tilt"}


@pytest.mark.parametrize(("missing", "refused"), [(3, False), (4, True)])
def test_a_gap_of_more_than_three_slices_is_refused(tmp_path, missing, refused) -> None:
    positions = straight(12)
    write_series(tmp_path, Phantom([*positions[:4], *positions[4 + missing :]]))
    (listing,) = list_images(tmp_path)
    assert (listing.problem is not None) is refused
    if refused:
        with pytest.raises(InputError, match=r"between slices 4 and 5 there are 12\.5 mm"):
            read_images(tmp_path)


def test_uneven_slices_are_resampled_where_they_are(tmp_path) -> None:
    along = np.array([0.0, 2.0, 4.5, 6.2, 9.0, 11.3, 12.9])
    normal = np.cross(oblique()[:3], oblique()[3:])
    write_series(tmp_path, Phantom([np.array([-10.0, 7.0, 3.0]) + t * normal for t in along], oblique()))
    volume = read_one(tmp_path)
    assert codes(volume) == {"uneven-spacing-resampled"}
    assert largest_error(volume) < ROUNDING
    last = volume.geometry.index_to_lps((volume.geometry.shape_kji[0] - 1, 0, 0))
    np.testing.assert_allclose(last, np.array([-10.0, 7.0, 3.0]) + 12.9 * normal, atol=1e-6)


def test_little_unevenness_is_taken_as_regular(tmp_path) -> None:
    write_series(tmp_path, Phantom([np.add(p, (0, 0, 0.04 * (-1) ** n)) for n, p in enumerate(straight(8))]))
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji[0] == 8
    assert not volume.notices


def test_slices_shifted_sideways_are_refused(tmp_path) -> None:
    write_series(tmp_path, Phantom([np.add(p, (3.0 * (n % 2), 0, 0)) for n, p in enumerate(straight(6))]))
    with pytest.raises(InputError, match="sideways"):
        read_images(tmp_path)


def test_exact_duplicates_are_dropped_and_said(tmp_path) -> None:
    positions = straight(5)
    write_series(tmp_path, Phantom([*positions, positions[2]]), InstanceNumber=[1, 2, 3, 4, 5, 3])
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji[0] == 5
    assert codes(volume) == {"duplicates-dropped"}
    assert largest_error(volume) < ROUNDING


def test_a_file_that_is_there_twice_is_read_once(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(4)))
    (tmp_path / "copy").mkdir()
    for file in sorted(tmp_path.glob("slice-*")):
        (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji[0] == 4
    assert codes(volume) == {"duplicates-dropped"}


def test_different_pixels_at_one_place_without_a_tag_are_refused(tmp_path) -> None:
    positions = straight(5)
    write_series(
        tmp_path,
        Phantom([*positions, positions[2]]),
        InstanceNumber=[1, 2, 3, 4, 5, 3],
        ValueShift=[0, 0, 0, 0, 0, 30],
    )
    with pytest.raises(InputError, match="no tag sorts them"):
        read_images(tmp_path)


def test_one_identifier_with_different_pixels_is_refused(tmp_path) -> None:
    uids = [generate_uid() for _ in range(4)]
    phantom = Phantom([*straight(4), straight(4)[1]])
    write_series(tmp_path, phantom, SOPInstanceUID=[*uids, uids[1]], ValueShift=[0, 0, 0, 0, 5])
    with pytest.raises(InputError, match="same SOPInstanceUID but different pixels"):
        read_images(tmp_path)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("TemporalPositionIdentifier", (1, 2)),
        ("EchoTime", (4.6, 30.0)),
        ("AcquisitionNumber", (1, 2)),
        ("ImageType", (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"])),
    ],
)
def test_a_series_with_several_volumes_is_split_by_its_tag(tmp_path, keyword, values) -> None:
    positions = straight(4, orientation=oblique())
    changes = {keyword: [value for value in values for _ in positions], "ValueShift": [0.0] * 4 + [50.0] * 4}
    write_series(tmp_path, Phantom(positions * 2, oblique(), modality="MR"), InstanceNumber=1, **changes)
    (listing,) = list_images(tmp_path)
    assert listing.volume_count == 2
    first, second = read_images(tmp_path)
    assert largest_error(first) < ROUNDING
    assert abs(largest_error(second) - 50.0) < ROUNDING
    assert first.description != second.description


def test_slices_ordered_only_by_their_number_are_split_by_it(tmp_path) -> None:
    positions = [p for p in straight(4) for _ in range(3)]
    write_series(tmp_path, Phantom(positions, modality="MR"), ValueShift=[0.0, 20.0, 40.0] * 4)
    volumes = read_images(tmp_path)
    assert [round(largest_error(volume)) for volume in volumes] == [0, 20, 40]


def test_one_slice_watched_over_time_is_refused(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(1) * 4), ValueShift=[0, 10, 20, 30], AcquisitionNumber=[1, 2, 3, 4])
    with pytest.raises(InputError, match="at one place"):
        read_images(tmp_path)


def test_orientation_noise_is_averaged_out(tmp_path) -> None:
    rng = np.random.default_rng(3)
    noisy = [[float(x) for x in np.array(oblique()) + rng.uniform(-1e-5, 1e-5, 6)] for _ in range(6)]
    write_series(tmp_path, Phantom(straight(6, orientation=oblique()), oblique()), ImageOrientationPatient=noisy)
    volume = read_one(tmp_path)
    assert largest_error(volume) < ROUNDING
    assert not volume.notices


def test_orientations_that_form_volumes_are_listed_apart(tmp_path) -> None:
    uid = generate_uid()
    write_series(tmp_path / "a", Phantom(straight(3)), SeriesInstanceUID=uid)
    write_series(tmp_path / "b", Phantom(straight(4, orientation=CORONAL), CORONAL), SeriesInstanceUID=uid)
    volumes = read_images(tmp_path)
    assert sorted(volume.geometry.shape_kji[0] for volume in volumes) == [3, 4]
    assert all(largest_error(volume) < ROUNDING and "mixed-orientation" in codes(volume) for volume in volumes)


def test_single_images_of_several_orientations_are_refused(tmp_path) -> None:
    uid = generate_uid()
    for name, orientation in (("a", AXIAL), ("b", CORONAL), ("c", oblique())):
        write_series(tmp_path / name, Phantom(straight(1), orientation), SeriesInstanceUID=uid)
    with pytest.raises(InputError, match="3 different orientations"):
        read_images(tmp_path)


def test_images_without_a_place_are_refused(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3)), ImagePositionPatient=None)
    with pytest.raises(InputError, match="ImagePositionPatient"):
        read_images(tmp_path)


def test_empty_identifiers_are_taken_from_the_meta_header_and_said(tmp_path) -> None:
    written = write_series(tmp_path, Phantom(straight(4)), SOPInstanceUID="", SeriesInstanceUID="", StudyInstanceUID="")
    volume = read_one(tmp_path)
    assert codes(volume) == {"identifiers-missing"}
    assert volume.series is not None
    assert volume.series.series_instance_uid == ""
    assert volume.series.sop_instance_uids[0] == written[0].file_meta.MediaStorageSOPInstanceUID


def test_every_slice_has_its_own_slope(tmp_path) -> None:
    slopes = [0.01, 0.02, 0.033, 0.05, 0.017]
    write_series(tmp_path, Phantom(straight(5), modality="PT"), RescaleSlope=slopes)
    assert largest_error(read_one(tmp_path)) < 0.03


def test_whole_numbers_stay_whole(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3), slope=1.0, intercept=-1024.0))
    volume = read_one(tmp_path)
    assert volume.voxels.dtype == np.int16
    assert largest_error(volume) <= 0.5 + 1e-6


def test_a_single_slice_takes_its_thickness_from_the_header(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(1), oblique()), SliceThickness=4.0)
    volume = read_one(tmp_path)
    assert volume.geometry.spacing_mm[0] == pytest.approx(4.0)
    assert largest_error(volume) < ROUNDING
    assert codes(volume) == {"single-slice"}


def test_files_that_are_no_dicom_are_passed_over_with_their_number(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3)))
    (tmp_path / "notes.txt").write_text("seen", encoding="utf-8")
    (tmp_path / "Thumbs.db").write_bytes(b"\0" * 300)
    (listing,) = list_images(tmp_path)
    assert "2 other files" in " ".join(map(str, listing.notices))


def test_a_file_cut_short_is_named(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3)))
    victim = sorted(tmp_path.iterdir())[1]
    victim.write_bytes(victim.read_bytes()[:-10])
    with pytest.raises(InputError, match=f"{victim.name} is cut short"):
        read_images(tmp_path)


def test_the_earliest_acquisition_counts_also_over_midnight(tmp_path) -> None:
    dates, times = ["20200102", "20200101", "20200102"], ["000100", "235900", "000300"]
    write_series(tmp_path, Phantom(straight(3), modality="PT"), AcquisitionDate=dates, AcquisitionTime=times)
    attributes = read_one(tmp_path).attributes
    assert (attributes["AcquisitionDate"], attributes["AcquisitionTime"]) == ("20200101", "235900")


def test_padding_is_given_in_the_units_of_the_voxels(tmp_path) -> None:
    phantom = Phantom(straight(3), slope=1.0, intercept=-1024.0)
    write_series(tmp_path, phantom, PixelPaddingValue=-2000)
    assert read_one(tmp_path).attributes[PADDING_VALUES] == "-3024\\-3024"


def test_a_cancelled_read_does_not_decode_the_rest(tmp_path, monkeypatch) -> None:
    write_series(tmp_path, Phantom(straight(40)))
    (listing,) = list_images(tmp_path)
    decoded: list[Path] = []

    def slowly(frames: list[Frame]) -> Iterator[np.ndarray]:
        decoded.append(frames[0].path)
        time.sleep(0.02)
        return values_of(frames)

    def cancel(_: float) -> None:
        raise Cancelled

    monkeypatch.setattr(dicom_pixels, "values_of", slowly)
    with pytest.raises(Cancelled):
        read_listing(listing, progress=cancel)
    assert len(decoded) < 20


def test_hidden_files_are_not_looked_at(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3)))
    (tmp_path / "._slice.dcm").write_bytes(b"\0\5\x16\7" * 40)
    (listing,) = list_images(tmp_path)
    assert not listing.notices


def test_nothing_of_the_patient_is_kept(tmp_path) -> None:
    write_series(tmp_path, Phantom(straight(3)))
    (listing,) = list_images(tmp_path)
    assert "Secret" not in repr(listing.attributes) + listing.description


def test_the_phantom_itself_is_not_flat() -> None:
    assert len(set(world_value(np.eye(3)))) == 3
