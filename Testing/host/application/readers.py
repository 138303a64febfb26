"""The readers of the emulated application: file types of Slicer, each done by slicer-core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Reader = Callable[[str, dict[str, Any], Any], list[Any] | None]

_TYPES = (
    ((".mrml", ".mrb"), "SceneFile"),
    ((".seg.nrrd", ".seg.nhdr", ".seg.vtm", ".seg.nii", ".seg.nii.gz"), "SegmentationFile"),
    ((".seq.nrrd", ".seq.nhdr"), "SequenceFile"),
    ((".mrk.json", ".fcsv"), "MarkupsFile"),
    ((".h5", ".tfm", ".txt.tfm"), "TransformFile"),
    ((".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".hdr", ".img", ".dcm"), "VolumeFile"),
    ((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"), "VolumeFile"),
    ((".vtk", ".vtp", ".stl", ".obj", ".ply"), "ModelFile"),
    ((".ctbl", ".cxml"), "ColorTableFile"),
    ((".tsv", ".csv"), "TableFile"),
    ((".txt", ".json", ".xml"), "TextFile"),
)  # fmt: skip


def file_type(path: str) -> str:
    name = str(path).lower()
    return next((kind for endings, kind in _TYPES if name.endswith(endings)), "")


def _name(path: str, properties: dict[str, Any]) -> str:
    name = Path(path).name
    for ending in (".seg.nrrd", ".seq.nrrd", ".mrk.json", ".nii.gz"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    else:
        name = Path(name).stem
    return str(properties.get("name") or name)


def _scene(path: str, properties: dict[str, Any], messages: Any) -> list[Any] | None:
    import slicer

    scene = slicer.mrmlScene
    if str(path).endswith(".mrb"):
        read = scene.ReadFromMRB(path, bool(properties.get("clear", False)), messages)
    else:
        scene.SetURL(path)
        read = scene.Connect(messages) if properties.get("clear", False) else scene.Import(messages)
    return [] if read else None


def _volume(path: str, properties: dict[str, Any], _messages: Any) -> list[Any] | None:
    import slicer

    options = 0
    for flag, key in ((1, "labelmap"), (2, "center"), (4, "singleFile"), (16, "discardOrientation")):
        options |= flag if properties.get(key) else 0
    logic = slicer.app.moduleLogic("Volumes")
    node = logic.AddArchetypeVolume(path, _name(path, properties), options)
    if node is None:
        return None
    if properties.get("show", True):
        selection = slicer.app.applicationLogic().GetSelectionNode()
        if node.IsA("vtkMRMLLabelMapVolumeNode"):
            selection.SetActiveLabelVolumeID(node.GetID())
        else:
            selection.SetActiveVolumeID(node.GetID())
        slicer.app.applicationLogic().PropagateVolumeSelection()
    return [node]


def _stored(node_class: str, storage_class: str) -> Reader:
    def read(path: str, properties: dict[str, Any], messages: Any) -> list[Any] | None:
        import slicer

        node = slicer.mrmlScene.AddNewNodeByClass(
            node_class, slicer.mrmlScene.GenerateUniqueName(_name(path, properties))
        )
        storage = slicer.mrmlScene.AddNewNodeByClass(storage_class)
        storage.SetFileName(path)
        if not storage.ReadData(node):
            slicer.mrmlScene.RemoveNode(storage)
            slicer.mrmlScene.RemoveNode(node)
            return None
        node.SetAndObserveStorageNodeID(storage.GetID())
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        return [node]

    return read


def _segmentation(path: str, properties: dict[str, Any], messages: Any) -> list[Any] | None:
    import slicer

    if str(path).lower().endswith((".stl", ".obj")):
        return None
    logic = slicer.app.moduleLogic("Segmentations")
    node = logic.LoadSegmentationFromFile(path, properties.get("autoOpacities", True), _name(path, properties))
    return None if node is None else [node]


def _markups(path: str, properties: dict[str, Any], messages: Any) -> list[Any] | None:
    import slicer

    logic = slicer.app.moduleLogic("Markups")
    identifiers = logic.LoadMarkups(path, _name(path, properties), messages)
    return [slicer.mrmlScene.GetNodeByID(identifiers)] if identifiers else None


READERS: dict[str, Reader] = {
    "SceneFile": _scene,
    "VolumeFile": _volume,
    "SegmentationFile": _segmentation,
    "MarkupsFile": _markups,
    "ModelFile": _stored("vtkMRMLModelNode", "vtkMRMLModelStorageNode"),
    "TransformFile": _stored("vtkMRMLTransformNode", "vtkMRMLTransformStorageNode"),
    "TextFile": _stored("vtkMRMLTextNode", "vtkMRMLTextStorageNode"),
    "TableFile": _stored("vtkMRMLTableNode", "vtkMRMLTableStorageNode"),
}
