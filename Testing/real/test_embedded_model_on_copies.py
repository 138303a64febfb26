"""The embedded model on a validation case as others would have stored it: resampling costs, little else does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

pytest.importorskip("monai", reason="monai is not installed")

from training.hippocampus import program
from training.hippocampus.cases import validation_names
from training.hippocampus.evaluate import score_cases
from training.hippocampus.perturb import PERTURBATIONS

pytestmark = pytest.mark.engine

NAME = validation_names(0)[0]
EXACT, STORED_OTHERWISE, RESAMPLED = 0.0, 0.01, 0.04
"""Dice below that of the unchanged image's labels, laid on the copy's grid."""

COPIES = {
    "axes LAS": EXACT,
    "axes RPS": EXACT,
    "axes LPS": EXACT,
    "axes RAI": EXACT,
    "axes LAI": EXACT,
    "axes RPI": EXACT,
    "axes LPI": EXACT,
    "axes ASR": EXACT,
    "axes SRA": EXACT,
    "axes PLI": EXACT,
    "bytes": STORED_OTHERWISE,
    "4-byte whole numbers to 2,000,000": STORED_OTHERWISE,
    "intensity - 500": STORED_OTHERWISE,
    "intensity / 1000": STORED_OTHERWISE,
    "zeros around, 10 voxels": STORED_OTHERWISE,
    "oblique 10 deg": RESAMPLED,
    "oblique 20 deg": RESAMPLED,
    "spacing 0.7 mm": RESAMPLED,
    "spacing 1.5 mm": RESAMPLED,
}
QUICK = ("axes SRA", "bytes", "oblique 20 deg")

Segmented = Callable[[Path], torch.Tensor]


@pytest.fixture(scope="module")
def segmented() -> Segmented:
    return program.predictor()


@pytest.fixture(scope="module")
def unchanged(shared_data: Path, segmented: Segmented) -> torch.Tensor:
    return segmented(shared_data / "hippocampus" / "images" / f"{NAME}.nii.gz")


@pytest.mark.parametrize(
    "copy", [pytest.param(copy, marks=() if copy in QUICK else pytest.mark.slow) for copy in COPIES]
)
def test_a_copy_loses_little(shared_data: Path, segmented: Segmented, unchanged: torch.Tensor, copy: str) -> None:
    folder = shared_data / "hippocampus"
    scores = score_cases(segmented, folder, [NAME], PERTURBATIONS[copy], {NAME: unchanged})
    for part, score in scores.items():
        assert score.carried > 0.8
        assert score.mean >= score.carried - COPIES[copy], f"{part}: {score.mean:.3f} of {score.carried:.3f}"
