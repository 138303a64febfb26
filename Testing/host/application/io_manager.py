"""``slicer.app.ioManager()``: files to nodes and back, with slicer-core's own readers and writers."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from ..pythonqt import NotModelled
from .readers import READERS, file_type


class qSlicerIOManager(QObject):
    CXX_SIGNALS = ("newFileLoaded(qSlicerIO::IOProperties)",)

    newFileLoaded = Signal(dict)
    fileSaved = Signal(dict)

    def fileType(self, file_name: str) -> str:
        return file_type(file_name)

    def fileWriterFileType(self, node: object) -> str:
        return "SceneFile" if node.IsA("vtkMRMLScene") else "NodeFile"  # type: ignore[attr-defined]

    def loadNodes(self, kind: str, properties: dict, loaded: object = None, messages: object = None) -> bool:  # type: ignore[type-arg]
        path = properties["fileName"]
        if isinstance(path, (list, tuple)):
            done = [self.loadNodes(kind, {**properties, "fileName": each}, loaded, messages) for each in path]
            return all(done)
        if kind not in READERS:
            raise NotModelled(f"a reader of {kind or path}")
        nodes = READERS[kind](path, properties, messages) if Path(path).exists() else None
        if nodes is None:
            if messages is not None:
                import vtk

                text = f"Loading {path} -  load failed."
                messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)  # type: ignore[attr-defined]
            return False
        for node in nodes:
            if loaded is not None:
                loaded.AddItem(node)  # type: ignore[attr-defined]
        self.newFileLoaded.emit({**properties, "fileType": kind})
        return True

    def loadScene(self, path: str, clear: bool = True) -> bool:
        return self.loadNodes("SceneFile", {"fileName": path, "clear": clear})

    def saveNodes(self, kind: str, properties: dict, messages: object = None) -> bool:  # type: ignore[type-arg]
        import slicer

        if kind == "SceneFile":
            return self.saveScene(properties["fileName"])
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode()
        if storage is None:
            if not node.AddDefaultStorageNode():
                return False
            storage = node.GetStorageNode()
        # As in the application, the file's name alone decides the format.
        storage.SetFileName(properties["fileName"])
        if "useCompression" in properties:
            storage.SetUseCompression(bool(properties["useCompression"]))
        written = bool(storage.WriteData(node)) if _writable(storage, properties["fileName"]) else False
        self.fileSaved.emit(dict(properties))
        return written

    def saveScene(self, path: str, _screenshot: object = None) -> bool:
        import slicer

        scene = slicer.mrmlScene
        if path.endswith(".mrb"):
            return bool(scene.WriteToMRB(path))
        if path.endswith(".mrml"):
            scene.SetURL(path)
            scene.SetRootDirectory(str(Path(path).parent))
            return bool(scene.Commit(path))
        return bool(slicer.app.applicationLogic().SaveSceneToSlicerDataBundleDirectory(path, None))

    def fileWriterExtensions(self, node: object) -> list[str]:
        storage = node.CreateDefaultStorageNode()  # type: ignore[attr-defined]
        storage.SetScene(node.GetScene())  # type: ignore[attr-defined]
        types = storage.GetSupportedWriteFileTypes()
        return [types.GetValue(index) for index in range(types.GetNumberOfValues())]

    def extractKnownExtension(self, file_name: str, node: object) -> str:
        import slicer

        known = [
            slicer.vtkDataFileFormatHelper.GetFileExtensionFromFormatString(text)
            for text in self.fileWriterExtensions(node)
        ]
        fitting = [extension for extension in known if file_name.lower().endswith(extension.lower())]
        return max(fitting, key=len, default="." + file_name.rpartition(".")[2])

    def exportNodes(
        self,
        node_ids: list,  # type: ignore[type-arg]
        files: list,  # type: ignore[type-arg]
        properties: dict,  # type: ignore[type-arg]
        harden: bool = False,
        messages: object = None,
    ) -> bool:
        if harden:
            raise NotModelled("exportNodes with a hardened transform")
        done = [_export(node_id, path, properties) for node_id, path in zip(node_ids, files, strict=True)]
        return all(done)

    def registeredFileReaderCount(self, kind: str) -> int:
        return int(kind in READERS)

    def addDefaultStorageNodes(self) -> None:
        import slicer

        for node in list(slicer.mrmlScene.GetNodesByClass("vtkMRMLStorableNode")):
            node.AddDefaultStorageNode()

    def openDialog(self, *_: Any) -> bool:
        raise NotModelled("qSlicerIOManager.openDialog()")


def _writable(storage: Any, path: str) -> bool:
    """A format that the storage node does not write is refused; a file name without any is left to it."""
    suffix = storage.GetSupportedFileExtension(path, False, True)
    return bool(suffix) or "." not in Path(path).name


def _export(node_id: str, path: str, properties: dict[str, Any]) -> bool:
    import slicer

    node = slicer.mrmlScene.GetNodeByID(node_id)
    storage = node.CreateDefaultStorageNode()
    storage.SetScene(slicer.mrmlScene)
    storage.SetFileName(path)
    if "useCompression" in properties:
        storage.SetUseCompression(bool(properties["useCompression"]))
    return bool(storage.WriteData(node))


class qSlicerFileDialog(QObject):
    class IOAction(enum.IntEnum):
        Read = 0
        Write = 1
