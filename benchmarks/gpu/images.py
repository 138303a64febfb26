"""The images of the cases as they travel: written where the test data are, grown to their size where they are used.

Large scans would not fit into the package. They are made there from small ones, mirrored at their borders as often as
it takes: the same anatomy several times over, which is as much work as one patient's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np

from Testing.reference import images
from Testing.reference.images import Image, mirrored, write_images

from ..cases import BenchmarkCase, BenchmarkImage

_FOLDER = "images"

CARRIED: Mapping[str, Callable[[Path], list[Image]]] = {
    "ct-crop": images.spleen_ct,
    "ct-20-slices": images.few_slices_ct,
    "ct-41-slices": images.liver_ct,
    "brain": images.brain_mr,
    "brain-t1": images.brain_t1,
    "head-crop": images.head_crop,
    "head": images.whole_head,
    "hippocampus": images.hippocampus_mr,
}
"""What the files are made from."""


@dataclass(frozen=True)
class Grown:
    """A carried image, mirrored up to a number of voxels along (i, j, k); None leaves it as it is."""

    carried: str
    size: tuple[int, int, int] | None = None


_ON_GPU: Mapping[Callable[[Path], list[Image]], Grown] = {
    **{make: Grown(name) for name, make in CARRIED.items()},
    images.large_trunk_ct: Grown("ct-20-slices", (512, 512, 300)),
    images.fine_ct: Grown("ct-20-slices", (512, 512, 300)),
    images.few_fine_slices_ct: Grown("ct-20-slices", (320, 320, 120)),
    images.finer_brain_mr: Grown("brain", (192, 192, 144)),
    images.finest_brain_mr: Grown("brain", (240, 240, 176)),
}


def on_gpu(case: BenchmarkCase) -> BenchmarkCase:
    """The case on the image that travels in place of its own."""
    grown = _ON_GPU[case.image.make]
    text = case.image.text
    if grown.size is not None:
        kind = text.partition(",")[0]
        text = f"{kind}, {' x '.join(map(str, grown.size))} voxels, mirrored from fewer"
    return replace(case, image=BenchmarkImage(lambda data: read_carried(grown, data), text))


def carried_by(cases: Iterable[BenchmarkCase]) -> list[str]:
    """Names of the images that the cases need."""
    return sorted({_ON_GPU[case.image.make].carried for case in cases})


def carry(name: str, data: Path, package_data: Path) -> None:
    """Write an image into the package, in two bytes a voxel where its values allow it."""
    write_images([_small(image) for image in CARRIED[name](data)], package_data / _FOLDER / name)


def read_carried(grown: Grown, package_data: Path) -> list[Image]:
    """The channels of a carried image."""
    files = [nibabel.load(path) for path in sorted((package_data / _FOLDER / grown.carried).glob("*.nii.gz"))]
    carried = [(np.asarray(file.dataobj), np.asarray(file.affine)) for file in files]
    return carried if grown.size is None else [mirrored(image, grown.size) for image in carried]


def _small(image: Image) -> Image:
    voxels, affine = image
    rounded = np.rint(voxels)
    limits = np.iinfo(np.int16)
    # Of a few grey values nothing would be left.
    fits = limits.min <= rounded.min() and rounded.max() <= limits.max and np.ptp(rounded) > 200
    return (rounded.astype(np.int16) if fits else voxels), affine
