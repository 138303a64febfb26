"""Image files that promise what they do not hold, or hold what no step can compute with."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from MedAISegLib.core.errors import InputError
from MedAISegLib.readers import list_images, read_images
from phantom import Phantom, straight, write_series

AFFINE = np.diag([1.0, 1.1, 1.2, 1.0])


def promising(size: int) -> bytes:
    """A NIfTI of eight voxels whose header says that there are many more."""
    content = bytearray(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), AFFINE).to_bytes())
    struct.pack_into("<8h", content, 40, 3, size, size, size, 1, 1, 1, 1)
    return bytes(content)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("size", [200, 30_000])
def test_a_header_that_promises_more_than_the_file_can_hold(tmp_path: Path, name: str, size: int) -> None:
    content = promising(size)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (listing,) = list_images(tmp_path / name)
    assert isinstance(listing.problem, InputError)
    assert "damaged" in str(listing.problem)


def test_voxels_that_would_begin_beyond_all_files_are_damage(tmp_path: Path) -> None:
    content = bytearray(nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), AFFINE).to_bytes())
    struct.pack_into("<f", content, 108, 1e30)
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_images(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.mgz"])
def test_an_image_of_nothing_but_zeros_is_whole_however_small_its_file(tmp_path: Path, name: str) -> None:
    kind = nib.MGHImage if name.endswith("mgz") else nib.Nifti1Image
    nib.save(kind(np.zeros((300, 300, 300), np.float32), AFFINE), tmp_path / name)
    (volume,) = read_images(tmp_path / name)
    assert volume.geometry.shape_kji == (300, 300, 300)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e300, -1e39])
def test_values_beyond_single_precision_are_named(tmp_path: Path, value: float) -> None:
    voxels = np.ones((5, 6, 7))
    voxels[2, 3, 4] = value
    nib.save(nib.Nifti1Image(voxels, AFFINE), tmp_path / "a.nii")
    with pytest.raises(InputError, match=r"a\.nii.*3\.4e38"):
        read_images(tmp_path / "a.nii")


@pytest.mark.filterwarnings("error")
def test_infinity_and_not_a_number_are_no_matter_of_precision(tmp_path: Path) -> None:
    voxels = np.ones((5, 6, 7))
    voxels[2, 3, 4], voxels[1, 1, 1] = np.inf, np.nan
    nib.save(nib.Nifti1Image(voxels, AFFINE), tmp_path / "a.nii")
    (volume,) = read_images(tmp_path / "a.nii")
    assert np.count_nonzero(~np.isfinite(volume.voxels)) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nii.gz")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        list_images(tmp_path / "pipe.nii.gz")
    with pytest.raises(InputError, match="no image in it"):
        list_images(tmp_path)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Files and folders that this user may not read; an administrator may read all others' as well."""
    places: set[Path] = set()
    access, scandir = os.access, os.scandir

    def may(path: Path, mode: int) -> bool:
        return Path(path) not in places and access(path, mode)

    def entries(path: Path) -> object:
        if Path(path) in places:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "access", may)
    monkeypatch.setattr(os, "scandir", entries)
    return places


@pytest.mark.parametrize("name", ["IM0007", "sub"])
def test_what_may_not_be_read_is_listed_beside_what_can(tmp_path: Path, locked: set[Path], name: str) -> None:
    write_series(tmp_path, Phantom(straight(5)))
    (tmp_path / "sub").mkdir()
    (tmp_path / "IM0007").write_bytes(b"x")
    locked.add(tmp_path / name)
    series, denied = list_images(tmp_path)
    assert series.problem is None
    assert denied.paths == (tmp_path / name,)
    assert "may not be read" in str(denied.problem)


def test_an_input_that_may_not_be_read_says_so(tmp_path: Path, locked: set[Path]) -> None:
    nib.save(nib.Nifti1Image(np.ones((5, 6, 7), np.float32), AFFINE), tmp_path / "a.nii")
    for place in (tmp_path / "a.nii", tmp_path):
        locked.add(place)
        with pytest.raises(InputError, match="may not be read"):
            read_images(place)


def test_a_folder_is_listed_without_what_is_hidden_in_it(tmp_path: Path) -> None:
    for name in ("a.nii", ".b.nii", "._a.nii"):
        nib.save(nib.Nifti1Image(np.ones((5, 6, 7), np.float32), AFFINE), tmp_path / name)
    assert [listing.description for listing in list_images(tmp_path)] == ["a.nii"]
