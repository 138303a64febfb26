"""What is measured: every model on every image that fits it, cold and warm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Testing.reference import images, zoo

from .recipes import (
    ABDOMEN_25,
    CASCADE,
    FLAT,
    FULL_25,
    FULL_118,
    HIPPOCAMPUS,
    MESHNET_104,
    WHOLE_BODY_15_MM,
    WHOLE_BODY_105,
)


@dataclass(frozen=True)
class BenchmarkImage:
    """An image of a case: ``make`` gives its channels from the test data, ``text`` says to a reader what it is."""

    make: Callable[[Path], list[images.Image]]
    text: str


@dataclass(frozen=True)
class BenchmarkModel:
    """A model.

    Attributes:
        reference: the implementation that it is compared with, by its name among the references.
        recipe: what that reference makes its folder from.
        images: by size.
        pairs: turns of each kind for an image of that size.
        collapse: (layer, k, j, i) labels to the one label image that the reference writes, where segments overlap.
    """

    text: str
    reference: str
    recipe: Any
    images: dict[str, BenchmarkImage]
    pairs: dict[str, int]
    collapse: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class BenchmarkCase:
    """A model and an image, run through both sides cold and warm."""

    name: str
    model: BenchmarkModel
    image: BenchmarkImage
    pairs: int


CT = {
    "crop": BenchmarkImage(images.spleen_ct, "CT, a crop of 164 x 166 x 26 voxels"),
    "small": BenchmarkImage(images.few_slices_ct, "CT, 512 x 512 x 20 voxels of 0.98 x 0.98 x 2 mm"),
    "medium": BenchmarkImage(images.liver_ct, "CT, 512 x 512 x 41 voxels of 0.80 x 0.80 x 5 mm"),
    "large": BenchmarkImage(images.large_trunk_ct, "CT, 488 x 404 x 224 voxels of 0.75 x 0.75 x 1.5 mm"),
}
# What a network takes follows from how much of a patient it sees, what surrounds it from how many voxels an image has.
# Of a whole trunk the slow ones take an hour a run on one core: theirs is a small field of view of as many voxels.
SLOW_CT = {
    "crop": CT["crop"],
    "small": CT["small"],
    "large": BenchmarkImage(images.fine_ct, "CT, 512 x 512 x 160 voxels of 0.4 x 0.4 x 0.8 mm"),
}
# Without the largest: a network of single slices takes half an hour a run of it, and the reference with a score of
# 32 bits for each of 105 classes and 44 million voxels was ended by a system of 24 GB.
FEWER_CT = {size: CT[size] for size in ("crop", "small", "medium")}
# A slow one of many classes: 118 scores of 32 bits for 44 million voxels are 21 GB, which the reference holds at once.
MANY_CLASSES_CT = {
    "crop": CT["crop"],
    "small": CT["small"],
    "medium": BenchmarkImage(images.few_fine_slices_ct, "CT, 320 x 320 x 120 voxels of 0.5 x 0.5 x 1 mm"),
}
BRAIN = {
    "small": BenchmarkImage(images.brain_mr, "MR in 4 contrasts, 128 x 128 x 128 voxels of 1.75 mm"),
    "medium": BenchmarkImage(images.finer_brain_mr, "MR in 4 contrasts, 192 x 192 x 144 voxels of 1.2 mm"),
    "large": BenchmarkImage(images.finest_brain_mr, "MR in 4 contrasts, 240 x 240 x 176 voxels of 1.0 mm"),
}
WHOLE_HEAD = BenchmarkImage(images.whole_head, "T1, a whole head, 188 x 256 x 190 voxels of 0.88 mm")
# Two only: the network takes 256 x 256 x 256 voxels of 1 mm, which the first are already.
HEAD = {
    "small": BenchmarkImage(images.head_crop, "T1, a whole head, 256 x 256 x 256 voxels of 1 mm"),
    "large": WHOLE_HEAD,
}
SEAHORSE = {
    "small": BenchmarkImage(images.hippocampus_mr, "T1, 35 x 51 x 35 voxels around a hippocampus"),
    "medium": BenchmarkImage(images.brain_t1, "T1, a brain, 128 x 128 x 128 voxels of 1.75 mm"),
    "large": WHOLE_HEAD,
}
FEW = {"crop": 3, "small": 3, "medium": 3, "large": 2}
MANY = {"crop": 5, "small": 5, "medium": 5, "large": 3}
ONE = {"crop": 1, "small": 1, "medium": 1, "large": 1}

MODELS = {
    "spleen": BenchmarkModel("MONAI spleen_ct, a U-Net", "monai.bundle", zoo.SPLEEN_CT, CT, MANY),
    "wholebody3mm": BenchmarkModel("MONAI wholeBody_ct at 3 mm, 105 classes", "monai.bundle", zoo.WHOLE_BODY, CT, FEW),
    "wholebody1.5mm": BenchmarkModel(
        "MONAI wholeBody_ct at 1.5 mm, 105 classes", "monai.bundle", WHOLE_BODY_15_MM, SLOW_CT, ONE
    ),
    "swin": BenchmarkModel("MONAI swin_unetr_btcv, 14 classes", "monai.bundle", zoo.SWIN_UNETR, SLOW_CT, ONE),
    "brats": BenchmarkModel(
        "MONAI brats, 4 channels, 3 overlapping", "monai.bundle", zoo.BRATS, BRAIN, FEW, images.brats_labels
    ),
    "hippocampus": BenchmarkModel("our embedded model, 3 classes", "monai.bundle", HIPPOCAMPUS, SEAHORSE, MANY),
    "nnunet2d": BenchmarkModel("nnU-Net 2d, 4 classes", "nnU-Net", FLAT, FEWER_CT, FEW),
    "nnunet25": BenchmarkModel(
        "nnU-Net 3d_fullres, 25 classes", "nnU-Net", FULL_25, {**SLOW_CT, "large": CT["large"]}, ONE
    ),
    "nnunet118": BenchmarkModel("nnU-Net 3d_fullres, 118 classes", "nnU-Net", FULL_118, MANY_CLASSES_CT, ONE),
    "cascade": BenchmarkModel("nnU-Net 3d_lowres and 3d_cascade_fullres", "nnU-Net", CASCADE, SLOW_CT, ONE),
    "auto3dseg25": BenchmarkModel("Auto3DSeg segresnet, 25 classes", "Auto3DSeg", ABDOMEN_25, SLOW_CT, ONE),
    "auto3dseg105": BenchmarkModel("Auto3DSeg segresnet, 105 classes", "Auto3DSeg", WHOLE_BODY_105, FEWER_CT, FEW),
    "meshnet104": BenchmarkModel("MeshNet, 104 classes", "plain torch", MESHNET_104, HEAD, ONE),
}
"""What ``--only`` takes is a model, or a model and a size: ``spleen``, ``spleen-small``."""

CASES = tuple(
    BenchmarkCase(f"{name}-{size}", model, image, model.pairs[size])
    for name, model in MODELS.items()
    for size, image in model.images.items()
)
QUICK = ("spleen-crop", "hippocampus-small")


def chosen(wanted: tuple[str, ...]) -> tuple[BenchmarkCase, ...]:
    """Cases by name, or by their model's name; all where none is named."""
    known = {*(case.name for case in CASES), *MODELS}
    if unknown := sorted({*wanted} - known):
        raise ValueError(f"there is no case {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return tuple(case for case in CASES if not wanted or {case.name, case.name.rpartition("-")[0]} & {*wanted})
