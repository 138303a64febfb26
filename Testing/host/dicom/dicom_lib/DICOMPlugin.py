"""The base of DICOM plugins, and what they offer to load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from Testing.host.dicom.subject_hierarchy import add_series


class DICOMLoadable:
    """Something that a plugin can load: its files in order, and how sure the plugin is that this is wanted."""

    def __init__(self) -> None:
        self.files: Sequence[str] = []
        self.name = "Unknown"
        self.tooltip = "No further information available"
        self.warning = ""
        self.selected = False
        self.confidence = 0.5


class DICOMPlugin:
    """Remembers what it found in a list of files; subclasses say what that is, and load it."""

    def __init__(self) -> None:
        self.loadType = "Generic DICOM"
        self.loadableCache: dict[tuple[str, ...], list[DICOMLoadable]] = {}
        self.tags = {
            "seriesDescription": "0008,103E",
            "seriesNumber": "0020,0011",
            "frameOfReferenceUID": "0020,0052",
            "seriesInstanceUID": "0020,000E",
            "modality": "0008,0060",
            "instanceUID": "0008,0018",
            "sopClassUID": "0008,0016",
        }

    def examineForImport(self, fileLists: Sequence[Sequence[str]]) -> list[DICOMLoadable]:
        found: list[DICOMLoadable] = []
        for files in fileLists:
            key = tuple(files)
            if key not in self.loadableCache:
                self.loadableCache[key] = self.examineFiles(files)
            found += self.loadableCache[key]
        return found

    def examine(self, fileLists: Sequence[Sequence[str]]) -> list[DICOMLoadable]:
        return self.examineForImport(fileLists)

    def examineFiles(self, files: Sequence[str]) -> list[DICOMLoadable]:
        return []

    def load(self, loadable: DICOMLoadable) -> Any:
        return True

    def defaultSeriesNodeName(self, seriesUID: str) -> str:
        """``number: description`` of the series' first file."""
        file = next(iter(slicer.dicomDatabase.filesForSeries(seriesUID, 1)), "")
        if not file:
            return "Unnamed Series"
        name = slicer.dicomDatabase.fileValue(file, self.tags["seriesDescription"]) or "Unnamed Series"
        number = slicer.dicomDatabase.fileValue(file, self.tags["seriesNumber"])
        return f"{number}: {name}" if number else name

    def addSeriesInSubjectHierarchy(self, loadable: DICOMLoadable, dataNode: Any) -> None:
        add_series(slicer.dicomDatabase, list(loadable.files), dataNode)
