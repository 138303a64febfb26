"""Interpolation between grids: the two ways agree, and ties fall as in the reference implementations."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from MedAISegLib.engine import resampling, slabs
from MedAISegLib.engine.resampling import Outside, axis_taps, resample, resample_stream
from MedAISegLib.engine.slabs import Slab, SlabStream, collect
from MedAISegLib.models.operations import Interpolation
from monai.networks.layers import AffineTransform

pytestmark = pytest.mark.engine


def index_map(scale, offset):
    matrix = np.diag([*scale, 1.0])
    matrix[:3, 3] = offset
    return matrix


@pytest.mark.parametrize("outside", list(Outside))
@pytest.mark.parametrize("interpolation", list(Interpolation))
def test_the_separable_way_equals_the_general_way(interpolation, outside, monkeypatch):
    values = torch.rand(2, 7, 9, 11)
    mapping = index_map((0.61, 1.37, 0.43), (-1.3, 0.4, 2.1))
    separable = resample(values, mapping, (14, 8, 21), interpolation, outside)
    monkeypatch.setattr(resampling, "parallel_axes", lambda _: None)
    monkeypatch.setattr(slabs, "_TILE_VALUES", {"cpu": 2 * 4**3})
    general = resample(values, mapping, (14, 8, 21), interpolation, outside)
    torch.testing.assert_close(separable, general, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "source", "scale", "offset"),
    [(224, 112, 0.5, 0.0), (488, 244, 0.5, 0.0), (448, 112, 0.25, 0.0), (37, 99, 2.5, 0.0), (180, 60, 1 / 3, 0.0)],
)
def test_nearest_neighbours_fall_as_in_the_reference_where_two_are_equally_near(target, source, scale, offset):
    taps = axis_taps(target, source, scale, offset, Interpolation.NEAREST)
    theta = torch.eye(4, dtype=torch.float64)
    theta[0, 0], theta[0, 3] = scale, offset
    transform = AffineTransform(normalized=False, mode="nearest", padding_mode="border", align_corners=False)
    ramp = torch.arange(source, dtype=torch.float64).view(1, 1, source, 1, 1)
    expected = transform(ramp, theta=theta, spatial_size=(target, 1, 1)).flatten().numpy()
    np.testing.assert_array_equal(taps.lower, expected)


def test_a_rotated_map_is_sampled_in_world_space():
    def ramp(shape):
        a, b, c = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in shape], indexing="ij")
        return a + 10 * b - 3 * c

    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    mapping = np.eye(4)
    mapping[:3, :3] = rotation
    mapping[:3, 3] = 10.0 - rotation @ np.full(3, 2.0)
    sampled = resample(torch.from_numpy(ramp((21, 21, 21)))[None], mapping, (5, 5, 5), Interpolation.LINEAR)
    index = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), axis=-1) @ rotation.T + mapping[:3, 3]
    np.testing.assert_allclose(sampled[0].numpy(), index @ [1.0, 10.0, -3.0], atol=1e-3)


@pytest.mark.parametrize("outside", list(Outside))
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_number_reaches_its_neighbours_only(number, outside):
    mapping = index_map((0.61, 1.37, 0.43), (-1.3, 0.4, 2.1))
    values = torch.rand(2, 7, 9, 11)
    spoilt = values.clone()
    spoilt[1, 3, 4, 5] = number
    whole, found = (resample(one, mapping, (14, 8, 21), Interpolation.LINEAR, outside) for one in (values, spoilt))
    places = np.indices((14, 8, 21)).reshape(3, -1).T @ np.diag([0.61, 1.37, 0.43]) + [-1.3, 0.4, 2.1]
    far = torch.from_numpy((np.abs(places - [3, 4, 5]) > 1).any(axis=1).reshape(14, 8, 21))
    assert not found[1][~far].isfinite().all()
    torch.testing.assert_close(found[1][far], whole[1][far], rtol=0, atol=1e-6)
    torch.testing.assert_close(found[0], whole[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("outside", list(Outside))
@pytest.mark.parametrize("shape", [(3, 7, 9, 11), (1, 1, 9, 2), (2, 256, 3, 4)])
def test_a_product_gives_what_two_neighbours_give(shape, outside, dtype):
    values = torch.rand(shape, dtype=dtype).permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    taps = [axis_taps(2 * n + 1, n, 0.47, -0.3, Interpolation.LINEAR, outside) for n in shape[1:]]
    nearest = axis_taps(5, shape[2], 0.5, 0.1, Interpolation.NEAREST)
    beyond = axis_taps(3, shape[2], 0.1, shape[2] - 0.7, Interpolation.LINEAR, outside)
    for each in (taps, [taps[0], nearest, taps[2]], [taps[0], beyond, taps[2]]):
        assert resampling._may_be_multiplied(values, each)
        looked_up = multiplied = values
        for axis in (2, 1, 0):
            looked_up = resampling.resample_axis(looked_up, axis, each[axis])
            multiplied = resampling._multiplied(multiplied, axis, each[axis])
        torch.testing.assert_close(multiplied, looked_up, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "values",
    [
        torch.rand(1, 4, 257, 4),
        torch.rand(1, 4, 4, 4).half(),
        torch.ones(1, 4, 4, 4, dtype=torch.uint8),
        torch.full((1, 4, 4, 4), torch.inf),
        torch.full((1, 4, 4, 4), torch.nan),
    ],
    ids=["long", "16 bits", "labels", "infinite", "no number"],
)
def test_what_a_product_would_change_is_looked_up(values):
    taps = [axis_taps(9, n, 0.47, -0.3, Interpolation.LINEAR) for n in values.shape[1:]]
    assert not resampling._may_be_multiplied(values, taps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_between_a_single_slice_and_nothing_there_is_a_share_of_it(dtype):
    values = torch.ones(1, 1, 3, 3, dtype=dtype)
    mapping = index_map((1.0, 1.0, 1.0), (0.25, 0.0, 0.0))
    found = resample(values, mapping, (1, 3, 3), Interpolation.LINEAR, Outside.ZERO)
    assert torch.equal(found, torch.full_like(values, 0.75))


TIES = """
import torch
from MedAISegLib.engine import resampling
from MedAISegLib.models.operations import Interpolation
torch.manual_seed(0)
values = torch.randn(1, 13, 20, 20).repeat(5, 1, 1, 1)
targets = (48, 34, 39)
for axis in (2, 1, 0):
    length, wanted = values.shape[axis + 1], targets[axis]
    taps = resampling.axis_taps(wanted, length, length / wanted, 0.1, Interpolation.LINEAR)
    values = resampling._multiplied(values, axis, taps)
