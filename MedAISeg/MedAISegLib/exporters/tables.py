"""Volumes and intensity statistics of the segments, one row each."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ..core.characters import as_cell
from ..core.progress import Poll, never
from ..core.result import JobResult, SegmentResult
from ..core.segmentation import Segmentation
from .atomic import atomic_path
from .written import Written

COLUMNS = (
    "name",
    "label_value",
    "code_value",
    "code_scheme",
    "code_meaning",
    "modifier",
    "volume_ml",
    "voxel_count",
    "mean",
    "standard_deviation",
    "minimum",
    "maximum",
)


def write_tables(
    segmentation: Segmentation,  # noqa: ARG001
    result: JobResult,
    path: Path,
    *,
    overwrite: bool = False,
    poll: Poll = never,
) -> Written:
    """``segments.csv`` (UTF-8): the columns of ``COLUMNS``, no text a formula.

    Raises:
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if it cannot be written.
    """
    rows = segment_table(result)
    poll()
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return Written((path,))


def _cell(value: Any) -> Any:
    return as_cell(value) if isinstance(value, str) else value


def segment_table(result: JobResult) -> list[dict[str, Any]]:
    """One dict a segment, JSON-ready."""
    return [segment_row(segment) for segment in result.segments]


def segment_row(segment: SegmentResult) -> dict[str, Any]:
    """A segment's name, label value, code, mL, voxel count and the first channel's statistics (None where empty)."""
    code, modifier = segment.terminology.type, segment.terminology.modifier
    values = (
        segment.name,
        segment.label_value,
        code.value,
        code.scheme,
        code.meaning,
        modifier.meaning if modifier else "",
        segment.volume_ml,
        segment.voxel_count,
        segment.mean,
        segment.standard_deviation,
        segment.minimum,
        segment.maximum,
    )
    return dict(zip(COLUMNS, values, strict=True))
