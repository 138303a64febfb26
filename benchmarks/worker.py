"""One side in a process that stays: ``python -m benchmarks.worker ASSIGNMENT``.

It loads the model, runs one window and then the whole case once, says that it is ready, runs once for each line that it
is sent, and saves the labels of its last run when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace

import numpy as np
from MedAISegLib.core.records import from_json, to_json

from .clock import sgemm_flop_per_s
from .measure import forget_own_peak, peak_of_process
from .references import reference
from .sides import Assignment, Ready, WarmSide


def main() -> None:
    """Load, warm up, and serve turns."""
    assignment = from_json(Assignment, json.loads(sys.argv[1]))
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    assignment.output.mkdir()
    side: WarmSide = _load(assignment)
    side.run_window()
    ready = Ready(peak_of_process(), sgemm_flop_per_s())
    _, labels = side.run()
    print(json.dumps(to_json(ready)), file=answers, flush=True)
    for _ in sys.stdin:
        del labels
        forget_own_peak()
        before_s = time.process_time()
        run, labels = side.run()
        run = replace(run, peak_bytes=peak_of_process(), cpu_s=time.process_time() - before_s)
        print(json.dumps(to_json(run)), file=answers, flush=True)
    np.save(assignment.labels, labels)


def _load(assignment: Assignment) -> WarmSide:
    if assignment.side != "ours":
        loaded: WarmSide = reference(assignment.reference).load(assignment)
        return loaded
    from .warm_ours import load

    return load(assignment)


if __name__ == "__main__":
    main()
