"""One point: ``python -m benchmarks.growth_run SLICES CLASSES WIDTH REPEATS FOLDER DEVICE`` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import LoadedModel, load_model, open_model, run
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.records import to_json
from MedAISegLib.core.volume import Volume
from monai.networks.nets import SegResNetDS

from .clock import ForwardClock
from .growth import Point
from .measure import forget_own_peak, peak_of_process

_SPACING_MM = (1.0, 0.8, 0.8)
_NETWORK = {"init_filters": 8, "blocks_down": [1, 1], "norm": "INSTANCE", "in_channels": 1, "dsdepth": 1}


def main(slices: int, classes: int, width: int, repeats: int, folder: Path, device: str) -> Point:
    """Run a small model on a body made of noise."""
    model = load_model(open_model(str(_write_model(folder, classes))))
    case = _case((slices, width, width), model)
    clock = ForwardClock()
    with torch.inference_mode():
        model.networks[0][0].to(device)(torch.zeros(1, 1, 96, 96, 96, device=device))
    job = SegmentationJob(str(folder), device=device, accept=True)
    best: Point | None = None
    for _ in range(repeats):
        forget_own_peak()
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        # The input, and what a window has taken, are resident already; the labels are the result.
        before = peak_of_process()
        clock.take()
        (segmentation, _), whole_s = clock.timed(lambda: run(job, case, model=model))
        above = peak_of_process() - before - segmentation.layers.nbytes
        on_device = torch.cuda.max_memory_allocated() if device != "cpu" else 0
        point = Point(slices, classes, width, whole_s, whole_s - clock.take().seconds, above, on_device)
        best = point if best is None or point.around_s < best.around_s else best
    if best is None:
        raise ValueError("nothing was run")
    return best


def _case(shape: tuple[int, int, int], model: LoadedModel) -> Case:
    random = np.random.default_rng(0)
    voxels = random.normal(40, 60, shape).astype(np.int16)
    affine = np.diag([*_SPACING_MM, 1.0])[[2, 1, 0, 3]]
    return Case({model.spec.channels[0].name: Volume(voxels, VolumeGeometry(shape, affine), "CT")})


def _write_model(folder: Path, classes: int) -> Path:
    torch.manual_seed(0)
    arguments = _NETWORK | {"out_channels": classes}
    config = {
        "modality": "ct",
        "normalize_mode": "range",
        "intensity_bounds": [-250, 400],
        "sigmoid": False,
        "output_classes": classes,
        "input_channels": 1,
        "orientation_ras": True,
        "crop_foreground": False,
        "resample": True,
        "resample_resolution": [1.5, 1.5, 1.5],
        "roi_size": [96, 96, 96],
        "network": arguments | {"_target_": "SegResNetDS"},
    }
    torch.save({"state_dict": SegResNetDS(**arguments).state_dict(), "config": config}, folder / "model.pt")
    return folder


if __name__ == "__main__":
    print(json.dumps(to_json(main(*map(int, sys.argv[1:5]), Path(sys.argv[5]), sys.argv[6]))))
