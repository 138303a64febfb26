"""The embedded model finds what the sample study was drawn with: the path works. It says nothing of its quality."""

from __future__ import annotations

import numpy as np
import pytest
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.sample_study import draw_sample, write_sample_study
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.readers import read_images

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("monai", reason="monai is not installed")
pytestmark = pytest.mark.engine

LEAST_DICE = 0.8


@pytest.mark.parametrize("seed", [0, 1])
def test_the_embedded_model_finds_the_labels_of_the_sample_study(tmp_path, seed) -> None:
    from MedAISegLib.app.segment import run

    write_sample_study(tmp_path, seed=seed)
    drawn = draw_sample(seed)
    segmentation, _ = run(SegmentationJob(model="hippocampus", device="cpu"), read_images(tmp_path))
    assert segmentation.geometry.matches(VolumeGeometry(drawn.labels.shape, drawn.affine_lps), 1e-3)
    for segment in segmentation.segments:
        found, true = segmentation.mask(segment), drawn.labels == segment.label_value
        dice = 2 * np.count_nonzero(found & true) / (np.count_nonzero(found) + np.count_nonzero(true))
        assert dice >= LEAST_DICE, f"{segment.name}: {dice:.3f}"
