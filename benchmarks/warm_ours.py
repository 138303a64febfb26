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
from MedAISegLib.engine.backends import PLAIN, Backend, Precision, Way
from MedAISegLib.engine.backends.direct_convolutions import only_direct_convolutions
from MedAISegLib.engine.backends.ways import built
from MedAISegLib.engine.kept_pages import pages_kept
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
        size = (1, inputs, *(stage.windows.size or _WINDOW_OF_THE_WHOLE))
        with torch.inference_mode(), pages_kept():
            for network in self.model.networks[-1]:
                on_device = network.to(self.assignment.device)
                taken = _in_way(on_device, self.assignment.window_in, at_once=stage.windows.size is None)
                taken(torch.zeros(size, device=self.assignment.device))

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
        measured = replace(measured, backend=result.provenance.parameters["backend"])
        layers = segmentation.layers
        return measured, layers[0] if len(layers) == 1 else layers


def _in_way(network: torch.nn.Module, words: str, *, at_once: bool) -> torch.nn.Module:
    """The network as a run's record says that it was run; as it is where nothing is said."""
    if not words:
        return network
    backend, precision = words.split()
    way = Way(Backend(backend), Precision(precision))
    taken = only_direct_convolutions(network) if at_once and way != PLAIN else built(network, way)
    if taken is None:
        raise ValueError(f"this network is not run as {way}")
    return taken


def load(assignment: Assignment) -> OurSide:
    """Read the model and load its weights."""
    model = load_model(open_model(str(assignment.model)))
    return OurSide(assignment, model, ForwardClock())
