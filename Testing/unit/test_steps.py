"""The preparation steps equal MONAI's transforms of the same meaning, and their undo equals MONAI's inverse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import pieces, slabs
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.engine.prepared import Prepared
from MedAISegLib.engine.slabs import Slab, SlabStream, collect
from MedAISegLib.engine.steps import carry_out
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows
from monai import transforms as mt
from monai.data import MetaTensor

pytestmark = pytest.mark.engine


def oblique_affine(shear=0.0):
    rng = np.random.default_rng(3)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation @ np.diag([3.0, 0.7, 1.1])
    affine[:3, 0] += shear * affine[:3, 1]
    affine[:3, 3] = [12.0, -30.0, 7.0]
    return affine


def volume(shape=(9, 14, 11), shear=0.0, seed=0):
    voxels = np.random.default_rng(seed).normal(100, 50, size=shape).astype(np.float32)
    voxels[:2] = 0.0
    return Volume(voxels, VolumeGeometry(shape, oblique_affine(shear)), "CT")


def ours(operations, *volumes):
    case = Case({f"channel{n}": v for n, v in enumerate(volumes)})
    stage = InferenceStage((op.ReverseAxes(), *operations), Windows(), Argmax())
    return prepare(case, stage)


def theirs(*volumes):
    voxels = np.stack([v.voxels.transpose(2, 1, 0) for v in volumes])
    affine = volumes[0].geometry.transposed((2, 1, 0)).affine_ras
    return MetaTensor(torch.from_numpy(voxels.copy()), affine=torch.from_numpy(affine.copy()))


INTENSITY = [
    (op.ScaleRange(-57, 164, 0, 1, clip=True), mt.ScaleIntensityRange(-57, 164, 0, 1, clip=True)),
    (op.ScaleRange(0, 10, -1, 3), mt.ScaleIntensityRange(0, 10, -1, 3)),
    (op.MinMax(-1, 1), mt.ScaleIntensity(-1, 1)),
    (op.MinMax(0, 1, channel_wise=True), mt.ScaleIntensity(0, 1, channel_wise=True)),
    (op.ZScore(), mt.NormalizeIntensity()),
    (op.ZScore(nonzero=True), mt.NormalizeIntensity(nonzero=True)),
    (op.ZScore(nonzero=True, channel_wise=True), mt.NormalizeIntensity(nonzero=True, channel_wise=True)),
    (op.ZScore(mean=(80.0,), std=(30.0,)), mt.NormalizeIntensity(80.0, 30.0)),
    (
        op.ScalePercentiles(2, 98, 0, 1, clip=True),
        mt.ScaleIntensityRangePercentiles(2, 98, 0, 1, clip=True),
    ),
    (
        op.ScalePercentiles(1, 99, -1, 1, channel_wise=True),
        mt.ScaleIntensityRangePercentiles(1, 99, -1, 1, channel_wise=True),
    ),
    (op.ShiftScale(factor=0.5), mt.ScaleIntensity(None, None, factor=-0.5)),
    (op.ShiftScale(offset=7.0), mt.ShiftIntensity(7.0)),
    (op.FromMinimum(), mt.Lambda(lambda x: (x - x.min()) / x.std())),
    (op.Clip(-(2.0**15), 2.0**15 - 1, whole=True), mt.Lambda(lambda x: x.to(torch.int16).float())),
    (op.Clip(whole=True), mt.Lambda(torch.trunc)),
    (op.Sigmoid(), mt.Lambda(torch.sigmoid)),
    (op.SoftLimit(30.0), mt.Lambda(lambda x: 30 * torch.tanh(x / 30))),
    (
        op.OnChannel(1, op.ZScore()),
        mt.Lambda(lambda x: torch.stack([x[0], (x[1] - x[1].mean()) / x[1].std(correction=0)])),
    ),
]


@pytest.mark.parametrize(("operation", "transform"), INTENSITY, ids=lambda x: type(x).__name__)
def test_intensity_steps_equal_monai(operation, transform):
    volumes = volume(seed=1), volume(seed=2)
    expected = transform(theirs(*volumes)).as_tensor()
    torch.testing.assert_close(ours([operation], *volumes).values, expected.float(), rtol=1e-5, atol=1e-5)


def test_clip_limits_both_sides_or_one():
    values = ours([op.Clip(-20, 120)], volume()).values
    assert float(values.min()) >= -20
    assert float(values.max()) <= 120
    assert float(ours([op.Clip(maximum=50)], volume()).values.min()) < 0


def test_constant_and_empty_images_do_not_divide_by_zero():
    flat = Volume(np.full((3, 4, 5), 7.0, np.float32), VolumeGeometry((3, 4, 5), np.eye(4)))
    empty = Volume(np.zeros((3, 4, 5), np.float32), VolumeGeometry((3, 4, 5), np.eye(4)))
    for operation in (
        op.ZScore(),
        op.ZScore(nonzero=True),
        op.MinMax(),
        op.FromMinimum(),
        op.ScalePercentiles(1, 99, nonzero=True),
    ):
        for image in (flat, empty):
            assert torch.isfinite(ours([operation], image).values).all()


def test_log_compress_flattens_the_tail_and_drops_negatives():
    values = ours([op.LogCompress(2.0)], volume()).values
    expected = np.log1p(np.clip(volume().voxels.transpose(2, 1, 0), 0, None) / 2.0)
    np.testing.assert_allclose(values[0].numpy(), expected, rtol=1e-5)


SPATIAL = {
    "orient": ([op.Orient("RAS")], [mt.Orientation("RAS")]),
    "orient to LIA": ([op.Orient("LIA")], [mt.Orientation("LIA")]),
    "resample": ([op.Resample((1.5, 1.0, 2.0))], [mt.Spacing((1.5, 1.0, 2.0))]),
    "resample what is far from it": (
        [op.Resample((1.0, 1.0, 2.6), tolerance=0.25)],
        [mt.Spacing((1.0, 1.0, 2.6), min_pixdim=(0.75, 0.75, 1.95), max_pixdim=(1.25, 1.25, 3.25))],
    ),
    "resample finer": ([op.Resample((0.5, 0.4, 1.2))], [mt.Spacing((0.5, 0.4, 1.2))]),
    "orient, resample": (
        [op.Orient("RAS"), op.Resample((1.5, 1.0, 2.0))],
        [mt.Orientation("RAS"), mt.Spacing((1.5, 1.0, 2.0))],
    ),
    "resample, orient": (
        [op.Resample((1.5, 1.0, 2.0)), op.Orient("SPL")],
        [mt.Spacing((1.5, 1.0, 2.0)), mt.Orientation("SPL")],
    ),
    "crop": ([op.CropForeground(90.0)], [mt.CropForeground(lambda x: x > 90.0, allow_smaller=True)]),
    "crop with margin": ([op.CropForeground(130.0, 3)], [mt.CropForeground(lambda x: x > 130.0, margin=3)]),
    "crop with margin inside": (
        [op.CropForeground(130.0, 3, within_image=True)],
        [mt.CropForeground(lambda x: x > 130.0, margin=3, allow_smaller=True)],
    ),
    "pad to multiple": ([op.PadToMultiple((8, 8, 8))], [mt.DivisiblePad(8)]),
    "pad to size": ([op.PadToSize((20, 5, 16))], [mt.SpatialPad((20, 5, 16))]),
    "all": (
        [op.Orient("RAS"), op.Resample((1.5, 1.0, 2.0)), op.CropForeground(130.0), op.PadToMultiple((8, 8, 8))],
        [
            mt.Orientation("RAS"),
            mt.Spacing((1.5, 1.0, 2.0)),
            mt.CropForeground(lambda x: x > 130.0, allow_smaller=True),
            mt.DivisiblePad(8),
        ],
    ),
}


@pytest.mark.parametrize("shear", [0.0, 0.3], ids=["rectilinear", "sheared"])
@pytest.mark.parametrize("case", SPATIAL)
def test_spatial_steps_and_their_grid_equal_monai(case, shear):
    operations, transforms = SPATIAL[case]
    prepared = ours(operations, volume(shear=shear))
    expected = mt.Compose(transforms)(theirs(volume(shear=shear)))
    assert prepared.shape == tuple(expected.shape[1:])
    np.testing.assert_allclose(prepared.geometry.affine_ras, expected.affine.numpy(), atol=1e-6)
    torch.testing.assert_close(prepared.values, expected.as_tensor(), rtol=1e-5, atol=1e-4)


def streamed(values, axis, depth, ascending):
    starts = list(range(0, values.shape[axis + 1], depth))
    parts = [Slab.of(values.narrow(axis + 1, s, min(depth, values.shape[axis + 1] - s)), axis, s) for s in starts]
    parts = parts if ascending else parts[::-1]
    return SlabStream(tuple(values.shape[1:]), axis, ascending, iter(parts))


@pytest.mark.parametrize("ascending", [True, False], ids=["rising", "falling"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shear", [0.0, 0.3], ids=["rectilinear", "sheared"])
@pytest.mark.parametrize("case", SPATIAL)
def test_undo_on_a_stream_equals_the_inverse_of_monai(case, shear, axis, ascending):
    operations, transforms = SPATIAL[case]
    prepared = ours(operations, volume(shear=shear))
    compose = mt.Compose(transforms)
    there = compose(theirs(volume(shear=shear)))
    scores = torch.rand(3, *prepared.shape, generator=torch.Generator().manual_seed(1))
    stream = streamed(scores, axis, 2, ascending)
    for undo in reversed(prepared.undos):
        stream = undo(stream, op.Interpolation.LINEAR)
    ours_back = collect(stream)
    with_trace = MetaTensor(scores, affine=there.affine, applied_operations=there.applied_operations)
    back = compose.inverse(with_trace).as_tensor().permute(0, 3, 2, 1)
    torch.testing.assert_close(ours_back, back, rtol=1e-5, atol=1e-5)


def test_channels_on_other_grids_are_sampled_in_world_space():
    def ramp(geometry):
        index = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape_kji], indexing="ij"), axis=-1)
        return (geometry.index_to_lps(index) @ [1.0, 2.0, -0.5]).astype(np.float32)

    first = VolumeGeometry((8, 9, 10), oblique_affine())
    other = VolumeGeometry((60, 60, 60), np.diag([1.2, 1.3, 1.1, 1.0]))
    shifted = other.affine_lps.copy()
    shifted[:3, 3] = first.index_to_lps([4, 4, 5]) - other.affine_lps[:3, :3] @ [30.0, 30.0, 30.0]
    other = VolumeGeometry(other.shape_kji, shifted)
    stage = InferenceStage((), Windows(), Argmax())
    case = Case({"a": Volume(ramp(first), first), "b": Volume(ramp(other), other)})
    values = prepare(case, stage).values
    np.testing.assert_allclose(values[1].numpy(), values[0].numpy(), atol=1e-2)


@pytest.mark.parametrize(
    "operation",
    [
        op.Resample((0.5, 0.5, 0.5)),
        op.Conform(12, 3.0, "LIA"),
        op.CropForeground(90.0),
        op.PadToMultiple((16, 16, 16)),
        op.PadToSize((20, 20, 20)),
        op.ScaleRange(0, 10),
        op.ScalePercentiles(1, 99),
        op.MinMax(),
        op.ZScore(),
        op.Clip(0, 1),
        op.ShiftScale(2.0),
        op.LogCompress(),
        op.FromMinimum(),
        op.Sigmoid(),
        op.SoftLimit(3.0),
        op.OnChannel(0, op.MinMax()),
        op.Resize((1.0, 0.5, 0.5)),
        op.CropNonzero(),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_a_step_polls_within_a_large_volume(operation, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_VALUES", 200)
    monkeypatch.setattr(slabs, "_TILE_EDGE", 6)
    for step in ("spatial", "resize"):
        monkeypatch.setattr(f"MedAISegLib.engine.steps.{step}.PIECE_VALUES", 200)
    polls = []
    source = volume()
    values = torch.from_numpy(source.voxels)[None]
    carry_out(operation, Prepared(values, source.geometry, poll=lambda: polls.append(1)))
    assert len(polls) >= 5
