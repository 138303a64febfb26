"""Images on another number of voxels as nnU-Net has them; the coarse axis of an uneven one is resampled on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.engine.prepared import Prepared
from MedAISegLib.engine.steps import carry_out
from MedAISegLib.engine.steps.resize import cubic_matrix
from MedAISegLib.models.operations import Resize

pytestmark = pytest.mark.engine

LENGTH = 6


def axes_of_copied_slices(present_mm, wanted_mm, anisotropy=3.0):
    """Of a finer image those along which its slices are some of the source's, and none lies between two of them."""
    values = torch.from_numpy(np.random.default_rng(0).random((1, LENGTH, LENGTH, LENGTH)))
    source = Prepared(values, VolumeGeometry((LENGTH,) * 3, np.diag([*present_mm, 1.0])))
    found = carry_out(Resize(wanted_mm, anisotropy), source).values[0].numpy()
    return [n for n in range(3) if found.shape[n] > LENGTH and np.unique(found, axis=n).shape[n] <= LENGTH]


@pytest.mark.parametrize(
    ("present_mm", "wanted_mm", "copied"),
    [
        ((4.0, 1.0, 1.0), (2.0, 1.0, 0.5), [0]),
        ((0.8, 0.9, 4.0), (0.8, 0.45, 2.0), [2]),
        ((2.0, 1.0, 1.0), (1.0, 0.25, 0.25), [0]),
        ((5.0, 1.0, 2.0), (0.2, 0.5, 1.0), [0]),
        ((3.0, 1.0, 1.0), (1.5, 1.0, 0.5), []),
        ((4.0, 4.0, 1.0), (2.0, 2.0, 1.0), []),
    ],
    ids=[
        "image", "its last axis", "the wanted one only", "image before the wanted one",
        "even enough", "two coarse axes",
    ],
)  # fmt: skip
def test_the_coarse_axis_is_that_of_the_image_else_that_of_the_wanted_spacing(present_mm, wanted_mm, copied):
    assert axes_of_copied_slices(present_mm, wanted_mm) == copied


@pytest.mark.parametrize(("anisotropy", "copied"), [(2.9, [0]), (3.0, [])])
def test_how_uneven_an_image_has_to_be_is_the_models_choice(anisotropy, copied):
    assert axes_of_copied_slices((3.0, 1.0, 1.0), (1.5, 1.0, 0.5), anisotropy) == copied


def test_no_weight_becomes_a_number_that_processors_are_slow_with():
    weights = torch.from_numpy(cubic_matrix(512, 514)).float().abs()
    assert weights[weights > 0].min() >= torch.finfo(torch.float32).tiny
