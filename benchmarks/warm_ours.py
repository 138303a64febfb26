"""Our side in a process that stays: what the worker behind Slicer's panel does for each job."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
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

_WINDOW_OF_THE_WHOLE = (64, 64, 64)
"""For models that take the image at once."""


@dataclass(frozen=True)
class OurSide:
    """See :class:`benchmarks.sides.WarmSide`."""

    assignment: Assignment
    model: LoadedModel
    forward: ForwardClock

    def run_window(self) -> None:
        spec = self.model.spec
        stage = spec.stages[-1]
        inputs = len(spec.channels) + (len(spec.segments) if stage.labels_of is not None else 0)
        with torch.inference_mode(), self.forward.counting():
            size = (1, inputs, *(stage.windows.size or _WINDOW_OF_THE_WHOLE))
            for network in self.model.networks[-1]:
                network.to(self.assignment.device)(torch.zeros(size, device=self.assignment.device))

    def run(self, precision: str) -> tuple[WarmRun, NDArray[Any]]:
        spec, output = self.model.spec, self.assignment.output
        job = SegmentationJob(
            str(self.assignment.model),
            device=self.assignment.device,
            accept=True,
            test_time_flips=False,
            precision=precision,
        )
        names = [channel.name for channel in spec.channels]
        files = {name: str(path) for name, path in zip(names, self.assignment.images, strict=True)}
        self.forward.take()
        case, read_s = timed(lambda: read_case(spec, None, channels=files, accept=True))
        progress = Progress()
        (segmentation, result), whole_s = self.forward.timed(lambda: run(job, case, progress, model=self.model))
        _, write_s = timed(lambda: EXPORTERS["nifti"].write(segmentation, result, output))
        shutil.rmtree(output)
        output.mkdir()
        prepare_s, infer_s = progress.timings_s[RunStage.PREPARE], progress.timings_s[RunStage.INFER]
        measured = WarmRun.of(read_s, prepare_s, infer_s, whole_s - prepare_s - infer_s, write_s, self.forward.take())
        measured = replace(measured, notices=tuple(notice.code for notice in result.notices))
        layers = segmentation.layers
        return measured, layers[0] if len(layers) == 1 else layers


def load(assignment: Assignment) -> OurSide:
    """Read the model and load its weights."""
    model = load_model(open_model(str(assignment.model)))
    return OurSide(assignment, model, ForwardClock())
