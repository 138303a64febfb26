"""One case on a GPU: both sides warm in every precision, and both commands."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from MedAISegLib.core.errors import MedAISegError

from ..agreement import NotComparableError, compare_labels
from ..cold import compile_byte_code, measure_pair
from ..foreseen import predicted_need
from ..precision import PRECISIONS
from ..record import Agreement, ColdPair
from ..setting import Setting
from ..warm import Sides, both_sides
from .record import CPU, GpuCase, LeftOut, PrecisionRow

ON_A_CPU = ("fp32", "bf16")
"""Precisions with which the script can be tried out without a GPU."""

NO_CUDA = "no CUDA"
AUTOMATIC = "auto"


def describe_case(setting: Setting, device: str) -> GpuCase:
    """A case before anything is measured."""
    need = predicted_need(setting, on_gpu=device != CPU)
    return GpuCase(
        case=setting.case.name,
        model=setting.case.model.text,
        reference=setting.case.model.reference,
        image=setting.case.image.text,
        changed=setting.model.changed,
        own_precision=setting.model.precision_on(device),
        predicted_host_bytes=need.host_bytes,
        predicted_device_bytes=need.device_bytes,
    )


def measure_precisions(
    case: GpuCase, setting: Setting, pairs: int, environment: Mapping[str, str], device: str
) -> tuple[GpuCase, list[LeftOut]]:
    """Warm runs in each precision and in whichever either side takes by itself.

    Returns:
        The case with its rows, and the precisions that could not be measured.

    Raises:
        CommandFailedError: if a side cannot even be started.
    """
    left_out, rows = [], list[PrecisionRow]()
    with both_sides(setting, environment, device) as sides:
        for precision in (*PRECISIONS, AUTOMATIC):
            if device == CPU and precision not in (*ON_A_CPU, AUTOMATIC):
                left_out.append(LeftOut(f"{case.case} in {precision}", NO_CUDA))
                continue
            try:
                rows.append(_row(sides, pairs, precision, setting))
            except NotComparableError as error:
                left_out.append(LeftOut(f"{case.case} in {precision}", str(error)))
        baselines = sides.baselines
    return replace(case, rows=tuple(rows), baselines=baselines), left_out


def _row(sides: Sides, pairs: int, precision: str, setting: Setting) -> PrecisionRow:
    # The first run in a precision looks for kernels.
    sides.run_uncounted(precision)
    measured = sides.measure(pairs, precision)
    exact = sides.labels_file("ours", PRECISIONS[0])
    to_fp32 = None
    if precision != PRECISIONS[0] and exact.exists():
        to_fp32 = _against(np.load(sides.labels_file("ours", precision)), np.load(exact), setting)
    return PrecisionRow(precision, measured.pairs, measured.agreement, to_fp32)


def _against(ours: np.ndarray, exact: np.ndarray, setting: Setting) -> Agreement:
    collapse = setting.case.model.collapse
    return compare_labels(ours, exact if collapse is None else collapse(exact), collapse)


def measure_commands(setting: Setting, pairs: int, environment: Mapping[str, str], device: str) -> tuple[ColdPair, ...]:
    """Whole commands by turns."""
    compile_byte_code(setting, environment)
    return tuple(measure_pair(setting, environment, device) for _ in range(pairs))


def last_words(error: Exception) -> str:
    """What a measurement failed with, in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


FAILURES = (MedAISegError, OSError, RuntimeError, ValueError, subprocess.SubprocessError)
"""Of one step; the others go on."""
