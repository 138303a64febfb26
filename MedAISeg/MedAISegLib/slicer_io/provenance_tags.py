"""A short record of what made a segment, as segment tags: unlike node attributes they survive ``.seg.nrrd``."""

from __future__ import annotations

from typing import Any

from ..core.characters import shown
from ..core.result import Provenance
from ..core.segmentation import Segment
from .scene import vtk_module

PREFIX = "MedAISeg."
MODEL_ID = f"{PREFIX}ModelId"
MODEL_NAME = f"{PREFIX}ModelName"
MODEL_VERSION = f"{PREFIX}ModelVersion"
MODEL_SHA256 = f"{PREFIX}ModelSha256"
SOFTWARE_VERSION = f"{PREFIX}SoftwareVersion"
CREATED = f"{PREFIX}Created"
LABEL_VALUE = f"{PREFIX}LabelValue"
SEGMENT_NAME = f"{PREFIX}SegmentName"
CHECKSUM = f"{PREFIX}Checksum"


def write_tags(segment: Any, provenance: Provenance, described: Segment, checksum: str) -> None:
    """Set the record on a ``vtkSegment``: the run, what the model calls the segment, and the checksum of its voxels."""
    record = {
        MODEL_ID: provenance.model_id,
        MODEL_NAME: provenance.model_name,
        MODEL_VERSION: provenance.model_version,
        MODEL_SHA256: provenance.model_sha256,
        SOFTWARE_VERSION: provenance.software_version,
        CREATED: provenance.created_utc,
        LABEL_VALUE: str(described.label_value),
        SEGMENT_NAME: described.name,
        CHECKSUM: checksum,
    }
    for name, value in record.items():
        text = tag_text(value)
        # Each change makes Slicer look through all segments.
        if read_tag(segment, name) != text:
            segment.SetTag(name, text)


def tag_text(value: str) -> str:
    """A text as a tag may hold it: half of a surrogate pair in one ends the process.

    In a ``.seg.nrrd`` a bar ends a tag and a line break ends the header's line; a colon is safe after the first one.
    """
    return " ".join(shown(value).replace("|", " ").split())


def read_tag(segment: Any, name: str) -> str:
    """A tag's text, empty where the segment has none."""
    value = vtk_module().reference("")
    return str(value) if segment.GetTag(name, value) else ""


def provenance_from_tags(segment: Any) -> Provenance | None:
    """What the tags tell of the run that made a segment; None for a segment of other origin."""
    if not read_tag(segment, MODEL_ID):
        return None
    return Provenance(
        model_id=read_tag(segment, MODEL_ID),
        model_name=read_tag(segment, MODEL_NAME),
        model_version=read_tag(segment, MODEL_VERSION),
        model_sha256=read_tag(segment, MODEL_SHA256),
        software_version=read_tag(segment, SOFTWARE_VERSION),
        library_versions={},
        device="",
        parameters={},
        created_utc=read_tag(segment, CREATED),
    )
