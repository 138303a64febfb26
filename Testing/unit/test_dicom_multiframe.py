"""The geometry gate on Enhanced multi-frame objects: each frame has its own place and slope."""

from __future__ import annotations

import pytest
from MedAISegLib.core.errors import Cancelled
from MedAISegLib.readers import dicom_pixels, list_images, read_listing
from phantom import ROUNDING, Phantom, codes, largest_error, oblique, read_one, straight, tilted, write_enhanced


def test_an_enhanced_file_is_read_with_each_frames_own_place_and_slope(tmp_path) -> None:
    positions = [straight(5, orientation=oblique())[n] for n in (2, 0, 1, 4, 3)]
    write_enhanced(tmp_path / "enhanced", Phantom(positions, oblique()))
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji == (5, 6, 5)
    assert largest_error(volume) < ROUNDING
    assert volume.series is not None
    assert len(volume.series.files) == len(volume.series.sop_instance_uids) == 1


def test_a_tilted_enhanced_file_gives_a_sheared_grid(tmp_path) -> None:
    orientation, positions = tilted(5, 15.0)
    write_enhanced(tmp_path / "enhanced", Phantom(positions, orientation))
    volume = read_one(tmp_path)
    assert largest_error(volume) < ROUNDING
    assert codes(volume) == {"gantry-tilt"}


def test_a_gap_in_an_enhanced_file_is_filled(tmp_path) -> None:
    positions = straight(7)
    write_enhanced(tmp_path / "enhanced", Phantom([p for n, p in enumerate(positions) if n != 4]))
    volume = read_one(tmp_path)
    assert volume.geometry.shape_kji[0] == 7
    assert largest_error(volume) < ROUNDING
    assert codes(volume) == {"missing-slice"}


def test_an_enhanced_file_with_time_points_is_split(tmp_path) -> None:
    tags = [{"TemporalPositionIndex": n} for n in (1, 2) for _ in range(3)]
    phantom = Phantom(straight(3) * 2)
    write_enhanced(tmp_path / "enhanced", phantom, tags)
    (listing,) = list_images(tmp_path)
    assert listing.volume_count == 2


def test_a_cancelled_read_reads_no_further_frame(tmp_path, monkeypatch) -> None:
    write_enhanced(tmp_path / "enhanced", Phantom(straight(12)))
    (listing,) = list_images(tmp_path)
    read: list[int] = []
    plain = dicom_pixels.read_plain

    def noted(path: object, pixels: object, index: int) -> object:
        read.append(index)
        return plain(path, pixels, index)

    def cancel(_: float) -> None:
        raise Cancelled

    monkeypatch.setattr(dicom_pixels, "read_plain", noted)
    with pytest.raises(Cancelled):
        read_listing(listing, progress=cancel)
    assert len(read) == 1
