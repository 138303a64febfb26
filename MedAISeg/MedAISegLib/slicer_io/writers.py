"""The files that MRML writes: surfaces and scene bundles."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from ..core.errors import ResourceError
from ..core.language import tr as _
from ..core.notice import Notice
from ..core.progress import Poll, never
from ..exporters.atomic import atomic_path, atomic_paths
from ..exporters.written import Written
from .completeness import bundle_is_complete, obj_is_complete, stl_is_complete
from .geometry import to_world
from .labelmaps import CLOSED_SURFACE
from .mesh_names import mesh_file_names
from .scene import slicer_module, vtk_module
from .surfaces import missing_surfaces


class MeshKind(Enum):
    """The format of a surface."""

    STL = "stl"
    OBJ = "obj"


def save_meshes(node: Any, path: Path, kind: MeshKind, *, overwrite: bool = False, poll: Poll = never) -> Written:
    """As :func:`meshes_in_pieces`, in one go; ``poll`` is called after each piece."""
    with closing(meshes_in_pieces(node, path, kind, overwrite=overwrite)) as work:
        while True:
            try:
                next(work)
            except StopIteration as end:
                written: Written = end.value
                return written
            poll()


def meshes_in_pieces(
    node: Any, path: Path, kind: MeshKind, *, overwrite: bool = False
) -> Generator[None, None, Written]:
    """The closed surface of each segment of a node in the world, LPS mm, as ``STEM_NAME.KIND`` beside ``path``.

    Yields after each segment; closed before its end it leaves no file. The node gets no new representation.

    Raises:
        UsageError: if a file is there and may not be overwritten.
        ResourceError: if they cannot be written.
    """
    content = node.GetSegmentation()
    if content.GetNumberOfSegments() == 0:
        what = _("No segment has a voxel: no .{kind} file was written.").format(kind=kind.value)
        return Written((), (Notice("no-surface", what),))
    surfaces = yield from _named_surfaces(node)
    filled = [(name, surface) for name, surface in surfaces if surface.GetNumberOfPoints() > 0]
    too_small = [name for name, surface in surfaces if surface.GetNumberOfPoints() == 0]
    what = _("Too small for a surface: {names}.").format(names=", ".join(too_small))
    notices = (Notice("no-surface", what),) if too_small else ()
    if not filled:
        return Written((), notices)
    names = mesh_file_names(kind.value, [name for name, _surface in filled], stem=path.stem)
    paths = [path.with_name(name) for name in names]
    with atomic_paths(paths, overwrite=overwrite) as temporaries:
        for (_name, surface), temporary, final in zip(filled, temporaries, paths, strict=True):
            _write_surface(surface, temporary, final, kind)
            yield
    return Written(tuple(paths), notices)


def save_mrb(scene: Any, path: Path, *, overwrite: bool = False) -> Written:
    """A scene with all its data as a ``.mrb`` bundle.

    Raises:
        UsageError: if the file is there and may not be overwritten.
        ResourceError: if it cannot be written.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        with _quiet():
            written = bool(scene.WriteToMRB(str(temporary))) and temporary.is_file()
        _check(written and bundle_is_complete(temporary), path)
    return Written((path,))


def _named_surfaces(node: Any) -> Generator[None, None, list[tuple[str, Any]]]:
    """Name and closed surface of each segment, RAS mm in the world."""
    content, parent = node.GetSegmentation(), node.GetParentTransformNode()
    made = {} if content.ContainsRepresentation(CLOSED_SURFACE) else (yield from missing_surfaces(content))
    named = []
    for segment_id in content.GetSegmentIDs():
        segment = content.GetSegment(segment_id)
        surface = made.get(segment_id) or segment.GetRepresentation(CLOSED_SURFACE) or vtk_module().vtkPolyData()
        named.append((segment.GetName(), surface if parent is None else _moved(surface, to_world(parent))))
        yield
    return named


def _moved(surface: Any, transform: Any) -> Any:
    mover = vtk_module().vtkTransformPolyDataFilter()
    mover.SetInputData(surface)
    mover.SetTransform(transform)
    mover.Update()
    return mover.GetOutput()


def _write_surface(surface: Any, temporary: Path, path: Path, kind: MeshKind) -> None:
    """By Slicer's own storage node, which notes in the file that it is LPS."""
    slicer = slicer_module()
    model = slicer.vtkMRMLModelNode()
    model.SetAndObservePolyData(surface)
    storage = slicer.vtkMRMLModelStorageNode()
    storage.SetFileName(str(temporary))
    is_complete = stl_is_complete if kind is MeshKind.STL else obj_is_complete
    with _quiet():
        written = bool(storage.WriteData(model)) and temporary.is_file()
    _check(written and is_complete(temporary, surface.GetNumberOfPolys()), path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without VTK's own messages: whether a file is whole is checked here, and the OBJ writer misses a display."""
    vtk_object = vtk_module().vtkObject
    before = vtk_object.GetGlobalWarningDisplay()
    vtk_object.SetGlobalWarningDisplay(0)
    try:
        yield
    finally:
        vtk_object.SetGlobalWarningDisplay(before)


def _check(succeeded: bool, path: Path) -> None:
    if not succeeded:
        raise ResourceError(
            _("the file could not be written completely."),
            where=str(path),
            remedy=_("Check the free space or choose another folder."),
        )
