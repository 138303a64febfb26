"""The memory ladder: the same run in processes that may take less and less of the GPU's memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..agreement import compare_labels
from ..measure import CommandFailedError
from ..setting import Setting
from ..sides import SIDES, Turn
from ..warm import assignment, worker
from .measure import last_words
from .record import CappedRun

GB = 2**30
CAPS_GB = (24, 16, 12, 8, 6, 4, 3, 2)
_LIMIT_S = 240.0
"""For one rung: the last one computes on the processor, which may take longer than a reader of these figures cares."""


def measure_ladder(
    setting: Setting, memory_bytes: int, environment: Mapping[str, str], device: str
) -> Iterator[CappedRun]:
    """First without a cap, then under each that the device has room for; a side that has failed is not asked again."""
    whole: dict[str, Path] = {}
    ended: set[str] = set()
    for cap_bytes in (memory_bytes, *(gb * GB for gb in CAPS_GB if gb * GB < memory_bytes)):
        for side in SIDES:
            if side in ended:
                continue
            folder = setting.folder / f"cap-{side}-{cap_bytes}"
            folder.mkdir()
            run = _capped(setting, side, cap_bytes, folder, environment, device)
            if run.failure:
                ended.add(side)
            else:
                labels = folder / "labels.npy"
                first = whole.setdefault(side, labels)
                run = replace(run, differing_share=_differing(labels, first, setting))
            yield run


def _capped(
    setting: Setting, side: str, cap_bytes: int, folder: Path, environment: Mapping[str, str], device: str
) -> CappedRun:
    told = replace(assignment(setting, side, folder, device), memory_cap_bytes=cap_bytes)
    started = CappedRun(setting.case.name, side, cap_bytes)
    try:
        with worker(told, folder, environment, limit_s=_LIMIT_S) as process:
            run = process.run(Turn("auto", folder / "labels.npy"))
    except CommandFailedError as error:
        return replace(started, failure=last_words(error))
    return replace(started, whole_s=run.whole_s, device_peak_bytes=run.device_peak_bytes, notices=run.notices)


def _differing(labels: Path, first: Path, setting: Setting) -> float:
    collapse = setting.case.model.collapse
    reference = np.load(first, mmap_mode="r")
    ours = np.load(labels, mmap_mode="r")
    if collapse is not None and ours.ndim == 4:
        reference = collapse(reference)
        return compare_labels(ours, reference, collapse).differing_share
    return compare_labels(ours, reference).differing_share
