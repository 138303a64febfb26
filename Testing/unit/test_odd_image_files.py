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
