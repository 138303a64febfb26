"""The tags of a ``vtkSegment``, and the record of what made it among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..core.provenance_tags import (
    CREATED,
    MODEL_ID,
    MODEL_NAME,
    MODEL_SHA256,
    MODEL_VERSION,
    SOFTWARE_VERSION,
    provenance_tags,
)
from ..core.result import Provenance
from ..core.segmentation import Segment
from .scene import vtk_module


def write_tags(segment: Any, provenance: Provenance, described: Segment, checksum: str) -> None:
    """Set the record on a ``vtkSegment``: the run, what the model calls the segment, and the checksum of its voxels."""
    for name, text in provenance_tags(provenance, described, checksum).items():
        # Each change makes Slicer look through all segments.
        if read_tag(segment, name) != text:
            segment.SetTag(name, text)


def read_tag(segment: Any, name: str | bytes) -> str:
    """A tag's text, empty where the segment has none."""
    value = vtk_module().reference("")
    return readable(value.get()) if segment.GetTag(name, value) else ""


def read_tags(segment: Any) -> dict[str, str]:
    """All tags of a segment, the user's own included; one whose name has a line break is not found.

    Python cannot list them, but what VTK prints of a segment has a line ``name: text`` for each.
    """
    try:
        printed = str(segment).encode()
    except UnicodeDecodeError as error:
        printed = error.object
    names = {name for line in printed.split(b"\n") for name in _names_in(line) if segment.HasTag(name)}
    return {readable(name): read_tag(segment, name) for name in sorted(names)}


def _names_in(line: bytes) -> Iterator[bytes]:
    """What may be a tag's name in a line that VTK has indented: blanks may begin it, colons be in it."""
    indent = len(line) - len(line.lstrip(b" "))
    for colon in re.finditer(rb": ", line):
        for start in range(indent + 1):
            yield line[start : colon.start()]


def readable(text: str | bytes) -> str:
    r"""VTK has bytes for a text that is not UTF-8, as other software writes it; each such byte becomes ``\xe4``."""
    return text if isinstance(text, str) else text.decode(errors="backslashreplace")


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
