"""Small segmentations that no flip, permutation or shift leaves alike, and the DICOM series behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.result import JobResult, Provenance, SegmentResult
from MedAISegLib.core.segmentation import Segment, Segmentation
from MedAISegLib.core.terminology import ANATOMICAL_STRUCTURE, LEFT, Code, Terminology
from MedAISegLib.core.volume import SeriesReference
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

LIVER = Terminology(ANATOMICAL_STRUCTURE, Code("10200004", "SCT", "Liver"))
LEFT_KIDNEY = Terminology(ANATOMICAL_STRUCTURE, Code("64033007", "SCT", "Kidney"), LEFT)

PROVENANCE = Provenance(
    model_id="organs",
    model_name="Organs",
    model_version="1.2",
    model_sha256="0123456789abcdef" * 4,
    software_version="0.1.0",
    library_versions={"numpy": np.__version__},
    device="cpu",
    parameters={"test_time_flips": "no"},
    created_utc="2026-02-03T04:05:06Z",
)


def oblique_geometry(shape_kji: tuple[int, int, int] = (6, 9, 12), *, shear: float = 0.0) -> VolumeGeometry:
    """Along none of the patient's axes, of three different spacings; ``shear`` mm of row direction a slice."""
    a, b = np.radians(20.0), np.radians(35.0)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    i, j, k = (about_x @ about_z).T
    affine = np.eye(4)
    affine[:3, :3] = np.stack([k * 2.5 + j * shear, j * 1.5, i * 0.75], axis=1)
    affine[:3, 3] = [-31.0, 12.0, 77.0]
    return VolumeGeometry(shape_kji, affine)


def organs(
    geometry: VolumeGeometry, *, overlap: bool = False, series: SeriesReference | None = None, empty: bool = False
) -> Segmentation:
    """A liver (3) and a kidney (7), the kidney in a layer of its own where they overlap; a spleen without a voxel."""
    k, j, i = geometry.shape_kji
    layers = np.zeros((2 if overlap else 1, k, j, i), np.uint8)
    if not empty:
        layers[0, : k // 2, 1 : j // 2 + 1, i // 4 : i - 2] = 3
        kidney = layers[-1, k // 3 : k - 1, j // 3 :, i // 2 : i - 1]
        kidney[kidney == 0] = 7
    segments = (
        Segment(3, "liver", (221, 130, 101), LIVER),
        Segment(7, "Niere/links ä", (185, 102, 83), LEFT_KIDNEY, layer=len(layers) - 1),
        Segment(9, "spleen", (157, 108, 162)),
    )
    return Segmentation(layers, geometry, segments, series)


def result_of(segmentation: Segmentation) -> JobResult:
    """A result with made-up intensities."""
    counts = segmentation.voxel_counts()
    rows = [
        SegmentResult(
            name=s.name,
            label_value=s.label_value,
            terminology=s.terminology,
            color_rgb=s.color_rgb,
            voxel_count=counts[s.name],
            volume_ml=segmentation.volume_ml(s),
            mean=54.5 if counts[s.name] else None,
            standard_deviation=12.25 if counts[s.name] else None,
            minimum=-3.0 if counts[s.name] else None,
            maximum=99.0 if counts[s.name] else None,
        )
        for s in segmentation.segments
    ]
    return JobResult(tuple(rows), PROVENANCE)


def write_source(folder: Path, geometry: VolumeGeometry, **changes: Any) -> SeriesReference:
    """A CT series on a grid, in files whose names say nothing of their order; a change of None removes a keyword."""
    folder.mkdir(parents=True)
    study, series, frame = (str(generate_uid()) for _ in range(3))
    files, uids = [], []
    for k in range(geometry.shape_kji[0]):
        dataset = _slice(geometry, k)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        for keyword, value in changes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        files.append(folder / f"{k * 5 % 7}-{k}")
        uids.append(dataset.SOPInstanceUID)
        dataset.save_as(files[-1], enforce_file_format=True)
    return SeriesReference(
        dataset.get("StudyInstanceUID", ""), series, frame, CTImageStorage, tuple(uids), tuple(files)
    )


def _slice(geometry: VolumeGeometry, k: int) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Muster^Maxi", "M1", "CT"
    dataset.SeriesNumber, dataset.InstanceNumber = 4, k + 1
    _, rows, columns = geometry.shape_kji
    dataset.ImagePositionPatient = [round(float(x), 6) for x in geometry.index_to_lps((k, 0, 0))]
    j, i = geometry.directions_lps[:, 1], geometry.directions_lps[:, 2]
    dataset.ImageOrientationPatient = [round(float(x), 10) for x in (*i, *j)]
    dataset.PixelSpacing = [float(geometry.spacing_mm[1]), float(geometry.spacing_mm[2])]
    dataset.SliceThickness = 2.0
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = np.full((rows, columns), k, np.int16).tobytes()
    return dataset


def masks_in_world(
    segmentation: Segmentation, names: Sequence[str], points_lps: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(segment, point), whether each point lies in a voxel of the segment."""
    index = np.floor(segmentation.geometry.lps_to_index(points_lps) + 0.5).astype(int)
    shape = np.array(segmentation.geometry.shape_kji)
    inside = ((index >= 0) & (index < shape)).all(axis=-1)
    by_name = {s.name: s for s in segmentation.segments}
    found = np.zeros((len(names), len(points_lps)), bool)
    for row, name in zip(found, names, strict=True):
        row[inside] = segmentation.mask(by_name[name])[tuple(index[inside].T)]
    return found


def points_of(geometry: VolumeGeometry) -> NDArray[np.float64]:
    """(voxel, 3), the centres of all voxels, LPS mm."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape_kji), indexing="ij"), axis=-1)
    return geometry.index_to_lps(index.reshape(-1, 3))
