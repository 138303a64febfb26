"""What a run gave: tables for people, a JSON document for machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core.case import Case
from ..core.records import to_json
from ..core.result import JobResult, SegmentResult
from ..core.volume import Volume


def result_document(case: Case, result: JobResult) -> dict[str, Any]:
    """Everything about a run, JSON-ready; files are absolute paths, by format."""
    provenance = to_json(result.provenance)
    provenance.pop("kind")
    return {
        "status": "done",
        "inputs": {name: _input_document(volume) for name, volume in case.channels.items()},
        "segments": [_segment_document(segment) for segment in result.segments],
        "files": {name: [str(path.absolute()) for path in paths] for name, paths in result.files.items()},
        "timings_s": {stage: round(seconds, 3) for stage, seconds in result.timings_s.items()},
        "peak_memory_bytes": result.peak_memory_bytes,
        "notices": [{"code": notice.code, "message": notice.message} for notice in result.notices],
        "provenance": provenance,
    }


def print_result(console: Console, result: JobResult, folder: Path) -> None:
    """Segments, timings and files."""
    console.print(segment_table(result))
    console.print()
    console.print(timings_line(result))
    console.print(f"\nFiles in [bold]{escape(str(folder))}[/]:")
    for name, paths in result.files.items():
        console.print(f"  {name:<10} {escape(', '.join(path.name for path in paths))}")


def segment_table(result: JobResult) -> Table:
    """Name, code, volume and mean value of each segment; those without a voxel are listed with 0 mL."""
    table = Table(title=escape(result.provenance.model_name or result.provenance.model_id), title_justify="left")
    for heading, right in (("segment", False), ("code", False), ("mL", True), ("mean", True), ("SD", True)):
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for segment in result.segments:
        red, green, blue = segment.color_rgb
        name = f"[rgb({red},{green},{blue})]■[/] {escape(segment.name)}"
        values = ("[dim]not found[/]", "") if segment.mean is None else (_short(segment.mean), _short(_sd(segment)))
        table.add_row(name, escape(code_text(segment)), f"{segment.volume_ml:.2f}", *values)
    return table


def timings_line(result: JobResult) -> str:
    """Seconds by stage, their sum, and the peak of memory."""
    parts = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.timings_s.items())
    total = sum(result.timings_s.values())
    memory_gib = result.peak_memory_bytes / 2**30
    return f"{parts}; {total:.1f} s in all, {memory_gib:.1f} GiB at most, on {result.provenance.device}"


def code_text(segment: SegmentResult) -> str:
    """Meaning, value and scheme of what the segment shows, with its modifier."""
    code, modifier = segment.terminology.type, segment.terminology.modifier
    meaning = f"{code.meaning}, {modifier.meaning}" if modifier else code.meaning
    return f"{meaning} ({code.scheme} {code.value})"


def _segment_document(segment: SegmentResult) -> dict[str, Any]:
    terminology = segment.terminology
    return {
        "name": segment.name,
        "label_value": segment.label_value,
        "code": _code_document(terminology.type),
        "category": _code_document(terminology.category),
        "modifier": _code_document(terminology.modifier),
        "region": _code_document(terminology.region),
        "region_modifier": _code_document(terminology.region_modifier),
        "color_rgb": list(segment.color_rgb),
        "found": segment.voxel_count > 0,
        "voxel_count": segment.voxel_count,
        "volume_ml": segment.volume_ml,
        "mean": segment.mean,
        "standard_deviation": segment.standard_deviation,
        "minimum": segment.minimum,
        "maximum": segment.maximum,
    }


def _input_document(volume: Volume) -> dict[str, Any]:
    return {
        "description": volume.description,
        "modality": volume.modality,
        "series_instance_uid": volume.series.series_instance_uid if volume.series else "",
        "size_ijk": list(volume.geometry.shape_kji[::-1]),
        "spacing_ijk_mm": volume.geometry.spacing_mm[::-1].tolist(),
    }


def _code_document(code: Any) -> dict[str, str] | None:
    return None if code is None else {"value": code.value, "scheme": code.scheme, "meaning": code.meaning}


def _sd(segment: SegmentResult) -> float:
    return segment.standard_deviation or 0.0


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 10000 else f"{value:.0f}"
