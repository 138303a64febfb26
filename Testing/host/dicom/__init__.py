"""Slicer's DICOM database, its indexer and ``DICOMLib``, each found when it is first used."""

_HERE = "Testing.host.dicom"
STAND_INS = {
    "ctk.ctkDICOMDatabase": f"{_HERE}.database:ctkDICOMDatabase",
    "ctk.ctkDICOMIndexer": f"{_HERE}.indexer:ctkDICOMIndexer",
}
MODULES = {
    "DICOMLib": f"{_HERE}.dicom_lib",
    "DICOMLib.DICOMPlugin": f"{_HERE}.dicom_lib.DICOMPlugin",
    "DICOMLib.DICOMUtils": f"{_HERE}.dicom_lib.DICOMUtils",
}
HOOKS = (f"{_HERE}.start:install",)
