"""The training images: finding them, reading them, and the fixed split into folds."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Orientation, Spacing

FOLDS_FILE = Path(__file__).with_name("folds.json")
FOLD_COUNT = 5
DATA_VARIABLE = "MEDAISEG_TEST_DATA"


@dataclass(frozen=True, eq=False)
class Case:
    """One T1 crop on a 1 mm grid in RAS axis order.

    Attributes:
        name: file name without its extension.
        image: float32 tensor (i, j, k), divided by its own 99th percentile.
        labels: int64 tensor (i, j, k); 0 background, 1 anterior, 2 posterior.
    """

    name: str
    image: torch.Tensor
    labels: torch.Tensor


def data_folder(argument: Path | None) -> Path:
    """The folder with ``images/`` and ``labels/``: the argument, else ``$MEDAISEG_TEST_DATA/hippocampus``.

    Raises:
        SystemExit: neither names a folder that holds ``images``.
    """
    folder = argument or Path(os.environ.get(DATA_VARIABLE, ".")) / "hippocampus"
    if not (folder / "images").is_dir():
        raise SystemExit(f"No 'images' folder in {folder}: give --data or set {DATA_VARIABLE}.")
    return folder


def make_folds(names: Sequence[str], seed: int = 0) -> list[list[str]]:
    """Split case names into five disjoint validation folds, the same ones on every machine."""
    shuffled = sorted(names)
    random.Random(seed).shuffle(shuffled)
    return [sorted(shuffled[fold::FOLD_COUNT]) for fold in range(FOLD_COUNT)]


def validation_names(fold: int) -> list[str]:
    """Names of the cases that the given fold never trains on, from the file beside this module."""
    names: list[str] = json.loads(FOLDS_FILE.read_text(encoding="utf-8"))["validation"][fold]
    return names


def training_names(folder: Path, fold: int) -> list[str]:
    """Names of the cases in ``folder`` outside the fold's validation cases."""
    held_out = set(validation_names(fold))
    return [name for name in case_names(folder) if name not in held_out]


def case_names(folder: Path) -> list[str]:
    """Names of all image and label pairs in ``folder``, sorted."""
    return sorted(path.name.removesuffix(".nii.gz") for path in (folder / "images").glob("*.nii.gz"))


def read_case(folder: Path, name: str) -> Case:
    """Read one pair; the scaling only brings cases with maxima from 112 to 1.7 million to one range."""
    image = _reader("bilinear")(folder / "images" / f"{name}.nii.gz")[0].as_tensor().float()
    labels = _reader("nearest")(folder / "labels" / f"{name}.nii.gz")[0].as_tensor().long()
    return Case(name, image / torch.quantile(image, 0.99), labels)


def _reader(mode: str) -> Compose:
    return Compose(
        [
            LoadImage(image_only=True),
            EnsureChannelFirst(),
            Orientation(axcodes="RAS"),
            Spacing(pixdim=(1.0, 1.0, 1.0), mode=mode),
        ]
    )


if __name__ == "__main__":
    all_names = case_names(data_folder(None))
    FOLDS_FILE.write_text(
        json.dumps({"seed": 0, "validation": make_folds(all_names)}, indent=1) + "\n", encoding="utf-8"
    )
