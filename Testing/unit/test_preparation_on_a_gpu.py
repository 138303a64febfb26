"""Every step works where the image lies, and gives there what it gives on the processor."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from emulated_gpu import GPU, EmulatedGpu
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import prepared_again, steps
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import Argmax, InferenceStage, Windows

pytestmark = pytest.mark.engine

OBLIQUE = np.array([[0.2, 0.3, -0.8, 3], [-0.1, 1.0, 0.3, 4], [1.9, 0.1, 0.2, -5], [0, 0, 0, 1.0]])
EVERY = {
    "reversed": (op.ReverseAxes(),),
    "transposed": (op.Transpose((1, 2, 0)),),
    "oriented": (op.Orient("RAS"),),
    "resampled": (op.ReverseAxes(), op.Orient("RAS"), op.Resample((1.5, 1.5, 2.0))),
    "nearest": (op.Resample((1.5, 1.5, 2.0), op.Interpolation.NEAREST),),
    "splines": (op.Resize((1.5, 1.5, 1.5)),),
    "splines and slices": (op.Resize((4.0, 0.8, 0.8)),),
    "linear": (op.Resize((4.0, 0.8, 0.8), linear=True),),
    "to a size": (op.ResizeTo((8, 12, 0)),),
    "means": (op.ResizeTo((8, 12, 0), averaged=True),),
    "zoomed": (op.Zoom((1.5, 1.5, 1.5)),),
    "conformed": (op.Conform(24, 1.0, "RAS"),),
    "foreground": (op.CropForeground(0.0, margin=2),),
    "nonzero": (op.CropNonzero(),),
    "padded": (op.PadToMultiple((16, 16, 16)),),
    "padded to": (op.PadToSize((16, 0, 32)),),
    "range": (op.ScaleRange(0.0, 200.0, clip=True),),
    "percentiles": (op.ScalePercentiles(1.0, 99.0, channel_wise=True),),
    "minimum and maximum": (op.MinMax(),),
    "z-score": (op.ZScore(nonzero=True, channel_wise=True),),
    "z-score inside": (op.ZScoreInside((0, 1)),),
    "outside": (op.ZeroOutsideBody(),),
    "clipped": (op.Clip(-20.0, 90.0, whole=True),),
    "shifted": (op.ShiftScale(2.0, 3.0),),
    "logarithm": (op.Clip(0.0), op.LogCompress(2.0)),
    "from minimum": (op.FromMinimum(),),
    "sigmoid": (op.Sigmoid(),),
    "limit": (op.SoftLimit(30.0),),
    "of a channel": (op.OnChannel(1, op.ShiftScale(2.0)),),
}


def volume(affine: np.ndarray, seed: int) -> Volume:
    voxels = np.random.default_rng(seed).normal(60, 40, size=(9, 14, 11)).astype(np.float32)
    voxels[:2] = voxels[:, :, :2] = 0.0
    return Volume(voxels, VolumeGeometry(voxels.shape, affine))


@pytest.fixture
def case() -> Case:
    """Two channels on grids that are oblique to each other."""
    return Case({"T1": volume(OBLIQUE, 0), "T2": volume(np.diag([-1.1, 0.9, 2.0, 1.0]), 1)})


def stage(*preprocessing: op.Operation, apart: bool = False) -> InferenceStage:
    return InferenceStage(preprocessing, Windows(), Argmax(), channels_apart=apart)


def test_every_step_is_tried_here():
    tried = {type(operation) for operations in EVERY.values() for operation in operations}
    assert tried == {*steps._STEPS, op.OnChannel}


@pytest.mark.parametrize("name", EVERY)
def test_a_step_leaves_an_image_where_it_is_and_computes_the_same(case, name):
    expected = prepare(case, stage(*EVERY[name]))
    with EmulatedGpu() as gpu:
        found = prepare(case, stage(*EVERY[name]), device=GPU)
        assert found.values.device == GPU
        brought = found.values.cpu()
    assert gpu.computed
    assert found.geometry.matches(expected.geometry)
    torch.testing.assert_close(brought, expected.values, rtol=0, atol=0)


def test_channels_that_are_resampled_one_by_one(case):
    wanted = stage(op.ReverseAxes(), op.Resample((1.5, 1.5, 2.0)), op.ZScore(), apart=True)
    expected = prepare(case, wanted)
    with EmulatedGpu():
        brought = prepare(case, wanted, device=GPU).values.cpu()
    torch.testing.assert_close(brought, expected.values, rtol=0, atol=0)


def test_labels_of_a_stage_before_lie_beside_the_image(case):
    wanted = InferenceStage((op.Resize((1.5, 1.5, 1.5)),), Windows(), Argmax((0, 1, 2)), labels_of=0)
    labels = np.random.default_rng(2).integers(0, 3, size=(9, 14, 11)).astype(np.uint8)
    with EmulatedGpu():
        found = prepare(case, wanted, labels=labels, device=GPU)
        assert found.labels is not None
        assert found.labels.labels.device == found.values.device == GPU


def test_an_image_without_room_there_is_prepared_on_the_processor_and_that_is_said(case):
    wanted = stage(op.Resample((0.5, 0.5, 0.5)))
    expected = prepare(case, wanted)
    with EmulatedGpu(room=2 * 4 * 9 * 14 * 11):
        found = prepare(case, wanted, device=GPU)
    assert found.values.device.type == "cpu"
    torch.testing.assert_close(found.values, expected.values, rtol=0, atol=0)
    assert [notice.code for notice in found.notices] == ["memory-ladder"]
    assert "prepared on the processor" in found.notices[0].message
    assert expected.notices == ()


def test_that_is_not_said_once_there_is_room_again(case):
    wanted = stage(op.Resample((0.5, 0.5, 0.5)))
    with prepared_again.reusing(prepared_again.KeptPreparations()):
        with EmulatedGpu(room=2 * 4 * 9 * 14 * 11):
            assert prepare(case, wanted, device=GPU).notices != ()
        with EmulatedGpu():
            found = prepare(case, wanted, device=GPU)
    assert found.values.device == GPU
    assert found.notices == ()


def test_what_is_kept_for_the_next_run_takes_none_of_its_memory(case):
    kept = prepared_again.KeptPreparations()
    with EmulatedGpu(), prepared_again.reusing(kept):
        first = prepare(case, stage(op.ZScore()), device=GPU)
        again = prepare(case, stage(op.ZScore()), device=GPU)
        assert first.values.device == GPU
        assert again.values.device.type == "cpu"
        torch.testing.assert_close(first.values.cpu(), again.values, rtol=0, atol=0)
        # What the processor has prepared is another array: the last bits may differ.
        prepare(case, stage(op.ZScore()))
    assert len(kept._kept) == 2


def test_tensors_of_both_devices_do_not_mix_on_the_emulated_one():
    with EmulatedGpu():
        there = torch.ones(3, device=GPU)
        with pytest.raises(RuntimeError, match="same device"):
            there + torch.ones(3)
        with pytest.raises(TypeError):
            there.numpy()
        assert float((there + 1).sum()) == 6.0
