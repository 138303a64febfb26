"""Patient, study and series items in the subject hierarchy, as Slicer's DICOM plugins leave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

_SERIES = {
    "DICOM.Modality": "0008,0060", "DICOM.SeriesNumber": "0020,0011", "DICOM.FrameOfReferenceUID": "0020,0052",
    "DICOM.SeriesDescription": "0008,103E", "DICOM.SeriesDate": "0008,0021", "DICOM.SeriesTime": "0008,0031",
    "DICOM.ContentDate": "0008,0023", "DICOM.ContentTime": "0008,0033", "DICOM.Manufacturer": "0008,0070",
    "DICOM.Model": "0008,1090",
}  # fmt: skip
_STUDY = {
    "DICOM.StudyInstanceUID": "0020,000D", "DICOM.StudyID": "0020,0010", "DICOM.StudyDescription": "0008,1030",
    "DICOM.StudyDate": "0008,0020", "DICOM.StudyTime": "0008,0030",
}  # fmt: skip
_PATIENT = {
    "DICOM.PatientName": "0010,0010", "DICOM.PatientID": "0010,0020", "DICOM.PatientSex": "0010,0040",
    "DICOM.PatientBirthDate": "0010,0030", "DICOM.PatientComments": "0010,4000",
}  # fmt: skip


def add_series(database: Any, files: Sequence[str], node: Any) -> None:
    """The node's item under its study and patient, which are made where they are missing."""
    first = files[0]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    series, study = database.fileValue(first, "0020,000E"), database.fileValue(first, "0020,000D")
    patient = database.fileValue(first, "0010,0020") or f"Patient-{study}"
    hierarchy.SetItemUID(item, "DICOM", series)
    _set_attributes(hierarchy, item, {name: database.fileValue(first, tag) for name, tag in _SERIES.items()})
    uids = [database.fileValue(file, "0008,0018") or "Unknown" for file in files]
    hierarchy.SetItemUID(item, "DICOMInstanceUID", " ".join(uids))
    hierarchy.SetItemAttribute(item, "DICOM.ReferencedInstanceUIDs", "")
    new_patient = not hierarchy.GetItemByUID("DICOM", patient)
    new_study = not hierarchy.GetItemByUID("DICOM", study)
    slicer.vtkSlicerSubjectHierarchyModuleLogic.InsertDicomSeriesInHierarchy(hierarchy, patient, study, series)
    if new_patient:
        values = {name: database.fileValue(first, tag) for name, tag in _PATIENT.items()}
        values["DICOM.PatientName"] = values["DICOM.PatientName"] or "No name"
        values["DICOM.PatientID"] = patient
        owner = hierarchy.GetItemByUID("DICOM", patient)
        _set_attributes(hierarchy, owner, values)
        hierarchy.SetItemName(owner, f"{values['DICOM.PatientName']} ({patient})")
    if new_study:
        values = {name: database.fileValue(first, tag) for name, tag in _STUDY.items()}
        values["DICOM.StudyDescription"] = values["DICOM.StudyDescription"] or "No study description"
        owner = hierarchy.GetItemByUID("DICOM", study)
        _set_attributes(hierarchy, owner, values)
        date = f" ({values['DICOM.StudyDate']})" if values["DICOM.StudyDate"] else ""
        hierarchy.SetItemName(owner, values["DICOM.StudyDescription"] + date)


def _set_attributes(hierarchy: Any, item: int, values: dict[str, str]) -> None:
    for name, value in values.items():
        hierarchy.SetItemAttribute(item, name, value)
