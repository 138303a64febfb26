"""The installed program in place of MONAI: the model as a user runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import load_model, open_model, run
from MedAISegLib.readers import read_images


def predictor() -> Callable[[Path], torch.Tensor]:
    """Labels (i, j, k) of an image file by the embedded model."""
    model = load_model(open_model("hippocampus"))
    job = SegmentationJob("hippocampus", device="cpu")

    def labels(image: Path) -> torch.Tensor:
        segmentation, _ = run(job, read_images(image), model=model)
        found = torch.zeros(segmentation.geometry.shape_kji, dtype=torch.int64)
        for segment in segmentation.segments:
            found[torch.from_numpy(segmentation.mask(segment))] = segment.label_value
        return found.permute(2, 1, 0)

    return labels
