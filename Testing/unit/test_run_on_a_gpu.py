"""A whole run keeps to the device that it was given, and finds there what it finds on the processor.

The device is an emulated one: a real GPU rounds otherwise, and runs its own layers.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from emulated_gpu import GPU, EmulatedGpu
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume
from MedAISegLib.engine import run
from MedAISegLib.engine.backends import Wanted, trial
from MedAISegLib.models import operations as op
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Blending,
    Channel,
    InferenceStage,
    ModelSpec,
    Regions,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Threshold,
    WindowRule,
    Windows,
)
from small_networks import two_classes

pytestmark = pytest.mark.engine

OBLIQUE = np.array([[0.2, 0.3, -0.8, 3], [-0.1, 1.0, 0.3, 4], [1.9, 0.1, 0.2, -5], [0, 0, 0, 1.0]])
RESAMPLED = (op.ReverseAxes(), op.Orient("RAS"), op.Resample((1.5, 1.5, 2.0)), op.ZScore())
PLAIN = InferenceStage(RESAMPLED, Windows((8, 8, 8), (0.5, 0.5, 0.5)), Argmax())
SIGMOID = Restore(Activation.SIGMOID)
STAGES = {
    "scores come back": PLAIN,
    "labels come back": replace(PLAIN, restore=Restore(order=RestoreOrder.DECIDE_THEN_LABELS)),
    "overlapping": replace(PLAIN, decision=Threshold((1, 2)), restore=SIGMOID),
    "painted": replace(PLAIN, decision=Regions((1, 2)), restore=SIGMOID),
    "weighted and flipped": replace(
        PLAIN, windows=replace(PLAIN.windows, blending=Blending.GAUSSIAN, test_time_flips=((0,), (1, 2)), batch=2)
    ),
    "nnU-Net": replace(
        PLAIN,
        preprocessing=(op.CropNonzero(), op.ZScore(), op.Resize((1.5, 1.5, 1.5))),
        windows=replace(PLAIN.windows, rule=WindowRule.NNUNET, blending=Blending.GAUSSIAN),
    ),
    "TotalSegmentator": replace(PLAIN, preprocessing=(op.Orient("RAS"), op.Zoom((1.5, 1.5, 1.5)), op.ZScore())),
    "without windows": replace(PLAIN, windows=Windows()),
}


class Above(torch.nn.Module):
    """Two classes: where the image is above a level, and where not."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.cat([0.2 - batch, batch - 0.2], dim=1)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path))


@pytest.fixture
def case() -> Case:
    voxels = np.random.default_rng(0).normal(60, 40, size=(12, 17, 14)).astype(np.float32)
    voxels[:2] = voxels[:, :, :2] = 0.0
    return Case({"image": Volume(voxels, VolumeGeometry(voxels.shape, OBLIQUE))})


def segmented(case: Case, *stages: InferenceStage, members: int = 1) -> run.EngineResult:
    return run.segment(case, spec(*stages), [[Above() for _ in range(members)] for _ in stages])


def spec(*stages: InferenceStage) -> ModelSpec:
    segments = (SegmentSpec(1, "one"), SegmentSpec(2, "two"))
    return ModelSpec("m", "m", "test", (Channel("image"),), stages, segments, sha256="0" * 64)


def agree(case: Case, monkeypatch: pytest.MonkeyPatch, *stages: InferenceStage, members: int = 1) -> None:
    expected = segmented(case, *stages, members=members)
    monkeypatch.setattr(run, "choose_device", lambda _: GPU)
    with EmulatedGpu() as gpu:
        found = segmented(case, *stages, members=members)
    assert (expected.device, found.device) == ("cpu", str(GPU))
    assert gpu.computed
    assert expected.layers.any()
    np.testing.assert_array_equal(found.layers, expected.layers)
    assert found.notices == expected.notices


@pytest.mark.parametrize("name", STAGES)
def test_a_run_finds_the_same_there(case, monkeypatch, name):
    agree(case, monkeypatch, STAGES[name])


def test_so_do_folds_of_a_model(case, monkeypatch):
    agree(case, monkeypatch, STAGES["nnU-Net"], members=2)
    monkeypatch.undo()
    agree(case, monkeypatch, PLAIN, members=2)


def test_and_slices_one_by_one(case, monkeypatch):
    flat = replace(PLAIN, preprocessing=(op.ZScore(),), windows=Windows((0, 8, 8)), slicewise=True)
    agree(case, monkeypatch, flat)


@pytest.mark.parametrize("precision", ["auto", "fp32", "tf32", "fp16", "bf16"])
def test_a_network_with_weights_is_brought_there_and_run_in_each_way(case, monkeypatch, precision):
    network = two_classes()
    network[-1].bias.data += torch.tensor([-0.1, 0.1])
    networks = [[network]]
    expected = run.segment(case, spec(PLAIN), deepcopy(networks), device="cpu")
    monkeypatch.setattr(run, "choose_device", lambda _: GPU)
    monkeypatch.setattr(trial, "_ENOUGH", 5)
    with EmulatedGpu() as gpu:
        found = run.segment(case, spec(PLAIN), networks, wanted=Wanted.of("auto", precision))
    assert any("conv" in name for name in gpu.computed)
    assert found.device == str(GPU)
    assert expected.layers.any()
    np.testing.assert_array_equal(found.layers, expected.layers)


def test_where_its_memory_is_short_the_computers_is_used_and_that_is_said(case, monkeypatch):
    expected = segmented(case, PLAIN)
    monkeypatch.setattr(run, "choose_device", lambda _: GPU)
    # What the network is given has room there; neither has a ring of two classes, nor what resampling takes.
    prepared_bytes = 4 * int(np.prod(run.prepare(case, PLAIN).values.shape))
    with EmulatedGpu(room=prepared_bytes):
        found = segmented(case, PLAIN)
    np.testing.assert_array_equal(found.layers, expected.layers)
    assert found.device == str(GPU)
    assert {notice.code for notice in found.notices} == {"memory-ladder"}
    prepared, added = (notice.message for notice in found.notices)
    assert "prepared on the processor" in prepared
    assert "added up in the computer's memory" in added
