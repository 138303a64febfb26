"""Write the recorded result of the tests in this folder: the sample study, segmented by the embedded model.

Run it in the folder of the repository, where torch is installed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.sample_study import draw_sample
from MedAISegLib.app.segment import run
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.records import to_json
from MedAISegLib.core.volume import Volume

FOLDER = Path(__file__).parent / "data"
NAME = "sample_study_hippocampus"


def main() -> None:
    """Draw, segment, save labels and record."""
    sample = draw_sample(0)
    voxels = np.rint(sample.voxels).astype(np.int16)
    volume = Volume(voxels, VolumeGeometry(voxels.shape, sample.affine_lps), modality="MR")
    segmentation, result = run(SegmentationJob(model="hippocampus", device="cpu"), [volume])
    FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / f"{NAME}.npz", layers=segmentation.layers, affine_lps=segmentation.geometry.affine_lps)
    record = {
        "segments": to_json(segmentation.segments),
        "result": to_json(replace(result, timings_s={}, peak_memory_bytes=0)),
    }
    (FOLDER / f"{NAME}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
