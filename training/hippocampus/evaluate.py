"""Dice per label on cases that were never trained on, as they are and as perturbed copies, each on its own grid.

python -m training.hippocampus.evaluate --data FOLDER --output scores.json
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import nibabel
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirst, LoadImage

from .bundle import load_networks, predictor
from .cases import data_folder, validation_names
from .perturb import PERTURBATIONS, Pair, Perturbation

SEGMENTS: Mapping[int, str] = {1: "anterior", 2: "posterior"}


@dataclass(frozen=True)
class Score:
    """Dice of one segment over the cases.

    Attributes:
        carried: the mean that the labels of the unchanged images have when they are laid on the copies' grids: what
            resampling alone leaves.
    """

    mean: float
    median: float
    minimum: float
    minimum_case: str
    carried: float | None = None


def dice(labels: torch.Tensor, reference: torch.Tensor, value: int) -> float:
    """Dice coefficient of one label value; 1 when both are empty."""
    found, expected = labels == value, reference == value
    total = int(found.sum() + expected.sum())
    return 2 * int((found & expected).sum()) / total if total else 1.0


def score_cases(
    segmented: Callable[[Path], torch.Tensor],
    folder: Path,
    names: Sequence[str],
    perturbation: Perturbation = PERTURBATIONS["original"],
    unchanged: Mapping[str, torch.Tensor] | None = None,
) -> dict[str, Score]:
    """Scores per segment name; the perturbed copies go through files, as a user's would.

    Args:
        segmented: labels (i, j, k) of an image file.
        unchanged: labels of the unchanged images by name, to be carried over to the copies.
    """
    values: dict[str, list[float]] = {segment: [] for segment in SEGMENTS.values()}
    carried: dict[str, list[float]] = {segment: [] for segment in SEGMENTS.values()}
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            source = _read(folder, name)
            pair = perturbation(source)
            labels, expected = segmented(_write(pair, Path(temporary))), pair.labels[0].as_tensor().long()
            for value, segment in SEGMENTS.items():
                values[segment].append(dice(labels, expected, value))
            if unchanged is not None:
                laid = _carried(unchanged[name], source, perturbation)
                for value, segment in SEGMENTS.items():
                    carried[segment].append(dice(laid, expected, value))
    return {segment: _summary(found, names, carried[segment]) for segment, found in values.items()}


def _carried(labels: torch.Tensor, source: Pair, perturbation: Perturbation) -> torch.Tensor:
    """Labels (i, j, k) of the source on the copy's grid, their edges as smooth as linear resampling leaves them."""
    each = torch.stack([(labels == value).float() for value in (0, *SEGMENTS)])
    return perturbation(Pair(MetaTensor(each, affine=source.image.affine), source.labels)).image.as_tensor().argmax(0)


def _summary(values: Sequence[float], names: Sequence[str], carried: Sequence[float]) -> Score:
    worst = min(range(len(values)), key=values.__getitem__)
    return Score(mean(values), median(values), values[worst], names[worst], mean(carried) if carried else None)


def _read(folder: Path, name: str) -> Pair:
    load, channel = LoadImage(image_only=True), EnsureChannelFirst()
    image, labels = (channel(load(folder / part / f"{name}.nii.gz")) for part in ("images", "labels"))
    return Pair(image, labels)


def _write(pair: Pair, folder: Path) -> Path:
    path = folder / "image.nii"
    voxels = pair.image[0].as_tensor().numpy()
    if voxels.dtype.kind == "f":
        voxels = voxels.astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(voxels, pair.image.affine.numpy()), path)
    return path


def main() -> None:
    """Score the bundle, or other weights of the same networks, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--weights", type=Path, nargs="+", help="safetensors, one for each network")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--cases", type=int, help="only so many validation cases, evenly chosen")
    parser.add_argument("--only", nargs="*", choices=list(PERTURBATIONS), default=list(PERTURBATIONS))
    parser.add_argument("--flip", action="store_true", help="average with the left-right mirrored window")
    parser.add_argument("--program", action="store_true", help="the installed program and its model, not MONAI")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = data_folder(arguments.data)
    if arguments.program:
        from .program import predictor as program

        segmented = program()
    else:
        segmented = predictor(load_networks(arguments.weights), flip=arguments.flip)
    names = validation_names(arguments.fold)
    names = names[:: max(1, len(names) // (arguments.cases or len(names)))]
    report: dict[str, dict[str, object]] = {}
    unchanged = {name: segmented(folder / "images" / f"{name}.nii.gz") for name in names}
    for title in arguments.only:
        scores = score_cases(segmented, folder, names, PERTURBATIONS[title], unchanged)
        report[title] = {segment: vars(score) for segment, score in scores.items()}
        for segment, score in scores.items():
            print(f"{title}, {segment}: {score.mean:.4f} of {score.carried:.4f}, least {score.minimum:.3f}", flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
