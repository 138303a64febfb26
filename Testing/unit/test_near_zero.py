"""A resampled voxel is zero exactly where MONAI's is, also where neighbours of either sign nearly cancel out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.prepared import Prepared
from MedAISegLib.engine.steps import carry_out
from MedAISegLib.models.operations import Resample
from monai.data import MetaTensor
from monai.transforms import Spacing

pytestmark = pytest.mark.engine

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
PRECISIONS = {"in 64 bits": np.float64, "in 32 bits": np.float32}


def resampled(values, affine, spacing_mm, precision):
    """(channel, a, b, c) of ours, whose first axis runs fastest in memory as in a file, and of MONAI."""
    expected = Spacing(spacing_mm, dtype=precision)(MetaTensor(values, affine=torch.from_numpy(affine)))
    stored = values.permute(0, 3, 2, 1).contiguous().permute(0, 3, 2, 1)
    source = Prepared(stored, VolumeGeometry(tuple(values.shape[1:]), TO_LPS @ affine))
    step = Resample(tuple(spacing_mm), single_precision=precision is np.float32)
    return carry_out(step, source).values, expected.as_tensor()


@pytest.mark.parametrize("precision", PRECISIONS.values(), ids=PRECISIONS)
@pytest.mark.parametrize("background", [0.0, 0.9], ids=["everywhere a value", "mostly empty"])
def test_no_voxel_is_zero_on_one_side_only(background, precision):
    random = np.random.default_rng(0)
    traces = 0
    for _ in range(100):
        shape = (1 + int(random.integers(2)), *(int(n) for n in random.integers(1, 30, 3)))
        spacing_mm = random.choice([0.5, 0.75, 0.8, np.float32(0.7031), 0.9375, 1.0, 1.5, 2.5, 5.0], 3).astype(float)
        values = random.integers(-20, 21, shape) * (random.random(shape) >= background)
        affine = np.eye(4)
        affine[:3, :3] = np.eye(3)[random.permutation(3)] * random.choice([-1.0, 1.0], 3) * spacing_mm
        affine[:3, 3] = random.normal(0.0, 200.0, 3)
        wanted_mm = random.choice([0.8, 1.0, 1.5, 2.0, 3.0], 3)
        ours, expected = resampled(torch.from_numpy(values.astype(np.float32)), affine, wanted_mm, precision)
        assert torch.equal(ours.sign(), expected.sign()), (shape, affine, wanted_mm)
        traces += int(((expected != 0) & (expected.abs() < 1e-5)).sum())
    assert traces > 100


def test_what_three_neighbours_leave_of_each_other_is_kept():
    """Every fourth voxel is taken, at places that rounding errors put a little before 76 and after 220."""
    values = torch.zeros(1, 488, 404, 3)
    values[0, 75:77, 220:222, 1] = torch.tensor([[-3.0, 6.0], [0.0, 3.0]])
    affine = np.diag([0.75, 0.75, 3.0, 1.0])
    ours, expected = resampled(values, affine, (3.0, 3.0, 3.0), np.float64)
    assert 0.0 < float(expected[0, 19, 55, 1]) < 1e-20
    assert torch.equal(ours, expected)
