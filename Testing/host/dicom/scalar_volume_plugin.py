"""Slicer's plugin for scalar volumes, by the same ITK reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk

from .acquisition import add_acquisition_transform
from .dicom_lib import DICOMUtils
from .dicom_lib.DICOMPlugin import DICOMLoadable, DICOMPlugin

_SUBSERIES = ("seriesInstanceUID", "acquisitionNumber", "imageType", "imageOrientationPatient", "diffusionGradient")
"""A series that does not stand evenly as a whole is offered in parts of equal values of one of these."""

_ENUMERATED = ("seriesInstanceUID", "imageOrientationPatient", "diffusionGradient")
_MR = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")
_CT = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")
_CLEAN = str.maketrans({"|": "-", "/": "-", "\\": "-", "*": "(star)"})


class DICOMScalarVolumePluginClass(DICOMPlugin):
    """Loads a series, or a part of it, as one volume."""

    def __init__(self) -> None:
        super().__init__()
        self.loadType = "Scalar Volume"
        self.tags |= {
            "acquisitionNumber": "0020,0012",
            "imageType": "0008,0008",
            "imageOrientationPatient": "0020,0037",
            "diffusionGradient": "0018,9089",
            "photometricInterpretation": "0028,0004",
            "pixelData": "7fe0,0010",
            "windowCenter": "0028,1050",
            "windowWidth": "0028,1051",
        }

    def examineFiles(self, files: Sequence[str]) -> list[DICOMLoadable]:
        database = slicer.dicomDatabase
        name = self.defaultSeriesNodeName(database.fileValue(files[0], self.tags["seriesInstanceUID"]))
        whole = self._loadable(files, name)
        offers = [whole]
        kinds = 0
        for tag in _SUBSERIES:
            groups: dict[str, list[str]] = {}
            for file in files:
                groups.setdefault(database.fileValue(file, self.tags[tag]), []).append(file)
            kinds += len(groups) > 1
            for n, (value, members) in enumerate(groups.items() if len(groups) > 1 else (), start=1):
                suffix = str(n) if tag in _ENUMERATED else value
                offers.append(self._loadable(members, f"{name} - {tag} {suffix}"))
        for offer in offers:
            offer.files, _, offer.warning = DICOMUtils.getSortedImageFiles(offer.files)
        better = [offer for offer in offers[1:] if not offer.warning] if whole.warning and kinds == 1 else []
        for offer in offers:
            offer.selected = offer in (better or [whole])
            if not offer.selected:
                offer.confidence = min(offer.confidence, 0.45)
        return offers

    def _loadable(self, files: Sequence[str], name: str) -> DICOMLoadable:
        database = slicer.dicomDatabase
        offer: Any = DICOMLoadable()
        offer.files = [file for file in files if database.fileValueExists(file, self.tags["pixelData"])] or list(files)
        if not database.fileValueExists(offer.files[0], self.tags["pixelData"]):
            offer.warning = "There is no pixel data attribute for the DICOM objects."
            offer.confidence = 0.2
        offer.name = name.translate(_CLEAN)
        offer.tooltip = f"{len(offer.files)} files, first file: {offer.files[0]}"
        photometric = database.fileValue(offer.files[0], self.tags["photometricInterpretation"])
        offer.grayscale = "MONOCHROME" in photometric
        return offer  # type: ignore[no-any-return]

    def load(self, loadable: Any) -> Any:
        """The volume node; None where the reader fails."""
        node = _read(loadable.files, loadable.name, scalar=loadable.grayscale)
        if node is None:
            return None
        self.addSeriesInSubjectHierarchy(loadable, node)
        files = _right_handed(node, list(loadable.files))
        database = slicer.dicomDatabase
        uids = [database.fileValue(file, self.tags["instanceUID"]) or "Unknown" for file in files]
        node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
        numbers = [database.fileValue(file, "0020,0013") or "?" for file in files]
        node.SetAttribute("DICOM.instanceNumbers", " ".join(numbers))
        self._set_window(node, files[len(files) // 2])
        _set_units(node, database.fileValue(files[0], self.tags["sopClassUID"]))
        add_acquisition_transform(database, node)
        return node

    def _set_window(self, node: Any, file: str) -> None:
        centers = slicer.dicomDatabase.fileValue(file, self.tags["windowCenter"]).split("\\")
        widths = slicer.dicomDatabase.fileValue(file, self.tags["windowWidth"]).split("\\")
        display = node.GetScalarVolumeDisplayNode()
        if display and centers[0] and widths[0]:
            display.AddWindowLevelPreset(float(widths[0]), float(centers[0]))
            display.SetWindowLevelFromPreset(0)


def _read(files: Sequence[str], name: str, *, scalar: bool) -> Any:
    import vtkITK

    if scalar:
        reader = vtkITK.vtkITKArchetypeImageSeriesScalarReader()
    elif len(files) > 1:
        reader = vtkITK.vtkITKArchetypeImageSeriesVectorReaderSeries()
    else:
        reader = vtkITK.vtkITKArchetypeImageSeriesVectorReaderFile()
    reader.SetArchetype(files[0])
    for file in files:
        reader.AddFileName(file)
    reader.SetSingleFile(0)
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.SetUseNativeOriginOn()
    reader.SetDICOMImageIOApproachToGDCM()
    reader.Update()
    if reader.GetErrorCode() != vtk.vtkErrorCode.NoError:
        return None
    unplaced = vtk.vtkImageChangeInformation()
    unplaced.SetInputConnection(reader.GetOutputPort())
    unplaced.SetOutputSpacing(1, 1, 1)
    unplaced.SetOutputOrigin(0, 0, 0)
    unplaced.Update()
    kind = "vtkMRMLScalarVolumeNode" if scalar else "vtkMRMLVectorVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveImageData(unplaced.GetOutputDataObject(0))
    node.SetRASToIJKMatrix(reader.GetRasToIjkMatrix())
    node.CreateDefaultDisplayNodes()
    return node


def _right_handed(node: Any, files: list[str]) -> list[str]:
    """The files in the order of the slices, which are turned round where the node's axes are left-handed."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if slicer.vtkMRMLVolumeNode.IsIJKCoordinateSystemRightHanded(matrix):
        return files
    slicer.vtkMRMLVolumeNode.ReverseSliceOrder(node.GetImageData(), matrix)
    node.SetIJKToRASMatrix(matrix)
    return files[::-1]


def _set_units(node: Any, sop_class: str) -> None:
    if sop_class in _MR:
        node.SetVoxelValueQuantity(_code("110852", "DCM", "MR signal intensity"))
        node.SetVoxelValueUnits(_code("1", "UCUM", "no units"))
    elif sop_class in _CT:
        node.SetVoxelValueQuantity(_code("112031", "DCM", "Attenuation Coefficient"))
        node.SetVoxelValueUnits(_code("[hnsf'U]", "UCUM", "Hounsfield unit"))


def _code(value: str, scheme: str, meaning: str) -> Any:
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry
