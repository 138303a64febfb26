"""The small worker of the runs' tests, which answers also what the panel asks while the user is still choosing."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
from MedAISegLib.app.exchange import segmentation_of, volume_of
from MedAISegLib.app.messages import record_of
from MedAISegLib.app.protocol import (
    DeviceRecord,
    DevicesReply,
    DevicesRequest,
    DiagnoseReply,
    DiagnoseRequest,
    Done,
    ExportRequest,
    MeasureReply,
    MeasureRequest,
    ModelRunRequest,
    NeedReply,
    NeedRequest,
)
from MedAISegLib.app.store_protocol import TrustRequest
from MedAISegLib.core.checksums import label_checksums
from MedAISegLib.core.errors import NotTrustedError
from MedAISegLib.core.progress import Progress
from MedAISegLib.core.result import SegmentResult

from Testing.host.threshold_worker import Worker

GB = 10**9


class PanelWorker(Worker):
    """The model ``asks`` runs once it is trusted, which is asked about its content ``a1``."""

    is_trusted = False

    def answer(self, number, request):
        if isinstance(request, TrustRequest):
            self.is_trusted = request.asked == "a1"
            return Done() if self.is_trusted else record_of(asking("a1"))
        if isinstance(request, ModelRunRequest) and request.job.model == "asks" and not self.is_trusted:
            return record_of(asking())
        if isinstance(request, NeedRequest):
            return NeedReply(2 * GB, 8 * GB, 0, 0, seconds=95.0)
        if isinstance(request, DevicesRequest):
            gpu = DeviceRecord("cuda:0", "A large GPU", 11 * GB, 24 * GB)
            return DevicesReply((gpu, DeviceRecord("cpu", "Processor")))
        if isinstance(request, DiagnoseRequest):
            return DiagnoseReply(works=True, lines=("A small convolution took 3 ms.",))
        if isinstance(request, MeasureRequest):
            return measured(request)
        if isinstance(request, ExportRequest):
            return exported(request)
        return super().answer(number, request)


def asking(*contents):
    error = NotTrustedError("it would run a network of its own.", remedy="Trust it.")
    error.contents = contents
    return error


HOLD = "hold"
"""Name of a file; as long as it lies in the folder of an export, that waits."""


def exported(request):
    """By the real exporters, which need no torch."""
    from MedAISegLib.app.result_requests import export

    while (request.output / HOLD).exists():
        time.sleep(0.01)
    return export(SimpleNamespace(request=request, progress=Progress()))


def measured(request):
    segmentation = segmentation_of(request.folder, request.segmentation)
    image = volume_of(request.folder, request.volume) if request.volume is not None else None
    results = tuple(result_of(segment, segmentation, image) for segment in segmentation.segments)
    return MeasureReply(results, label_checksums(segmentation.layers, segmentation.segments))


def result_of(segment, segmentation, image):
    mask = segmentation.mask(segment)
    mean = float(np.mean(image.voxels[mask])) if image is not None and mask.any() else None
    count, volume_ml = int(mask.sum()), segmentation.volume_ml(segment)
    facts = (segment.name, segment.label_value, segment.terminology, segment.color_rgb, count, volume_ml)
    return SegmentResult(*facts, mean, None, None, None)


if __name__ == "__main__":
    PanelWorker().run()
