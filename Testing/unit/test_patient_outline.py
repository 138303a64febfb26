"""Air around a patient is told from air within one, and from what is merely dark."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.patient_outline import PatientOutline

AIR, LUNG, TISSUE = -1000.0, -850.0, 40.0
SHAPE = (30, 100, 100)
UPRIGHT = np.array([[0, 0, 4.0, 0], [0, 4.0, 0, 0], [10.0, 0, 0, 0], [0, 0, 0, 1]])
"""Axial slices of 10 mm, voxels of 4 mm: 400 mm wide, and 300 mm high."""


def chest(affine=UPRIGHT):
    """A wall of tissue around lungs without a vessel, through all slices; 40 mm of air on either side of it."""
    voxels = np.full(SHAPE, AIR, np.float32)
    voxels[:, 20:80, 10:70] = TISSUE
    voxels[:, 25:75, 15:65] = LUNG
    return Volume(voxels, VolumeGeometry(SHAPE, affine))


def box(*ends):
    return tuple(slice(start, stop) for start, stop in ends)


def is_clear(volume, where, geometry=None):
    return PatientOutline(volume).is_clear_of(where, geometry or volume.geometry)


def test_air_beside_the_patient_is_clear():
    assert is_clear(chest(), box((2, 20), (30, 60), (76, 100)))


@pytest.mark.parametrize(
    "where",
    [
        box((2, 20), (30, 60), (20, 60)),
        box((0, 10), (30, 70), (20, 60)),
        box((20, 30), (30, 70), (20, 60)),
    ],
    ids=["amid", "at its lower end", "at its upper end"],
)
def test_a_lung_is_not_though_the_scan_ends_in_it(where):
    assert not is_clear(chest(), where)


def test_what_is_near_the_patient_is_not():
    # 20 mm are 5 voxels: 76 is far enough.
    assert not is_clear(chest(), box((2, 20), (30, 60), (74, 100)))


def test_small_windows_need_air_100_mm_wide():
    # 30 voxels of air are 120 mm, of which one of 40 has to have 30 on either side.
    small = box((14, 15), (45, 55), (80, 90))
    assert is_clear(chest(), small)
    assert not is_clear(chest(), box((14, 15), (45, 55), (76, 86)))


def test_dark_tissue_is_no_air():
    volume = chest()
    dark = Volume(np.where(volume.voxels == AIR, 0, volume.voxels + 1100).astype(np.float32), volume.geometry)
    assert not is_clear(dark, box((2, 20), (30, 60), (76, 100)))


def test_what_is_no_number_is_no_air():
    volume = chest()
    volume.voxels[10, 45, 88] = np.nan
    assert not is_clear(volume, box((2, 20), (30, 60), (76, 100)))


def test_beyond_the_image_there_is_air():
    assert is_clear(chest(), box((2, 20), (30, 60), (110, 140)))


@pytest.mark.parametrize("seed", range(6))
def test_grids_that_are_turned_flipped_and_oblique_give_the_same(seed):
    """By the window's corners in LPS mm, on a grid of other axes, and of an image whose axes are permuted."""
    random = np.random.default_rng(seed)
    order = random.permutation(3)
    volume = chest()
    permuted = Volume(
        volume.voxels.transpose(order),
        VolumeGeometry(tuple(np.array(SHAPE)[order]), volume.geometry.affine_lps[:, [*order, 3]]),
    )
    flipped_affine = permuted.geometry.affine_lps.copy()
    length = permuted.geometry.shape_kji[1]
    flipped_affine[:, 3] += flipped_affine[:, 1] * (length - 1)
    flipped_affine[:, 1] *= -1
    flipped = Volume(permuted.voxels[:, ::-1], VolumeGeometry(permuted.geometry.shape_kji, flipped_affine))
    for where, clear in [
        (box((2, 20), (30, 60), (77, 100)), True),
        (box((2, 20), (30, 60), (73, 100)), False),
        (box((2, 20), (30, 60), (20, 60)), False),
    ]:
        for image in (volume, permuted, flipped):
            assert is_clear(image, where, volume.geometry) is clear


def test_one_outline_has_one_digest():
    other = chest()
    other.voxels[:] += np.random.default_rng(1).normal(0, 5, SHAPE)
    larger = chest()
    larger.voxels[:, 18:82, 10:70] = TISSUE
    digests = [PatientOutline(volume).digest for volume in (chest(), other, larger)]
    assert digests[0] == digests[1] != digests[2]
