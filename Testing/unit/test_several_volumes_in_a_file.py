"""Files and series of several volumes: asked about before they are read, and read once, as far as wanted."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from MedAISegLib.app.study import read_case
from MedAISegLib.core.errors import ConfirmationRequired
from MedAISegLib.models.spec import Argmax, Channel, InferenceStage, ModelSpec, SegmentSpec, Windows
from MedAISegLib.readers import dicom_volume, list_images, read_listing
from phantom import Phantom, straight, write_series

FRAMES = 20
VOXELS = np.random.default_rng(3).integers(0, 4000, (FRAMES, 7, 60, 50), dtype=np.int16)
"""(frame, k, j, i)"""

MODEL = ModelSpec(
    "one", "One", "x", (Channel("image"),), (InferenceStage((), Windows((0, 0, 0)), Argmax()),), (SegmentSpec(1, "a"),)
)


def write(path: Path) -> Path:
    if path.name.endswith((".nii", ".nii.gz", ".mgz")):
        kind = nib.MGHImage if path.suffix == ".mgz" else nib.Nifti1Image
        nib.save(kind(VOXELS.transpose(), np.eye(4)), path)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(VOXELS, isVector=False), str(path), useCompression=True)
    return path


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of what is unpacked from then on, bytes."""
    lengths: list[int] = []
    read = gzip._GzipReader.read  # type: ignore[attr-defined]

    def counted(self: object, size: int = -1) -> bytes:
        found: bytes = read(self, size)
        lengths.append(len(found))
        return found

    monkeypatch.setattr(gzip._GzipReader, "read", counted)  # type: ignore[attr-defined]
    return lengths


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgz", "a.nrrd", "a.mha"])
def test_every_volume_is_read_as_it_is_and_one_alone_as_well(tmp_path: Path, name: str) -> None:
    (listing,) = list_images(write(tmp_path / name))
    assert listing.volume_count == FRAMES
    for volume, voxels in zip(read_listing(listing), VOXELS, strict=True):
        np.testing.assert_array_equal(volume.voxels, voxels)
    fractions: list[float] = []
    (one,) = read_listing(replace(listing, wanted=13), progress=fractions.append)
    np.testing.assert_array_equal(one.voxels, VOXELS[13])
    assert "frame 14 of 20" in one.description
    assert fractions == [1.0]


@pytest.mark.parametrize(("name", "passes"), [("a.nii.gz", 1), ("a.mgz", 3)])
def test_all_volumes_are_unpacked_at_once(tmp_path: Path, name: str, passes: int, unpacked: list[int]) -> None:
    """MGH ends with a footer, which whoever opens it looks up."""
    write(tmp_path / name)
    unpacked.clear()
    (listing,) = list_images(tmp_path / name)
    assert len(read_listing(listing)) == FRAMES
    assert VOXELS.nbytes <= sum(unpacked) < (passes + 0.2) * VOXELS.nbytes


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_itk_reads_a_file_once_for_all_volumes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (listing,) = list_images(write(tmp_path / name))
    calls: list[int] = []
    execute = sitk.ImageFileReader.Execute

    def counted(self: sitk.ImageFileReader) -> sitk.Image:
        calls.append(1)
        return execute(self)

    monkeypatch.setattr(sitk.ImageFileReader, "Execute", counted)
    assert len(read_listing(listing)) == FRAMES
    assert len(calls) == 1


def test_which_volume_is_meant_is_asked_before_any_is_unpacked(tmp_path: Path, unpacked: list[int]) -> None:
    write(tmp_path / "a.nii.gz")
    unpacked.clear()
    with pytest.raises(ConfirmationRequired, match="holds 20 volumes"):
        read_case(MODEL, tmp_path / "a.nii.gz")
    assert sum(unpacked) < VOXELS[0].nbytes + (1 << 17)


def test_only_the_accepted_first_volume_is_unpacked(tmp_path: Path, unpacked: list[int]) -> None:
    write(tmp_path / "a.nii.gz")
    unpacked.clear()
    case = read_case(MODEL, tmp_path / "a.nii.gz", accept=True)
    np.testing.assert_array_equal(case.first.voxels, VOXELS[0])
    assert "first-volume" in [notice.code for notice in case.first.notices]
    assert sum(unpacked) < VOXELS.nbytes / 2


def test_a_packed_file_that_ends_early_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nii.gz")
    path.write_bytes(path.read_bytes()[:-20_000])
    (listing,) = list_images(path)
    with pytest.raises(Exception, match=r"a\.nii\.gz: the file is damaged"):
        read_listing(listing)


SLICES = 6


@pytest.fixture
def frames_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images of a series are read at once, each time."""
    counts: list[int] = []
    read = dicom_volume.read_frames

    def counted(frames: Any, *rest: Any) -> Any:
        counts.append(len(frames))
        return read(frames, *rest)

    monkeypatch.setattr(dicom_volume, "read_frames", counted)
    return counts


def time_points(folder: Path, shifts: list[float]) -> Path:
    """A series of time points, each with its values moved by so much."""
    points = len(shifts)
    changes = {
        "TemporalPositionIdentifier": [point + 1 for point in range(points) for _ in range(SLICES)],
        "ValueShift": [shift for shift in shifts for _ in range(SLICES)],
    }
    write_series(folder, Phantom(positions=straight(SLICES) * points, modality="MR"), **changes)
    return folder


def test_of_a_series_of_time_points_two_slices_are_read_before_the_question(
    tmp_path: Path, frames_read: list[int]
) -> None:
    with pytest.raises(ConfirmationRequired, match="holds 5 volumes"):
        read_case(MODEL, time_points(tmp_path / "s", [0, 10, 20, 30, 40]))
    assert frames_read == [1, 1]


def test_time_points_that_differ_in_their_last_slices_only_are_no_copies(tmp_path: Path) -> None:
    folder = time_points(tmp_path / "s", [0, 0])
    last = max(
        (pydicom.dcmread(file) for file in folder.iterdir()),
        key=lambda one: (one.TemporalPositionIdentifier, one.ImagePositionPatient[2]),
    )
    last.PixelData = bytes(len(last.PixelData))
    last.save_as(last.filename)
    with pytest.raises(ConfirmationRequired, match="holds 2 volumes"):
        read_case(MODEL, folder)


def test_only_the_accepted_first_time_point_is_read(tmp_path: Path, frames_read: list[int]) -> None:
    folder = time_points(tmp_path / "s", [0, 10, 20, 30, 40])
    case = read_case(MODEL, folder, accept=True)
    assert sum(frames_read) == SLICES + 2
    (listing,) = list_images(folder)
    np.testing.assert_array_equal(case.first.voxels, read_listing(listing)[0].voxels)
    (said,) = [notice.message for notice in case.first.notices if notice.code == "first-volume"]
    assert said.startswith("Of 5 volumes")


def test_time_points_that_are_copies_are_one_volume_without_a_question(tmp_path: Path) -> None:
    case = read_case(MODEL, time_points(tmp_path / "s", [0, 0, 0]))
    assert [notice.code for notice in case.first.notices].count("copies-dropped") == 2
