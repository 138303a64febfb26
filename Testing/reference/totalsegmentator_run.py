"""TotalSegmentator's way around nnU-Net, on one image: ``python totalsegmentator_run.py SETTINGS IMAGE OUTPUT``.

Written after its ``nnUNet_predict_image``, with nibabel, scipy and nnU-Net's own predictor: closest canonical
orientation, linear zoom to the spacing, whole numbers, prediction without mirroring, parts painted over each other,
cleaning, nearest zoom back, the image's own orientation; before it the crop to what a rough model finds.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from scipy import ndimage


def main(settings: str, image: str, output: str) -> None:
    """Write the final labels as ``OUTPUT.nii.gz``."""
    described = json.loads(Path(settings).read_text(encoding="utf-8"))
    root, whole = Path(settings).parent, nib.load(image)
    found, box = np.zeros(whole.shape, dtype=np.uint16), tuple(slice(0, n) for n in whole.shape)
    if "crop" in described:
        box = cropped_to(root, described["crop"], whole)
    if box is not None:
        parts = [(part["folder"], part["paints"]) for part in described["parts"]]
        inside = within(whole, box) if "crop" in described else whole
        found[box] = labels_of(root, parts, described["pipeline"], inside)
    nib.save(nib.Nifti1Image(found, whole.affine), f"{output}.nii.gz")


def cropped_to(root: Path, crop: dict[str, Any], whole: nib.Nifti1Image) -> tuple[slice, ...] | None:
    """The box of what a rough model finds, itself perhaps within the box of another."""
    outer = cropped_to(root, crop["crop"], whole) if "crop" in crop else tuple(slice(0, n) for n in whole.shape)
    if outer is None:
        return None
    found = np.zeros(whole.shape, dtype=np.uint16)
    identity = list(range(max(crop["labels"]) + 1))
    inside = within(whole, outer) if "crop" in crop else whole
    found[outer] = labels_of(root, [(crop["folder"], identity)], crop["pipeline"], inside)
    where = np.argwhere(np.isin(found, crop["labels"]))
    if not len(where):
        return None
    margin = (np.array([crop["margin_mm"]] * 3) / whole.header.get_zooms()).astype(int)
    low, high = np.maximum(where.min(axis=0) - margin, 0), np.minimum(where.max(axis=0) + 1 + margin, whole.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def within(image: nib.Nifti1Image, box: tuple[slice, ...]) -> nib.Nifti1Image:
    affine = image.affine.copy()
    affine[:3, 3] = (affine @ [*(along.start for along in box), 1.0])[:3]
    return nib.Nifti1Image(image.get_fdata()[box].astype(np.int32), affine)


def labels_of(
    root: Path, parts: list[tuple[str, list[int]]], pipeline: dict[str, Any], image: nib.Nifti1Image
) -> np.ndarray:
    canonical = nib.as_closest_canonical(nib.Nifti1Image(image.get_fdata(), image.affine))
    data, affine = canonical.get_fdata(), canonical.affine.copy()
    spacing = np.array(pipeline["spacing_mm"][::-1])
    zoom = np.array(canonical.header.get_zooms()) / spacing
    if not np.array_equal(canonical.header.get_zooms(), spacing):
        data = ndimage.zoom(data, zoom, mode="nearest", order=1).astype(np.int32)
        affine[:3, :3] /= zoom
    painted = np.zeros(data.shape, dtype=np.uint16)
    for folder, paints in parts:
        labels = np.array(paints)[predicted(root / folder, nib.Nifti1Image(data, affine), pipeline.get("step", 0.5))]
        np.copyto(painted, labels.astype(np.uint16), where=labels > 0)
    for operation in pipeline.get("postprocessing", ()):
        if operation["kind"] == "NumberVertebrae":
            painted = numbered(painted, operation["labels"], spacing)
        else:
            cleaned(painted, operation, float(np.prod(spacing)))
    back = ndimage.zoom(painted.astype(float), np.array(canonical.shape) / painted.shape, mode="nearest", order=0)
    turn = ornt_transform(axcodes2ornt("RAS"), io_orientation(image.affine))
    return np.asarray(nib.Nifti1Image(back.astype(np.uint16), canonical.affine).as_reoriented(turn).dataobj)


def predicted(folder: Path, image: nib.Nifti1Image, step: float) -> np.ndarray:
    predictor = nnUNetPredictor(
        tile_step_size=step, use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"),
        allow_tqdm=False,
    )  # fmt: skip
    predictor.initialize_from_trained_model_folder(str(folder), (0,))
    with tempfile.TemporaryDirectory() as scratch:
        nib.save(image, f"{scratch}/s01_0000.nii.gz")
        predictor.predict_from_files_sequential([[f"{scratch}/s01_0000.nii.gz"]], [f"{scratch}/s01"])
        return np.asarray(nib.load(f"{scratch}/s01.nii.gz").dataobj)


def cleaned(labels: np.ndarray, operation: dict[str, Any], voxel_mm3: float) -> None:
    for value in operation["labels"]:
        blobs, _ = ndimage.label(labels == value)
        sizes = np.bincount(blobs.ravel())
        sizes[0] = 0
        if operation["kind"] == "KeepLargestComponent":
            kept = [sizes.argmax()]
        else:
            kept = np.flatnonzero(sizes > operation["volume_mm3"] / voxel_mm3)
        labels[(labels == value) & ~np.isin(blobs, kept)] = 0


def numbered(labels: np.ndarray, order: list[int], spacing: np.ndarray) -> np.ndarray:
    """Written after its ``postprocess_vertebrae_pp``, (right, anterior, superior) as it sees them."""
    steps = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]), (labels[:, :, 1:], labels[:, :, :-1])]
    if any(np.any((a != b) & (a * b > 0)) for a, b in steps):
        blobs, count = ndimage.label(labels > 0)
        kept = [n for n in range(1, count + 1) if (blobs == n).sum() * np.prod(spacing) >= 100]
        found = [n for n in order if n in labels[np.isin(blobs, kept)]]
        heights = {n: np.argwhere(blobs == n)[:, 2].mean() for n in kept}
        from_top = bool(found) and found[0] == order[0] and found[-1] != order[-1]
        given = order if from_top else [n for n in reversed(order) if found and n <= found[-1]]
        labels = np.zeros_like(labels)
        for blob, value in zip(sorted(kept, key=heights.__getitem__, reverse=from_top), given, strict=False):
            labels[blobs == blob] = value
    reach = [np.arange(-3.0 / mm, 3.0 / mm + 1) for mm in spacing]
    ball = sum((axis * mm / 3.0) ** 2 for axis, mm in zip(np.ix_(*reach), spacing, strict=True)) <= 1
    grown = labels.copy()
    for value in order:
        grown[ndimage.binary_dilation(labels == value, structure=ball) & (grown == 0)] = value
    return grown


if __name__ == "__main__":
    main(*sys.argv[1:])
