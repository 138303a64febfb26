"""The recorded result, as the worker gave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

NAME = "sample_study_hippocampus"


def recorded_result() -> tuple[Any, Any]:
    """The segmentation and the record of the run that made it, of the sample study by the embedded model."""
    from MedAISegLib.core.geometry import VolumeGeometry
    from MedAISegLib.core.records import from_json
    from MedAISegLib.core.result import JobResult
    from MedAISegLib.core.segmentation import Segment, Segmentation

    folder = Path(__file__).parent / "data"
    record = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"{NAME}.npz") as stored:
        layers, affine_lps = stored["layers"], stored["affine_lps"]
    segments = tuple(from_json(Segment, item) for item in record["segments"])
    geometry = VolumeGeometry(layers.shape[1:], affine_lps)
    return Segmentation(layers, geometry, segments), from_json(JobResult, record["result"])
