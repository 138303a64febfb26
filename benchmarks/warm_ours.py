"""Our side in a process that stays: what the worker behind Slicer's panel does for each job."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

import torch
from MedAISegLib.app.job import SegmentationJob
from MedAISegLib.app.segment import LoadedModel, load_model, open_model, run
from MedAISegLib.app.study import read_case
from MedAISegLib.core.progress import Progress, RunStage
from MedAISegLib.exporters import EXPORTERS
from numpy.typing import NDArray

from .clock import ForwardClock, timed
from .record import WarmRun
from .sides import Assignment


@dataclass(frozen=True)
class OurSide:
    """See :class:`benchmarks.sides.WarmSide`."""

    assignment: Assignment
    model: LoadedModel
    forward: ForwardClock

    def run_window(self) -> None:
        spec = self.model.spec
        size = spec.stages[0].windows.size
        if size is None:
            raise ValueError("the model is not run by windows")
        with torch.inference_mode():
            self.model.networks[0][0](torch.zeros(1, len(spec.channels), *size))

    def run(self) -> tuple[WarmRun, NDArray[Any]]:
        spec, output = self.model.spec, self.assignment.output
        job = SegmentationJob(str(self.assignment.bundle), device="cpu")
        self.forward.take()
        case, read_s = timed(lambda: read_case(spec, self.assignment.image))
        progress = Progress()
        (segmentation, result), whole_s = timed(lambda: run(job, case, progress, model=self.model))
        _, write_s = timed(lambda: EXPORTERS["nifti"].write(segmentation, result, output))
        shutil.rmtree(output)
        output.mkdir()
        forward_s = self.forward.take()
        prepare_s, infer_s = progress.timings_s[RunStage.PREPARE], progress.timings_s[RunStage.INFER]
        measured = WarmRun(
            read_s=read_s,
            prepare_s=prepare_s,
            forward_s=forward_s,
            windows_s=infer_s - forward_s,
            finish_s=whole_s - prepare_s - infer_s,
            write_s=write_s,
            peak_bytes=0,
            cpu_s=0.0,
        )
        return measured, segmentation.layers[0]


def load(assignment: Assignment) -> OurSide:
    """Read the bundle and load its weights."""
    model = load_model(open_model(str(assignment.bundle)))
    return OurSide(assignment, model, ForwardClock(model.networks[0][0]))
