"""How the segments of a node were made, as rich text."""

from __future__ import annotations

from collections.abc import Mapping

from ..slicer_io.run_record import RunRecord
from .texts import _, escape, readable_bytes, readable_seconds


def provenance_text(runs: tuple[RunRecord, ...]) -> str:
    """One paragraph a run, the latest first; empty for none."""
    return "".join(f"<p>{_paragraph(run)}</p>" for run in reversed(runs))


def _paragraph(run: RunRecord) -> str:
    made = run.provenance
    lines = [
        (_("Model"), f"{made.model_name} {made.model_version}".strip()),
        (_("Made"), made.created_utc.replace("T", " ").replace("+00:00", " UTC")),
        (_("Device"), made.device),
        (_("Software"), _software(made.software_version, made.library_versions)),
        (_("Parameters"), ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in made.parameters.items())),
        (_("Time"), _timings(run)),
        (_("Memory"), readable_bytes(run.peak_memory_bytes) if run.peak_memory_bytes else ""),
        (_("Model's SHA-256"), made.model_sha256[:16]),
        (_("Notes"), " ".join(notice.message for notice in run.notices)),
    ]
    return "<br>".join(f"<b>{title}:</b> {escape(text)}" for title, text in lines if text)


def _software(version: str, libraries: Mapping[str, str]) -> str:
    parts = [f"MedAISeg {version}" if version else ""]

    parts += [f"{name} {number}" for name, number in libraries.items()]
    return ", ".join(part for part in parts if part)


def _timings(run: RunRecord) -> str:
    if not run.timings_s:
        return ""
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in run.timings_s.items())
    return f"{readable_seconds(sum(run.timings_s.values()))} ({stages})"
