"""DICOM files of an analytic image, a linear function of the place in the patient: every voxel can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from MedAISegLib.core.volume import Volume
from MedAISegLib.readers import read_images
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

GRADIENT = np.array([1.7, -2.3, 3.1])
"""Change of the image per mm along L, P, S."""

OFFSET = 100.0

_CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PositronEmissionTomographyImageStorage}

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


ROUNDING = 0.02
"""Grey values by which the rounding of stored integers may move a voxel."""


def read_one(folder: Path) -> Volume:
    (volume,) = read_images(folder)
    return volume


def codes(volume: Volume) -> set[str]:
    return {notice.code for notice in volume.notices}


def tilted(count: int, degrees: float) -> tuple[tuple[float, ...], list[np.ndarray]]:
    """A gantry tilted about L, the table moving along S."""
    angle = np.radians(degrees)
    return (1, 0, 0, 0, np.cos(angle), -np.sin(angle)), [np.array([-10.0, 7.0, 3.0 + 5.0 * n]) for n in range(count)]


def oblique() -> tuple[float, ...]:
    """Row and column directions along none of the patient's axes."""
    a, b = np.radians(20.0), np.radians(35.0)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = about_x @ about_z
    return (*turned[:, 0], *turned[:, 1])


def world_value(points_lps: np.ndarray) -> np.ndarray:
    """(...) value of the image at (..., 3) LPS mm."""
    return OFFSET + points_lps @ GRADIENT


@dataclass
class Phantom:
    """A series to be written; ``positions`` are those of the slices' first pixels."""

    positions: Sequence[np.ndarray]
    orientation: Sequence[float] = AXIAL
    pixel_spacing_mm: tuple[float, float] = (1.5, 0.75)
    rows: int = 6
    columns: int = 5
    modality: str = "CT"
    slope: float = 0.02
    intercept: float = -50.0
    tags: dict[str, Any] = field(default_factory=dict)

    def pixels(self, position: np.ndarray, orientation: Sequence[float] | None = None) -> np.ndarray:
        """(row, column), values of a slice."""
        cosines = np.asarray(orientation or self.orientation, dtype=float)
        j, i = np.mgrid[: self.rows, : self.columns].astype(float)
        points = (
            np.asarray(position, dtype=float)
            + j[..., None] * self.pixel_spacing_mm[0] * cosines[3:]
            + i[..., None] * self.pixel_spacing_mm[1] * cosines[:3]
        )
        return world_value(points)


def straight(
    count: int, step_mm: float = 2.5, orientation: Sequence[float] = AXIAL, start: Sequence[float] = (-10.0, 7.0, 3.0)
) -> list[np.ndarray]:
    """Positions of evenly spaced slices along the normal."""
    normal = np.cross(orientation[:3], orientation[3:])
    return [np.asarray(start) + n * step_mm * normal for n in range(count)]


def write_series(folder: Path, phantom: Phantom, **changes: Any) -> list[Dataset]:
    """Write a file for each position; ``changes`` maps a keyword to a value, or to one value a slice (a list)."""
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = generate_uid()
    datasets = []
    for n, position in enumerate(phantom.positions):
        own = {key: value[n] if isinstance(value, list) else value for key, value in changes.items()}
        slope = float(own.pop("RescaleSlope", phantom.slope))
        shift = float(own.pop("ValueShift", 0.0))
        dataset = _header(phantom.modality, series_uid, n)
        dataset.ImagePositionPatient = [float(x) for x in position]
        dataset.ImageOrientationPatient = [float(x) for x in phantom.orientation]
        dataset.PixelSpacing = list(phantom.pixel_spacing_mm)
        dataset.SliceThickness = 9.9
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, phantom.intercept
        stored = np.round((phantom.pixels(position) + shift - phantom.intercept) / slope).astype(np.int32)
        _set_pixels(dataset, stored[None])
        for keyword, value in (phantom.tags | own).items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        dataset.save_as(folder / f"slice-{(n * 7) % 100:02d}-{n}", enforce_file_format=True)
        datasets.append(dataset)
    return datasets


def write_enhanced(path: Path, phantom: Phantom, frame_tags: Sequence[dict[str, Any]] = ()) -> Dataset:
    """Write all positions as frames of one enhanced MR file; the rescale slope differs from frame to frame."""
    dataset = _header("MR", generate_uid(), 0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=[float(x) for x in phantom.orientation])]
    shared.PixelMeasuresSequence = [_item(PixelSpacing=list(phantom.pixel_spacing_mm), SliceThickness=9.9)]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames, per_frame = [], []
    for n, position in enumerate(phantom.positions):
        slope = phantom.slope * (1 + 0.1 * n)
        own = Dataset()
        own.PlanePositionSequence = [_item(ImagePositionPatient=[float(x) for x in position])]
        own.PixelValueTransformationSequence = [
            _item(RescaleSlope=slope, RescaleIntercept=phantom.intercept, RescaleType="US")
        ]
        own.FrameContentSequence = [_item(**(frame_tags[n] if frame_tags else {}))]
        per_frame.append(own)
        frames.append(np.round((phantom.pixels(position) - phantom.intercept) / slope))
    dataset.PerFrameFunctionalGroupsSequence = per_frame
    dataset.NumberOfFrames = len(frames)
    _set_pixels(dataset, np.array(frames, dtype=np.int32))
    dataset.save_as(path, enforce_file_format=True)
    return dataset


def largest_error(volume: Volume) -> float:
    """Largest difference between a volume's voxels and the image at the places where its geometry puts them."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.geometry.shape_kji), indexing="ij"), axis=-1)
    return float(np.abs(volume.voxels - world_value(volume.geometry.index_to_lps(index))).max())


def _header(modality: str, series_uid: str, number: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = _CLASSES[modality]
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = _CLASSES[modality]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", series_uid
    dataset.FrameOfReferenceUID = "1.2.3.4"
    dataset.Modality, dataset.SeriesDescription = modality, "phantom"
    dataset.SeriesNumber, dataset.InstanceNumber = 4, number + 1
    dataset.PatientName, dataset.PatientID = "Secret^Name", "SecretNumber"
    return dataset


def _set_pixels(dataset: Dataset, stored: np.ndarray) -> None:
    assert stored.min() >= -32768
    assert stored.max() <= 32767
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = stored.astype("<i2").tobytes()


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
