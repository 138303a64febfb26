"""A T1 study to try the extension on, drawn from a statistical atlas: no patient's image, and its labels are known.

A drawn hippocampus is the atlas mean, bent and shaded by a few random principal modes (an active appearance model,
Cootes et al., IEEE TPAMI 23:681, 2001), sampled on an oblique grid of its own as a scanner would have placed it.
Needs numpy and pydicom only, so that Slicer's own Python can run it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

Floats = NDArray[np.float64]

ATLAS_FILE = Path(__file__).parents[2] / "Resources" / "SampleData" / "hippocampus_atlas.npz"
SHAPE_KJI = (46, 44, 46)
SPACING_KJI_MM = (1.2, 0.9, 0.9)
TILT_DEG = (17.0, 12.0)
"""Turns of the grid about the patient's left-right and head-foot axes."""
CENTRE_LPS_MM = (27.0, 20.0, -12.0)
"""Where a left hippocampus lies in a head whose origin is near the anterior commissure."""
LARGEST_WEIGHT = 1.5
WHITE_MATTER = 900.0
NOISE = 0.025
"""Standard deviation of each of the two receiver channels, as a share of white matter."""
UID_NAMESPACE = uuid.UUID("7b0f6a3e-52d1-4d5c-9d57-0a8e3c2f4b61")


class Sample(NamedTuple):
    """A drawn image with its labels.

    Attributes:
        voxels: magnitudes (k, j, i), arbitrary units.
        labels: uint8 (k, j, i); 0 background, 1 anterior hippocampus, 2 posterior hippocampus.
        affine_lps: 4x4, maps the homogeneous index (k, j, i, 1) of a voxel's centre to LPS mm.
    """

    voxels: Floats
    labels: NDArray[np.uint8]
    affine_lps: Floats


@dataclass(frozen=True, eq=False)
class Atlas:
    """The statistics of the training cases on a 1 mm grid, axes k to superior, j to anterior, i to the right.

    Attributes:
        intensity_mean: (k, j, i), percentiles 1 and 99 of a case at 0 and 1.
        intensity_modes: (mode, k, j, i), change for one standard deviation.
        shape_modes: (mode, 3, K, J, I), displacement in mm towards right, anterior and superior for one standard
            deviation, on every ``shape_step``-th voxel; it leads from a point of the drawn image to one of the mean.
        distance_whole_mm: (k, j, i), signed distance to the hippocampus, negative inside.
        distance_front_mm: (k, j, i), negative where the anterior part is nearer than the posterior.
        shape_step: voxels between the nodes of ``shape_modes``.
    """

    intensity_mean: Floats
    intensity_modes: Floats
    shape_modes: Floats
    distance_whole_mm: Floats
    distance_front_mm: Floats
    shape_step: int


def draw_sample(seed: int) -> Sample:
    """Draw one hippocampus; the same seed gives the same study."""
    rng = np.random.default_rng(seed)
    atlas = _atlas()
    weights = np.clip(rng.standard_normal(len(atlas.shape_modes)), -LARGEST_WEIGHT, LARGEST_WEIGHT)
    affine_lps = _oblique_affine()
    points_ras = _grid_points_ras_mm(affine_lps) - _lps_to_ras(np.array(CENTRE_LPS_MM))
    bend = np.tensordot(weights, atlas.shape_modes, axes=1)
    nodes = _to_index(points_ras, atlas.intensity_mean.shape) / atlas.shape_step
    shift_ras = np.stack([_interpolate(component, nodes) for component in bend], axis=-1)
    index = _to_index(points_ras + shift_ras, atlas.intensity_mean.shape)
    intensity = _interpolate(atlas.intensity_mean + np.tensordot(weights, atlas.intensity_modes, axes=1), index)
    return Sample(_receive(intensity, rng), _label(atlas, index), affine_lps)


