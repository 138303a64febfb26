"""One side in a process that stays: ``python -m benchmarks.worker ASSIGNMENT``.

It loads the model, runs one window and then the whole case once, says that it is ready, and runs once for each turn
that it is sent, telling then what the machine gives it. Where only a window is wanted, it ends after that.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from MedAISegLib.core.records import from_json, to_json
from numpy.typing import NDArray

from .clock import sgemm_flop_per_s
from .measure import forget_own_peak, peak_of_process
from .record import WarmRun
from .references import reference
from .sides import Assignment, Ready, Turn, WarmSide


def main() -> None:
    """Load, warm up, and serve turns."""
    assignment = from_json(Assignment, json.loads(sys.argv[1]))
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    assignment.output.mkdir()
    if assignment.memory_cap_bytes:
        total_bytes = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, assignment.memory_cap_bytes / total_bytes))
    side: WarmSide = _load(assignment)
    side.run_window()
    baseline_bytes = peak_of_process()
    if assignment.window_in:
        print(json.dumps(to_json(Ready(baseline_bytes, 0.0))), file=answers, flush=True)
        return
    # Apart from the window whose memory is measured: what counts holds arrays for longer than a run does.
    with side.forward.counting():
        side.run_window()
    ready = Ready(baseline_bytes, sgemm_flop_per_s(assignment.device))
    side.run("auto")
    print(json.dumps(to_json(ready)), file=answers, flush=True)
    for line in sys.stdin:
        turn = from_json(Turn, json.loads(line))
        run, labels = _measured(side, turn.precision)
        if turn.labels is not None:
            np.save(turn.labels, labels)
        del labels
        print(json.dumps(to_json(run)), file=answers, flush=True)
        print(sgemm_flop_per_s(assignment.device), file=answers, flush=True)


def _measured(side: WarmSide, precision: str) -> tuple[WarmRun, NDArray[Any]]:
    forget_own_peak()
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    before_s = time.process_time()
    run, labels = side.run(precision)
    cpu_s, peak_bytes = time.process_time() - before_s, peak_of_process()
    device_peak_bytes = torch.cuda.max_memory_allocated() if on_gpu else 0
    return replace(run, peak_bytes=peak_bytes, cpu_s=cpu_s, device_peak_bytes=device_peak_bytes), labels


def _load(assignment: Assignment) -> WarmSide:
    if assignment.side != "ours":
        loaded: WarmSide = reference(assignment.reference).load(assignment)
        return loaded
    from .warm_ours import load

    return load(assignment)


if __name__ == "__main__":
    main()
