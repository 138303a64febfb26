"""The grid of another spacing has the shape that MONAI's has, also where its last voxel lies midway between two."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.respacing import respaced
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows
from monai import transforms as mt
from monai.data import MetaTensor
from monai.data.utils import compute_shape_offset, zoom_affine

pytestmark = pytest.mark.engine

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CASES = 400


def placed(random: np.random.Generator, spacing_mm: np.ndarray, *, oblique: bool) -> np.ndarray:
    """An affine (to RAS mm) as a NIfTI file holds it."""
    turn = np.eye(3)[random.permutation(3)] * random.choice([-1.0, 1.0], 3)
    if oblique:
        turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing_mm
    affine[:3, 3] = random.normal(0.0, 200.0, 3)
    return affine.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("oblique", [False, True], ids=["along the axes", "oblique"])
def test_grids_are_those_of_monai_to_the_last_bit(oblique):
    random = np.random.default_rng(0)
    for _ in range(CASES):
        shape = tuple(int(n) for n in random.integers(5, 300, 3))
        affine = placed(random, random.choice([0.5, 0.75, 1.5, 2.0, 5.0], 3), oblique=oblique)
        spacing_mm = tuple(random.choice([1.0, 2.5, 3.0], 3))
        expected = zoom_affine(affine, spacing_mm, diagonal=False)
        expected_shape, expected[:3, 3] = compute_shape_offset(shape, affine, expected)
        found = respaced(VolumeGeometry(shape, TO_LPS @ affine), spacing_mm)
        assert found.shape_kji == tuple(expected_shape), (shape, affine)
        np.testing.assert_array_equal(TO_LPS @ found.affine_lps, expected)


def test_every_other_slice_of_an_even_number():
    random = np.random.default_rng(1)
    shapes = set()
    for slices in (12, 14, 224):
        for _ in range(20):
            affine = placed(random, np.array([3.0, 3.0, 1.5]), oblique=False)
            voxels = np.zeros((2, 2, slices), dtype=np.float32)
            turned = mt.Orientation("RAS")(MetaTensor(torch.from_numpy(voxels)[None], affine=torch.from_numpy(affine)))
            expected = mt.Spacing((3.0, 3.0, 3.0))(turned)
            volume = Volume(
                voxels.transpose(2, 1, 0).copy(), VolumeGeometry(voxels.shape, TO_LPS @ affine).transposed((2, 1, 0))
            )
            stage = InferenceStage(
                (op.ReverseAxes(), op.Orient("RAS"), op.Resample((3.0, 3.0, 3.0))), Windows(), Argmax()
            )
            found = prepare(Case({"image": volume}), stage)
            assert found.values.shape == expected.shape
            shapes.add(max(expected.shape) - slices // 2)
    assert shapes == {0, 1}, "both are met"
