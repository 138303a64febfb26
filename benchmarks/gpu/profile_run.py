"""One run of ours under torch's profiler: ``python -m benchmarks.gpu.profile_run ASSIGNMENT PRECISION`` prints JSON."""

from __future__ import annotations

import json
import os
import sys

from MedAISegLib.core.records import from_json, to_json
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from ..clock import timed
from ..sides import Assignment
from ..warm_ours import load
from .overlap import overlap_of
from .record import Operator, Overlap, Profile

_SHOWN = 20
_COPY = "Memcpy"


def main(assignment: Assignment, precision: str, case: str) -> Profile:
    """The second run: the first looks for kernels and for the fastest way."""
    assignment.output.mkdir()
    side = load(assignment)
    side.run(precision)
    activities = [ProfilerActivity.CPU]
    on_gpu = assignment.device != "cpu"
    if on_gpu:
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as profiler:
        (run, _), _ = timed(lambda: side.run(precision))
    return Profile(case, precision, run.whole_s, _operators(profiler, on_gpu), _overlap(profiler) if on_gpu else None)


def _operators(profiler: profile, on_gpu: bool) -> tuple[Operator, ...]:
    found = [
        Operator(item.key, item.count, item.self_device_time_total / 1e6, item.self_cpu_time_total / 1e6)
        for item in profiler.key_averages()
    ]
    found.sort(key=lambda operator: operator.device_s if on_gpu else operator.host_s, reverse=True)
    return tuple(found[:_SHOWN])


def _overlap(profiler: profile) -> Overlap:
    """Of all that ran on the device; ranges that a program has named for itself are no work."""
    spans = [
        (event.name, (event.time_range.start / 1e6, event.time_range.end / 1e6))
        for event in profiler.events() or ()
        if event.device_type == DeviceType.CUDA and not getattr(event, "is_user_annotation", False)
    ]
    computing = [span for name, span in spans if not name.startswith(_COPY)]
    copying = [span for name, span in spans if name.startswith(_COPY)]
    return overlap_of(computing, copying)


if __name__ == "__main__":
    # What a library prints must not be taken for the answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    found = main(from_json(Assignment, json.loads(sys.argv[1])), sys.argv[2], sys.argv[3])
    print(json.dumps(to_json(found)), file=answers, flush=True)
