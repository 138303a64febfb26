"""A segmentation in memory to the files that MRML writes, in the shape of the exporters' registry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.notice import Notice
from ..core.progress import Poll, never
from ..core.result import JobResult
from ..core.segmentation import Segmentation
from ..exporters import ExportFormat
from ..exporters.written import Written
from .scene import mrml_scene, slicer_module, vtk_module
from .segmentation_node import segmentation_to_node
from .writers import MeshKind, save_meshes

MRML_EXPORTERS = {
    "stl": ExportFormat("segmentation.stl", "MedAISegLib.slicer_io.files:write_stl"),
    "obj": ExportFormat("segmentation.obj", "MedAISegLib.slicer_io.files:write_obj"),
}
"""Format name to its writer; the surfaces are ``segmentation_NAME.stl``, one a segment."""


def write_stl(
    segmentation: Segmentation, result: JobResult, path: Path, *, overwrite: bool = False, poll: Poll = never
) -> Written:
    """``STEM_NAME.stl`` a segment, LPS mm.

    Raises:
        UsageError: if a file is there and may not be overwritten, or slicer-core is missing.
        ResourceError: if they cannot be written.
    """
    return _write_meshes(segmentation, result, path, MeshKind.STL, poll, overwrite=overwrite)


def write_obj(
    segmentation: Segmentation, result: JobResult, path: Path, *, overwrite: bool = False, poll: Poll = never
) -> Written:
    """``STEM_NAME.obj`` a segment, LPS mm. Raises as :func:`write_stl`."""
    return _write_meshes(segmentation, result, path, MeshKind.OBJ, poll, overwrite=overwrite)


def _write_meshes(
    segmentation: Segmentation, result: JobResult, path: Path, kind: MeshKind, poll: Poll, *, overwrite: bool
) -> Written:
    with _node(segmentation, result, poll) as (node, notices):
        written = save_meshes(node, path, kind, overwrite=overwrite, poll=poll)
    return Written(written.files, notices + written.notices)


@contextmanager
def _node(segmentation: Segmentation, result: JobResult, poll: Poll) -> Iterator[tuple[Any, tuple[Notice, ...]]]:
    """A segmentation node for a while."""
    for load in (vtk_module, slicer_module):  # the first time each takes most of a second
        poll()
        load()
    poll()
    scene = mrml_scene()
    node, notices = segmentation_to_node(segmentation, result, scene)
    display = node.GetDisplayNode()
    try:
        yield node, notices
    finally:
        scene.RemoveNode(display)
        scene.RemoveNode(node)
