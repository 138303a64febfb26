"""What made the segments of a node: kept in full on the node, where the scene saves it, and in short in their tags."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.notice import Notice
from ..core.provenance_tags import PREFIX
from ..core.records import from_json, to_json
from ..core.result import JobResult, Provenance
from .provenance_tags import provenance_from_tags

ATTRIBUTE = f"{PREFIX}Runs"


@dataclass(frozen=True)
class RunRecord:
    """A run that segments of a node come from.

    Attributes:
        segments: what the model calls a segment, to the segment's ID in the node.
        not_found: what the model looked for and did not find.
    """

    provenance: Provenance
    segments: Mapping[str, str]
    not_found: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class _RunRecords:
    runs: tuple[RunRecord, ...] = ()


def provenance_of_node(node: Any) -> tuple[RunRecord, ...]:
    """The runs behind a node's segments, oldest first; from the tags where the node came without its scene."""
    content = node.GetSegmentation()
    present = set(content.GetSegmentIDs())
    kept = [_limited(run, present) for run in _read(node)]
    covered = {segment_id for run in kept for segment_id in run.segments.values()}
    from_tags: dict[str, RunRecord] = {}
    for segment_id in content.GetSegmentIDs():
        segment = content.GetSegment(segment_id)
        provenance = provenance_from_tags(segment) if segment_id not in covered else None
        if provenance is not None:
            run = from_tags.setdefault(repr(provenance), RunRecord(provenance, {}))
            from_tags[repr(provenance)] = replace(run, segments={**run.segments, segment.GetName(): segment_id})
    return (*(run for run in kept if run.segments or run.not_found), *from_tags.values())


def remember_run(node: Any, result: JobResult, segment_ids: Mapping[str, str], not_found: Sequence[str]) -> None:
    """Write a run to the node; runs whose segments it has taken over entirely are forgotten."""
    present = set(node.GetSegmentation().GetSegmentIDs()) - set(segment_ids.values())
    former = []
    for run in _read(node):
        same_model = run.provenance.model_id == result.provenance.model_id
        missing = () if same_model else run.not_found
        former.append(replace(_limited(run, present), not_found=missing))
    new = RunRecord(
        provenance=result.provenance,
        segments=dict(segment_ids),
        not_found=tuple(not_found),
        timings_s=dict(result.timings_s),
        peak_memory_bytes=result.peak_memory_bytes,
        notices=result.notices,
    )
    runs = (*(run for run in former if run.segments or run.not_found), new)
    node.SetAttribute(ATTRIBUTE, json.dumps(to_json(_RunRecords(runs))))


def _limited(run: RunRecord, present: set[str]) -> RunRecord:
    return replace(run, segments={name: i for name, i in run.segments.items() if i in present})


def _read(node: Any) -> tuple[RunRecord, ...]:
    text = node.GetAttribute(ATTRIBUTE)
    if not text:
        return ()
    try:
        return from_json(_RunRecords, json.loads(text)).runs
    except ValueError:
        # Written by a version of another form: the tags still tell what is needed.
        return ()
