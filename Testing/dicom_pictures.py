"""Pictures as DICOM files: radiographs and secondary captures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def write_picture(path: Path, pixels: np.ndarray, photometric: str, modality: str = "OT", **tags: Any) -> Path:
    """A file of one frame, (row, column) or (row, column, sample) of unsigned values; ``tags`` replace others."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = COMPUTED_RADIOGRAPHY if modality == "CR" else SECONDARY_CAPTURE
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientID, dataset.PatientName, dataset.InstanceNumber = "nobody", "Nobody", 1
    dataset.Modality, dataset.SeriesDescription = modality, "Picture"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else pixels.shape[2]
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def write_palette(path: Path, numbers: np.ndarray, palette: np.ndarray) -> Path:
    """(row, column) numbers of colours, and (colour, 3) what they stand for, 8 bits each."""
    descriptor = [len(palette), 0, 8]
    names = ("Red", "Green", "Blue")
    tables = {f"{n}PaletteColorLookupTableDescriptor": descriptor for n in names}
    data = {
        f"{n}PaletteColorLookupTableData": np.ascontiguousarray(palette[:, c]).tobytes() for c, n in enumerate(names)
    }
    return write_picture(path, numbers, "PALETTE COLOR", **tables, **data)
