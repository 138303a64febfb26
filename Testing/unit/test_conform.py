"""Conform: FreeSurfer's grid and range of intensities, however the voxels are stored."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.run import segment
from MedAISegLib.models.operations import Conform, Interpolation
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Channel,
    InferenceStage,
    ModelSpec,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Windows,
)

pytestmark = pytest.mark.engine

LIA = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]])
"""Columns: to the left, down and forward in LPS."""
TRANSPOSITIONS = list(permutations(range(3)))
FLIPS = list(product([False, True], repeat=3))


def conformed(volume, size=16, spacing_mm=1.0):
    stage = InferenceStage((Conform(size, spacing_mm, "LIA"),), Windows(), Argmax())
    return prepare(Case({"T1": volume}), stage)


def bytes_volume(shape=(16, 16, 16), affine=None, seed=0):
    voxels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)
    if affine is None:
        affine = np.eye(4)
        affine[:3, :3] = LIA
        affine[:3, 3] = (3.0, -2.0, 5.5)
    return Volume(voxels, VolumeGeometry(shape, affine))


def stored_otherwise(volume, order, flips):
    axes = [axis for axis, flip in enumerate(flips) if flip]
    voxels = np.flip(volume.voxels.transpose(order), axes)
    return Volume(voxels, volume.geometry.transposed(order).flipped(flips))


@pytest.mark.parametrize("order", TRANSPOSITIONS)
@pytest.mark.parametrize("flips", FLIPS)
def test_what_is_conformed_already_stays_as_it_is_however_it_is_stored(order, flips):
    volume = bytes_volume()
    prepared = conformed(stored_otherwise(volume, order, flips))
    assert prepared.geometry.matches(volume.geometry)
    np.testing.assert_array_equal(prepared.values[0].numpy(), volume.voxels)


@pytest.mark.parametrize("order", TRANSPOSITIONS)
@pytest.mark.parametrize("flips", FLIPS)
def test_the_order_of_storage_does_not_matter(order, flips):
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([2.0, 0.8, 0.9])
    volume = bytes_volume((7, 15, 12), affine)
    expected, found = conformed(volume), conformed(stored_otherwise(volume, order, flips))
    assert found.geometry.matches(expected.geometry)
    np.testing.assert_allclose(found.values.numpy(), expected.values.numpy(), atol=1e-2)


def test_the_first_index_runs_left_the_second_down_the_third_forward():
    affine = np.diag([1.0, 1.0, 1.0, 1.0])[:, [2, 1, 0, 3]]  # (k, j, i): up, back, left
    volume = Volume(np.zeros((16, 16, 16), np.float32), VolumeGeometry((16, 16, 16), affine))
    assert conformed(volume).geometry.axis_codes() == "LIA"
    for axis, ramp_lps in enumerate(([1, 0, 0], [0, 0, -1], [0, -1, 0])):
        index = np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1)
        ramp = volume.geometry.index_to_lps(index) @ np.array(ramp_lps, float) + 0.5
        values = conformed(volume.with_voxels(ramp.astype(np.float32))).values[0].numpy()
        steps = np.diff(values, axis=axis)
        assert (steps >= 0).all()
        assert steps.max() > 10


def test_the_volume_lies_in_the_middle_of_zeros():
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    voxels = np.full((4, 4, 4), 100, np.float32)
    voxels[1, 1, 1] = 0
    volume = bytes_volume((4, 4, 4), affine).with_voxels(voxels)
    prepared = conformed(volume, size=20)
    np.testing.assert_allclose(
        prepared.geometry.index_to_lps([9.5, 9.5, 9.5]), volume.geometry.index_to_lps([1.5, 1.5, 1.5])
    )
    inside = np.argwhere(prepared.values[0].numpy() > 0)
    np.testing.assert_array_equal(inside.min(axis=0) + inside.max(axis=0), [19, 19, 19])


@pytest.mark.parametrize("factor", [1.0, 37.5])
def test_the_brightest_thousandth_of_what_is_not_zero_is_clipped(factor):
    voxels = np.zeros(16**3, np.float32)
    voxels[:2000] = np.arange(1, 2001)
    voxels[:2] = 90_000.0
    volume = bytes_volume().with_voxels(voxels.reshape(16, 16, 16) * np.float32(factor))
    values = conformed(volume).values[0].numpy().ravel()
    assert (values[:2] == 255).all()
    np.testing.assert_allclose(values[2:2000], np.arange(3, 2001) / 2000 * 255, rtol=1e-5)
    assert (values[2000:] == 0).all()


def test_the_smallest_value_becomes_zero_though_it_is_negative():
    voxels = np.arange(-100, 3996, dtype=np.float32)
    values = conformed(bytes_volume().with_voxels(voxels.reshape(16, 16, 16))).values[0].numpy().ravel()
    thousandth = 4
    top = voxels[-1 - thousandth]
    np.testing.assert_allclose(values, np.clip((voxels + 100) / (top + 100), 0, 1) * 255, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("size", [16, 20])
@pytest.mark.parametrize("value", [0.0, 300.0, -4.5])
def test_an_image_of_one_value_becomes_finite(value, size):
    volume = bytes_volume().with_voxels(np.full((16, 16, 16), value, np.float32))
    assert np.isfinite(conformed(volume, size=size).values.numpy()).all()


def long_volume(shape=(40, 12, 12)):
    """Longer than a cube of 16 mm along its first axis, which runs to the head."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1.0], [0, 1.0, 0], [1.0, 0, 0]])
    voxels = np.random.default_rng(2).integers(1, 200, shape).astype(np.float32)
    return Volume(voxels, VolumeGeometry(shape, affine))


def turned(volume, degrees):
    """The volume after a turn about the patient's left-right axis: its grid is no longer parallel to the cube's."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1]])
    return Volume(volume.voxels, VolumeGeometry(volume.geometry.shape_kji, turn @ volume.geometry.affine_lps))


class AllOne(torch.nn.Module):
    """Class 1 everywhere."""

    def forward(self, batch):
        return torch.cat([torch.zeros_like(batch), torch.ones_like(batch)], dim=1)


def run(volume, order, label=1):
    stage = InferenceStage(
        (Conform(16, 1.0, "LIA"),), Windows(), Argmax((0, label)), Restore(Activation.NONE, order, Interpolation.LINEAR)
    )
    spec = ModelSpec("m", "m", "test", (Channel("T1"),), (stage,), (SegmentSpec(label, "thing"),))
    return segment(Case({"T1": volume}), spec, ((AllOne(),),), device="cpu")


@pytest.mark.parametrize("label", [1, 300])
@pytest.mark.parametrize("turn_degrees", [0.0, 4.0])
@pytest.mark.parametrize("order", RestoreOrder)
def test_what_lies_beyond_the_cube_has_no_label_and_is_spoken_of(order, turn_degrees, label):
    result = run(turned(long_volume(), turn_degrees), order, label)
    assert [notice.code for notice in result.notices] == ["beyond-cube"]
    assert not result.layers[0][:11].any()
    assert not result.layers[0][29:].any()
    assert (result.layers[0][13:27] == label).all()


def test_a_volume_within_the_cube_gives_no_notice():
    assert run(long_volume((16, 12, 12)), RestoreOrder.DECIDE_THEN_LABELS).notices == ()
