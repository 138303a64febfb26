"""Agreement on a whole head: a box around each hippocampus, cropped, segmented, compared with another method's labels.

python -m training.hippocampus.whole_head --image t1.nii.gz --reference labels.nii.gz --left 77 --right 78
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import nibabel
import numpy as np
import torch
from nibabel.nifti1 import Nifti1Image

from .bundle import load_networks, load_pipeline, predict
from .evaluate import dice


def crop(image: Nifti1Image, centre_ras_mm: np.ndarray, size_ras_mm: np.ndarray) -> Nifti1Image:
    """The part of an image inside a box whose sides lie along the patient's axes; the grid itself stays as it is."""
    to_index = np.linalg.inv(image.affine)
    corners = [centre_ras_mm + size_ras_mm / 2 * signs for signs in itertools.product((-1, 1), repeat=3)]
    indices = np.array([nibabel.affines.apply_affine(to_index, corner) for corner in corners])
    low = np.clip(np.round(indices.min(0)).astype(int), 0, image.shape)
    high = np.clip(np.round(indices.max(0)).astype(int), 0, image.shape)
    inside: Nifti1Image = image.slicer[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return inside


def agreement(
    networks: Sequence[torch.nn.Module],
    image: Nifti1Image,
    reference: Nifti1Image,
    box: tuple[np.ndarray, np.ndarray],
    flip: bool,
) -> tuple[float, float]:
    """Dice of both parts together against the reference, and the volume found in mL, in one box."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "box.nii"
        nibabel.save(crop(image, *box), path)
        found = predict(networks, load_pipeline(), path, flip) > 0
    expected = torch.from_numpy(np.asarray(crop(reference, *box).dataobj) > 0)
    voxel_ml = abs(np.linalg.det(image.affine[:3, :3])) / 1000
    return dice(found.long(), expected.long(), 1), float(found.sum() * voxel_ml)


def main() -> None:
    """Centre a box on each reference hippocampus, then move it by the given distance along every axis."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--reference", type=Path, required=True, help="labels of both hippocampi on the image's grid")
    parser.add_argument("--left", type=int, required=True, help="value of the left hippocampus in the reference")
    parser.add_argument("--right", type=int, required=True)
    parser.add_argument("--weights", type=Path, nargs="+", help="a safetensors file for each network")
    parser.add_argument("--box", type=float, nargs=3, default=(45.0, 65.0, 50.0), help="size in mm: R-L, A-P, S-I")
    parser.add_argument("--move", type=float, default=8.0, help="mm")
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    networks = load_networks(arguments.weights)
    image, labels = nibabel.load(arguments.image), nibabel.load(arguments.reference)
    size = np.array(arguments.box)
    moves = arguments.move * np.concatenate([np.eye(3), -np.eye(3)])
    for side, value in (("left", arguments.left), ("right", arguments.right)):
        mask = (np.asarray(labels.dataobj) == value).astype(np.uint8)
        ends = nibabel.affines.apply_affine(labels.affine, np.argwhere(mask))
        centre = (ends.min(0) + ends.max(0)) / 2
        reference = Nifti1Image(mask, labels.affine)
        centred, volume = agreement(networks, image, reference, (centre, size), arguments.flip)
        moved = [agreement(networks, image, reference, (centre + m, size), arguments.flip)[0] for m in moves]
        print(
            json.dumps(
                {
                    "side": side,
                    "dice": round(centred, 4),
                    "volume_ml": round(volume, 2),
                    "reference_ml": round(float(mask.sum() * abs(np.linalg.det(labels.affine))) / 1000, 2),
                    "moved": [round(v, 3) for v in moved],
                    "moved_mean": round(mean(moved), 4),
                }
            )
        )


if __name__ == "__main__":
    main()
