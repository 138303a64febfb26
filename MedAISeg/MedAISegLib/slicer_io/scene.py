"""Slicer's scene, or one of our own where the library runs without the application, on slicer-core."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core.errors import UsageError
from ..core.language import tr as _

_MODULE_LOGICS = {
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    # Before Volumes, whose display nodes ask for a colour table.
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Models": "vtkSlicerModelsLogic",
}
"""Module name to the class of its logic, in the order in which they meet the scene."""


def mrml_scene() -> Any:
    """Slicer's ``vtkMRMLScene``; outside the application one of our own, the same at each call.

    Raises:
        UsageError: if neither Slicer nor slicer-core is there.
    """
    application_scene = getattr(slicer_module(), "mrmlScene", None)
    return application_scene if application_scene is not None else _own_host().scene


def slicer_module() -> ModuleType:
    """The ``slicer`` package of the application, or slicer-core's.

    Raises:
        UsageError: if neither is there.
    """
    try:
        import slicer
    except ImportError as error:
        raise _missing() from error
    module: ModuleType = slicer
    return module


def vtk_module() -> ModuleType:
    """VTK, as the application or the wheel has it.

    Raises:
        UsageError: if it is not there.
    """
    try:
        import vtk
    except ImportError as error:
        raise _missing() from error
    module: ModuleType = vtk
    return module


def _missing() -> UsageError:
    what = _("Slicer's own formats need slicer-core.")
    return UsageError(what, remedy=_("Install it: pip install 'MedAISeg[slicer]'."))


def vtk_arrays() -> Any:
    """VTK's ``numpy_to_vtk`` and ``vtk_to_numpy``."""
    import vtkmodules.util.numpy_support as arrays

    return arrays


@dataclass(frozen=True, eq=False)
class SceneHost:
    """A scene outside the application; the logics that serve it live as long as it does."""

    scene: Any
    logics: tuple[Any, ...]
    folder: tempfile.TemporaryDirectory[str]


def new_scene_host() -> SceneHost:
    """An empty scene with what reading and writing need: node types, colours, storage and bundles (``.mrb``)."""
    slicer = slicer_module()
    folder = tempfile.TemporaryDirectory(prefix="medaiseg-scene-")
    share = "share"
    (Path(folder.name) / share / "ColorFiles").mkdir(parents=True)
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    # The scene comes last: the logics look into these folders as soon as they see it.
    application.SetTemporaryPath(folder.name)
    application.SetHomeDirectory(folder.name)
    application.SetShareDirectory(share)
    application.SetMRMLScene(scene)
    remote_io = slicer.vtkMRMLRemoteIOLogic()
    remote_io.SetMRMLApplicationLogic(application)
    remote_io.SetMRMLScene(scene)
    remote_io.AddDataIOToScene()
    data_io = slicer.vtkDataIOManagerLogic()
    data_io.SetMRMLApplicationLogic(application)
    data_io.SetAndObserveDataIOManager(remote_io.GetDataIOManager())
    data_io.SetMRMLScene(scene)
    modules = [_add_module_logic(slicer, application, scene, *names) for names in _MODULE_LOGICS.items()]
    return SceneHost(scene, (application, remote_io, data_io, *modules), folder)


@cache
def _own_host() -> SceneHost:
    return new_scene_host()


def _add_module_logic(slicer: ModuleType, application: Any, scene: Any, module: str, class_name: str) -> Any:
    logic = getattr(slicer, class_name)()
    logic.SetMRMLApplicationLogic(application)
    application.SetModuleLogic(module, logic)
    logic.SetMRMLScene(scene)
    return logic
