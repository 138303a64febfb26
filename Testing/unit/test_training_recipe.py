"""The recipe of the embedded model runs from end to end, and goes on where it stopped as if it had not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

pytest.importorskip("monai", reason="monai is not installed")

from safetensors.torch import load_file

from training.hippocampus import __main__ as recipe
from training.hippocampus import train as training
from training.hippocampus.augment import Augmentation
from training.hippocampus.cases import read_case, training_names, validation_names
from training.hippocampus.phases import PHASES, Phase

pytestmark = pytest.mark.engine

SMALL = Augmentation(patch=(24, 24, 24))
"""On 16 voxels, where the deepest level has two, gradients of oneDNN in bfloat16 are not numbers (torch 2.13)."""

PHASE = Phase(network=1, steps=4, batch=2, peak_rate=1e-3, views=SMALL, seed=5)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six crops in the layout of the data set, among them a validation case."""
    folder = tmp_path_factory.mktemp("crops")
    names = [f"hippocampus_{number:03}" for number in range(1, 60)]
    validation = validation_names(0)[0]
    chosen = [validation, *[name for name in names if name not in validation_names(0)][:5]]
    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for name in chosen:
        labels = np.zeros((20, 22, 18), np.uint8)
        labels[6:12, 10:16, 6:12], labels[6:12, 4:10, 6:12] = 1, 2
        image = (rng.normal(100, 20, labels.shape) + 80 * (labels > 0)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), folder / "images" / f"{name}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), folder / "labels" / f"{name}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def cases(data: Path):
    return [read_case(data, name) for name in training_names(data, 0)]


def weights_of(file: Path) -> dict[str, torch.Tensor]:
    return load_file(file)


def test_validation_cases_are_not_trained_on(data, cases):
    assert len(cases) == 5
    assert not {case.name for case in cases} & set(validation_names(0))


def test_an_interrupted_phase_ends_as_one_that_was_not(cases, tmp_path, monkeypatch):
    whole = training.train(PHASE, cases, tmp_path / "whole")
    monkeypatch.setattr(training, "STEPS_BETWEEN_SAVES", 2)
    advance = training.Trainer.advance

    def stopped(trainer, image, labels):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer, image, labels)

    monkeypatch.setattr(training.Trainer, "advance", stopped)
    with pytest.raises(KeyboardInterrupt):
        training.train(PHASE, cases, tmp_path / "stopped")
    monkeypatch.setattr(training.Trainer, "advance", advance)
    resumed = training.train(PHASE, cases, tmp_path / "stopped")
    for name, tensor in weights_of(whole).items():
        torch.testing.assert_close(weights_of(resumed)[name], tensor, rtol=0, atol=0, msg=name)


def test_the_phases_of_a_network_follow_each_other_and_are_not_repeated(data, tmp_path, monkeypatch):
    begun = []
    real = training.Trainer.__init__

    def noted(trainer, phase, before):
        begun.append((phase.network, phase.seed, before and before.parent.name))
        real(trainer, phase, before)

    monkeypatch.setattr(training.Trainer, "__init__", noted)
    phases = [replace(PHASE, steps=2), replace(PHASE, steps=2, network=0), replace(PHASE, steps=2, seed=6)]
    files = recipe.follow(phases, data, tmp_path, cases=2)
    assert begun == [(1, 5, None), (0, 5, None), (1, 6, "1_network_1")]
    assert [file.parent.name for file in files] == ["2_network_0", "3_network_1"]
    assert recipe.follow(phases, data, tmp_path, cases=2) == files
    assert len(begun) == 3


def test_the_learning_rate_warms_up_and_falls_to_zero():
    phase = PHASES[0]
    rates = [training.rate(phase, step) for step in range(phase.steps)]
    assert max(rates) == pytest.approx(phase.peak_rate, rel=0.02)
    assert rates[0] < phase.peak_rate / 100
    assert rates[-1] < phase.peak_rate / 1000


def test_every_network_of_the_bundle_has_its_phases_and_a_rehearsal_has_all_of_them():
    from training.hippocampus.bundle import network_count

    assert {phase.network for phase in PHASES} == set(range(network_count()))
    rehearsal = recipe.shortened(PHASES, 0.0001)
    assert [replace(short, steps=phase.steps) for short, phase in zip(rehearsal, PHASES, strict=True)] == list(PHASES)
    assert {phase.steps for phase in rehearsal} == {2}
