"""A short record of what made a segment, as segment tags: unlike node attributes they survive ``.seg.nrrd``."""

from __future__ import annotations

from typing import Any

from ..core.result import Provenance
from .scene import vtk_module

PREFIX = "MedAISeg."
LABEL_VALUE = f"{PREFIX}LabelValue"


def write_tags(segment: Any, provenance: Provenance, label_value: int) -> None:
    """Set the record on a ``vtkSegment``."""
    record = {
        "ModelId": provenance.model_id,
        "ModelName": provenance.model_name,
        "ModelVersion": provenance.model_version,
        "ModelSha256": provenance.model_sha256,
        "SoftwareVersion": provenance.software_version,
        "Created": provenance.created_utc,
        "LabelValue": str(label_value),
    }
    for name, value in record.items():
        # In a .seg.nrrd a bar ends a tag and a line break ends the header's line; a colon is safe after the first one.
        segment.SetTag(PREFIX + name, " ".join(value.replace("|", " ").split()))


def read_tag(segment: Any, name: str) -> str:
    """A tag's text, empty where the segment has none."""
    value = vtk_module().reference("")
    return str(value) if segment.GetTag(name, value) else ""