def write_sample_study(folder: Path, *, seed: int = 0, with_labels: bool = False) -> list[Path]:
    """Write a drawn sample as an MR series (PS3.3 A.4), one file a slice, and return the files in slice order.

    With ``with_labels``, ``labels.npz`` beside them holds ``labels`` (k, j, i) and ``affine_lps``.
    """
    sample = draw_sample(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"slice_{k + 1:03d}.dcm" for k in range(len(sample.voxels))]
    for k, path in enumerate(paths):
        _file(_slice(sample, k, seed), path).save_as(path)
    if with_labels:
        np.savez_compressed(folder / "labels.npz", labels=sample.labels, affine_lps=sample.affine_lps)
    return paths


def sample_series_uid(seed: int) -> str:
    """SeriesInstanceUID of the study of a seed, by which it is found again."""
    return _uid(seed, "series")


@cache
def _atlas() -> Atlas:
    with np.load(ATLAS_FILE) as stored:
        arrays = {name: stored[name].astype(np.float64) for name in stored.files}
    return Atlas(
        arrays["intensity_mean"],
        arrays["intensity_modes"],
        arrays["shape_modes"],
        arrays["distance_whole_mm"],
        arrays["distance_front_mm"],
        int(arrays["shape_step"]),
    )


def _oblique_affine() -> Floats:
    """Tilted coronal slices from anterior to posterior: maps the index (k, j, i, 1) to LPS mm."""
    about_x, about_z = np.radians(TILT_DEG)
    turn_x = np.array([[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]])
    turn_z = np.array([[np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]])
    coronal = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn_x @ turn_z @ coronal * np.array(SPACING_KJI_MM)
    affine[:3, 3] = np.array(CENTRE_LPS_MM) - affine[:3, :3] @ (np.array(SHAPE_KJI) - 1) / 2
    return affine


def _grid_points_ras_mm(affine_lps: Floats) -> Floats:
    """World points (k, j, i, 3) of all voxel centres."""
    index = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float64) for n in SHAPE_KJI), indexing="ij"), axis=-1)
    return _lps_to_ras(index @ affine_lps[:3, :3].T + affine_lps[:3, 3])


def _lps_to_ras(points: Floats) -> Floats:
    turned: Floats = points * np.array([-1.0, -1.0, 1.0])
    return turned


def _to_index(points_ras_mm: Floats, shape_kji: tuple[int, ...]) -> Floats:
    """Atlas index (k, j, i) of points given from the atlas centre."""
    index: Floats = points_ras_mm[..., ::-1] + (np.array(shape_kji) - 1) / 2
    return index


def _interpolate(volume: Floats, index: Floats) -> Floats:
    """Trilinear values of a (k, j, i) volume at indices (..., 3); beyond its border the nearest voxel counts."""
    last = np.array(volume.shape) - 1
    inside = np.clip(index, 0, last)
    low = np.minimum(np.floor(inside).astype(np.intp), np.maximum(last - 1, 0))
    part = inside - low
    total = np.zeros(index.shape[:-1])
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=-1)
        k, j, i = np.moveaxis(np.minimum(low + corner, last), -1, 0)
        total += weight * volume[k, j, i]
    return total


def _receive(intensity: Floats, rng: np.random.Generator) -> Floats:
    """The magnitude of a complex signal with noise in both channels, hence Rician (Gudbjartsson and Patz, 1995)."""
    real, imaginary = NOISE * rng.standard_normal((2, *intensity.shape))
    magnitude: Floats = WHITE_MATTER * np.hypot(np.maximum(intensity, 0.0) + 0.05 + real, imaginary)
    return magnitude


def _label(atlas: Atlas, index: Floats) -> NDArray[np.uint8]:
    inside = _interpolate(atlas.distance_whole_mm, index) < 0
    anterior = _interpolate(atlas.distance_front_mm, index) < 0
    return np.where(inside, np.where(anterior, 1, 2), 0).astype(np.uint8)


def _uid(seed: int, purpose: str) -> UID:
    """A UID of the 2.25 root (PS3.5 B.2) that depends on seed and purpose alone."""
    return UID(f"2.25.{uuid.uuid5(UID_NAMESPACE, f'{seed} {purpose}').int}")