assert (values == values[:1]).all()
"""


def test_equal_scores_stay_equal():
    """Also where the processor's widest instructions are not to be had, which round ends of rows in another way."""
    subprocess.run([sys.executable, "-c", TIES], env=os.environ | {"MKL_ENABLE_INSTRUCTIONS": "AVX2"}, check=True)


def test_labels_are_never_interpolated_linearly():
    labels = torch.ones(1, 4, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match="nearest"):
        resample(labels, index_map((0.5, 0.5, 0.5), (0, 0, 0)), (8, 8, 8), Interpolation.LINEAR)


def test_a_tile_takes_no_more_of_the_source_than_it_reaches(monkeypatch):
    taken = []
    sample = torch.nn.functional.grid_sample

    def noted(values, *arguments, **options):
        taken.append(values.shape[2])
        return sample(values, *arguments, **options)

    monkeypatch.setattr(torch.nn.functional, "grid_sample", noted)
    monkeypatch.setattr(slabs, "_TILE_VALUES", {"cpu": 1})
    mapping = index_map((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    mapping[0, 1] = 0.1
    resample(torch.rand(1, 60, 6, 6), mapping, (60, 2, 3), Interpolation.LINEAR)
    assert len(taken) >= 60 * 2 * 3
    assert max(taken) <= 4


TILTED = np.array([[0.7, 0.1, -0.05, -1.5], [0.3, 0.02, 1.2, -1.0], [0.05, -0.8, 0.1, 13.0], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("outside", list(Outside))
@pytest.mark.parametrize("interpolation", list(Interpolation))
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("ascending", [True, False])
def test_slabs_between_tilted_grids_give_what_the_whole_array_gives(axis, ascending, interpolation, outside):
    """Also where the target runs backwards, and lies in part beyond the source."""
    values, shape = torch.rand(2, 15, 16, 17), (20, 18, 13)
    expected = resample(values, TILTED, shape, interpolation, outside)
    handed_over = []

    def slab(start):
        handed_over.append(start)
        return Slab.of(values.narrow(axis + 1, start, 1).clone(), axis, start)

    places = range(values.shape[axis + 1])
    stream = SlabStream((15, 16, 17), axis, ascending, (slab(n) for n in (places if ascending else reversed(places))))
    result = resample_stream(stream, TILTED, shape, interpolation, outside)
    first = next(result.slabs)
    assert len(handed_over) < len(places)
    rest = SlabStream(shape, result.axis, result.ascending, iter([first, *result.slabs]))
    torch.testing.assert_close(collect(rest), expected, rtol=1e-5, atol=1e-6)
