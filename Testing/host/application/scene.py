"""The MRML scene of the emulated application and the logics that serve it, as the application starts them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .terminologies import write_terminologies

MODULE_LOGICS = {
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Annotations": "vtkSlicerAnnotationModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    # Before Volumes, whose display nodes ask for a colour table.
    "Colors": "vtkSlicerColorLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
}
"""Module name to the class of its logic, in the order in which they meet the scene."""


@dataclass
class SceneParts:
    scene: Any
    application_logic: Any
    remote_io: Any
    data_io: Any
    folder: Path
    module_logics: dict[str, Any] = field(default_factory=dict)


def new_scene(slicer: Any) -> SceneParts:
    """A scene, empty but for what the application puts there itself."""
    folder = Path(tempfile.mkdtemp(prefix="slicer-host-"))
    share = "share"
    (folder / share / "ColorFiles").mkdir(parents=True)
    (folder / "tmp").mkdir()
    write_terminologies(folder / share)
    scene = slicer.vtkMRMLScene()
    logic = slicer.vtkSlicerApplicationLogic()
    # The scene comes last: the logics look into these folders as soon as they see it.
    logic.SetTemporaryPath(str(folder / "tmp"))
    logic.SetHomeDirectory(str(folder))
    logic.SetShareDirectory(share)
    remote_io = slicer.vtkMRMLRemoteIOLogic()
    data_io = slicer.vtkDataIOManagerLogic()
    parts = SceneParts(scene, logic, remote_io, data_io, folder)
    _add_crosshair(slicer, scene)
    logic.SetMRMLScene(scene)
    remote_io.SetMRMLApplicationLogic(logic)
    remote_io.SetMRMLScene(scene)
    remote_io.AddDataIOToScene()
    data_io.SetMRMLApplicationLogic(logic)
    data_io.SetAndObserveDataIOManager(remote_io.GetDataIOManager())
    data_io.SetMRMLScene(scene)
    for module, class_name in MODULE_LOGICS.items():
        kind = getattr(slicer, class_name, None)
        if kind is not None:
            parts.module_logics[module] = _module_logic(kind, logic, scene, module, folder / share)
    return parts


def _module_logic(kind: Any, application: Any, scene: Any, module: str, share: Path) -> Any:
    logic = kind()
    logic.SetMRMLApplicationLogic(application)
    if hasattr(logic, "SetModuleShareDirectory"):
        logic.SetModuleShareDirectory(str(share))
    application.SetModuleLogic(module, logic)
    logic.SetMRMLScene(scene)
    return logic


def _add_crosshair(slicer: Any, scene: Any) -> None:
    """The node that the application's views share; it is there before all others."""
    node = slicer.vtkMRMLCrosshairNode()
    node.SetCrosshairName("default")
    node.SetSingletonTag("default")
    scene.AddNode(node)


def close_scene(parts: SceneParts) -> None:
    """Takes the logics off the scene, in the reverse of the order in which they came."""
    parts.scene.Clear(1)
    for logic in reversed(list(parts.module_logics.values())):
        logic.SetMRMLScene(None)
    parts.data_io.SetMRMLScene(None)
    parts.remote_io.RemoveDataIOFromScene()
    parts.remote_io.SetMRMLScene(None)
    parts.application_logic.SetMRMLScene(None)
    # What still observes it must not be called when Python's garbage collector ends it.
    parts.scene.RemoveAllObservers()
    shutil.rmtree(parts.folder, ignore_errors=True)