def _slice(sample: Sample, k: int, seed: int) -> Dataset:
    dataset = Dataset()
    _describe_patient_and_study(dataset, seed)
    _describe_series(dataset, seed)
    _describe_acquisition(dataset)
    _describe_plane(dataset, sample.affine_lps, k)
    _describe_pixels(dataset, sample.voxels[k])
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = _uid(seed, f"slice {k}")
    dataset.InstanceNumber = k + 1
    return dataset


def _describe_patient_and_study(dataset: Dataset, seed: int) -> None:
    dataset.PatientName = "MedAISeg^Sample"
    dataset.PatientID = f"SAMPLE{seed}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.PatientComments = "Drawn from a statistical atlas, not a person"
    dataset.StudyInstanceUID = _uid(seed, "study")
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = "20260101"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = "120000"
    dataset.StudyDescription = "MedAISeg sample study"
    dataset.StudyID = str(seed)
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""


def _describe_series(dataset: Dataset, seed: int) -> None:
    dataset.Modality = "MR"
    dataset.SeriesInstanceUID = _uid(seed, "series")
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = "T1 hippocampus sample"
    dataset.ProtocolName = "T1 hippocampus sample"
    dataset.BodyPartExamined = "BRAIN"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = _uid(seed, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer = "MedAISeg"
    dataset.ManufacturerModelName = "Statistical atlas"


def _describe_acquisition(dataset: Dataset) -> None:
    """What a T1-weighted gradient echo would state; the image was drawn, hence DERIVED."""
    dataset.ImageType = ["DERIVED", "PRIMARY", "OTHER"]
    dataset.DerivationDescription = "Drawn from a statistical atlas of T1 images"
    dataset.AcquisitionNumber = 1
    dataset.ScanningSequence = "GR"
    dataset.SequenceVariant = "SP"
    dataset.ScanOptions = ""
    dataset.MRAcquisitionType = "3D"
    dataset.RepetitionTime = "8.2"
    dataset.EchoTime = "3.7"
    dataset.EchoTrainLength = 1
    dataset.FlipAngle = "8"
    dataset.MagneticFieldStrength = "3"


def _describe_plane(dataset: Dataset, affine_lps: Floats, k: int) -> None:
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    along_k, along_j, along_i = (affine_lps[:3, :3] / spacing).T
    position = affine_lps[:3, 3] + affine_lps[:3, 0] * k
    dataset.ImagePositionPatient = _decimals(position)
    dataset.ImageOrientationPatient = _decimals(np.concatenate([along_i, along_j]))
    dataset.PixelSpacing = _decimals(spacing[1:])
    dataset.SliceThickness = _decimals(spacing[:1])[0]
    dataset.SpacingBetweenSlices = dataset.SliceThickness
    dataset.SliceLocation = _decimals(position[None] @ along_k)[0]


def _decimals(values: Floats) -> list[str]:
    """Decimal strings of at most 16 characters, the limit of the value representation DS (PS3.5 6.2)."""
    return [f"{round(float(value), 10) + 0.0:.12g}" for value in values]


def _describe_pixels(dataset: Dataset, voxels_ji: Floats) -> None:
    pixels = np.rint(voxels_ji).astype("<i2")
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.WindowCenter, dataset.WindowWidth = _decimals(WHITE_MATTER * np.array([0.55, 1.1]))
    dataset.BurnedInAnnotation = "NO"
    dataset.PixelData = pixels.tobytes()


def _file(dataset: Dataset, path: Path) -> FileDataset:
    """A complete DICOM file in memory (PS3.10 7.1), built so that pydicom 2.4 and 3.0 write the same bytes."""
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(f"2.25.{UID_NAMESPACE.int}")
    meta.ImplementationVersionName = "MEDAISEG_SAMPLE"
    return FileDataset(path, dataset, preamble=b"\0" * 128, file_meta=meta, is_implicit_VR=False, is_little_endian=True)
