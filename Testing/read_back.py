"""Exported files back into segmentations, by other libraries than those that wrote them where there are any."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.segmentation import Segment, Segmentation


def read_dicom_seg(path: Path) -> Segmentation:
    """By pydicom alone, each frame where its own position says; a layer a segment."""
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    spacing = [float(x) for x in shared.PixelMeasuresSequence[0].PixelSpacing]
    groups = dataset.PerFrameFunctionalGroupsSequence
    positions = np.array([g.PlanePositionSequence[0].ImagePositionPatient for g in groups], float)
    normal = np.cross(cosines[:3], cosines[3:])
    along = np.round(positions @ normal, 3)
    places = np.unique(along)
    first = positions[np.argmin(along)]
    step = np.diff(places).min() if len(places) > 1 else 1.0
    slices = np.round((along - places[0]) / step).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([normal * step, cosines[3:] * spacing[0], cosines[:3] * spacing[1]], axis=1)
    affine[:3, 3] = first
    geometry = VolumeGeometry((int(slices.max()) + 1, dataset.Rows, dataset.Columns), affine)
    items = dataset.SegmentSequence
    layers = np.zeros((len(items), *geometry.shape_kji), np.uint8)
    for group, k, frame in zip(groups, slices, frames, strict=True):
        for n, item in enumerate(items):
            if dataset.SegmentationType == "LABELMAP":
                layers[n, k][frame == item.SegmentNumber] = 1
            elif group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == item.SegmentNumber:
                layers[n, k] = frame
    segments = tuple(Segment(1, item.SegmentLabel, (0, 0, 0), layer=n) for n, item in enumerate(items))
    return Segmentation(layers, geometry, segments)


def read_nifti(path: Path) -> Segmentation:
    """By nibabel, with the names of the file beside it."""
    import nibabel as nib

    image = nib.load(path)
    voxels = np.asarray(image.dataobj)
    layers = np.atleast_3d(voxels)[..., None] if voxels.ndim < 4 else voxels
    affine_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine @ np.eye(4)[:, [2, 1, 0, 3]]
    description = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text("utf-8"))
    segments = tuple(
        Segment(label["value"], label["name"], tuple(label["color_rgb"]), layer=label["layer"])
        for label in description["labels"]
    )
    geometry = VolumeGeometry(voxels.shape[2::-1], affine_lps)
    return Segmentation(np.ascontiguousarray(layers.transpose(3, 2, 1, 0)), geometry, segments)


def read_seg_nrrd(path: Path) -> Segmentation:
    """By SimpleITK, the segments' names from the header."""
    import SimpleITK as sitk

    image = sitk.ReadImage(path)
    voxels = sitk.GetArrayFromImage(image)
    layers = voxels[None] if voxels.ndim == 3 else np.moveaxis(voxels, -1, 0)
    geometry = VolumeGeometry.from_itk(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    segments = []
    while image.HasMetaDataKey(f"Segment{len(segments)}_Name"):
        n = len(segments)
        name, value, layer, color = (
            image.GetMetaData(f"Segment{n}_{key}") for key in ("Name", "LabelValue", "Layer", "Color")
        )
        red, green, blue = (round(255 * float(part)) for part in color.split())
        segments.append(Segment(int(value), name, (red, green, blue), layer=int(layer)))
    return Segmentation(np.ascontiguousarray(layers), geometry, tuple(segments))
