"""A worker that speaks the whole protocol, needs no torch, and takes what is bright in an image for a structure.

The id of the model says how it behaves: ``threshold``; ``slow`` (several seconds, stops when asked); ``deaf`` (does not
stop); ``dies``; ``killed``; ``rubbish``; ``refuses``; ``full`` (its disk); ``chatty`` (says a lot meanwhile). What
follows a hyphen tells models of one behaviour apart.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from MedAISegLib.app.exchange import record_segmentation, volume_of
from MedAISegLib.app.messages import WorkerMessage, hello_line, read_client_line, record_of, worker_line
from MedAISegLib.app.protocol import (
    PROTOCOL_VERSION,
    ClassifyReply,
    ClassifyRequest,
    Done,
    ExportRequest,
    Hello,
    MeasureRequest,
    ModelRunRequest,
    ModelsReply,
    ModelsRequest,
    SegmentReply,
)
from MedAISegLib.core.checksums import label_checksums
from MedAISegLib.core.classification import ClassificationResult, ClassProbability, ImageClasses
from MedAISegLib.core.errors import Cancelled, InputError, ResourceError
from MedAISegLib.core.progress import ProgressEvent, RunStage
from MedAISegLib.core.result import JobResult, Provenance, SegmentResult
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.terminology import UNSPECIFIED

BRIGHT, BRIGHTEST, NOTHING = "Bright", "Brightest", "Nothing"
SEGMENTS = (
    Segment(1, BRIGHT, (200, 100, 50)),
    Segment(2, BRIGHTEST, (50, 100, 200)),
    Segment(3, NOTHING, (9, 9, 9)),
)
_STEPS, _STEP_S = 40, 0.1


def segmented(volume):
    """(1, k, j, i): 1 above half of the largest value, 2 above three quarters."""
    top = float(volume.voxels.max())
    labels = (volume.voxels > top / 2).astype(np.uint8) + (volume.voxels > 0.75 * top)
    return Segmentation(labels[None].astype(np.uint8), volume.geometry, SEGMENTS, volume.series)


class Worker:
    """Results are measured and written beside the runs, as the real one does it."""

    def __init__(self):
        self.out, self.saying = os.fdopen(os.dup(1), "wb", buffering=0), threading.Lock()
        self.runs, self.results, self.cancelled = queue.Queue(), queue.Queue(), set()
        for requests in (self.runs, self.results):
            threading.Thread(target=self.serve, args=(requests,), daemon=True).start()

    def run(self):
        self.out.write(hello_line(Hello(os.getpid(), PROTOCOL_VERSION, "3", "0")))
        for line in sys.stdin.buffer:
            message = read_client_line(line)
            if message.request is None:
                self.cancelled.add(message.request_id)
            else:
                is_of_result = isinstance(message.request, (MeasureRequest, ExportRequest))
                (self.results if is_of_result else self.runs).put(message)

    def serve(self, requests):
        while True:
            message = requests.get()
            try:
                content = self.answer(message.request_id, message.request)
            except (InputError, ResourceError, Cancelled) as error:
                content = record_of(error)
            self.say(content, message.request_id)

    def say(self, content, number):
        with self.saying:
            self.out.write(worker_line(WorkerMessage(content, number)))

    def answer(self, number, request):
        if isinstance(request, ModelsRequest):
            return ModelsReply((), Path("models"))
        if not isinstance(request, ModelRunRequest):
            return Done()
        self.behave(number, request.job.model.partition("-")[0])
        if isinstance(request, ClassifyRequest):
            return ClassifyReply(classified(request))
        channels = {name: volume_of(request.folder, record) for name, record in request.channels.items()}
        segmentation = segmented(next(iter(channels.values())))
        if request.job.region is not None:
            segmentation.layers[:] *= request.job.region.mask(segmentation.geometry)
        record = record_segmentation(request.folder, "labels", segmentation)
        return SegmentReply(
            record, result_of(request, segmentation, channels), label_checksums(segmentation.layers, SEGMENTS)
        )

    def behave(self, number, model):
        if model == "refuses":
            raise InputError("it shows nothing.", where="the image", remedy="Choose another image.")
        if model == "full":
            raise ResourceError("the disk is full.", remedy="Free some space.")
        if model == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if model == "dies":
            sys.stderr.write("MemoryError: no more\n")
            sys.stderr.flush()
            os._exit(3)
        if model == "rubbish":
            self.out.write(b"Segmentation fault? no, rubbish\n")
            time.sleep(30)
        if model in ("slow", "deaf", "chatty"):
            for step in range(_STEPS):
                if number in self.cancelled and model != "deaf":
                    raise Cancelled
                for _ in range(200 if model == "chatty" else 1):
                    self.say(ProgressEvent(RunStage.INFER, step / _STEPS, (_STEPS - step) * _STEP_S), number)
                time.sleep(_STEP_S)


def classified(request):
    """A share of each slice of the first channel is dark, the rest is bright."""
    volume = volume_of(request.folder, next(iter(request.channels.values())))
    shares = [float((plane > 50).mean()) for plane in volume.voxels]
    images = tuple(
        ImageClasses("", (ClassProbability("dark", 1 - share), ClassProbability("bright", share))) for share in shares
    )
    return ClassificationResult(images, provenance_of(request, {}))


def result_of(request, segmentation, channels):
    counts = segmentation.voxel_counts()
    segments = tuple(
        SegmentResult(s.name, s.label_value, UNSPECIFIED, s.color_rgb, counts[s.name], 1.0, None, None, None, None)
        for s in SEGMENTS
    )
    parameters = {name: f"{v.modality}|{v.description}|{v.attributes.get('Units', '')}" for name, v in channels.items()}
    return JobResult(segments, provenance_of(request, parameters))


def provenance_of(request, parameters):
    return Provenance(
        model_id=request.job.model, model_name="Bright things", model_version="1", model_sha256="0" * 64,
        software_version="0", library_versions={}, device=request.job.device, parameters=parameters,
        created_utc="2026-02-03T04:05:06+00:00",
    )  # fmt: skip


if __name__ == "__main__":
    Worker().run()
