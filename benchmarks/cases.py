"""What is measured: one line for each model and image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from Testing.reference import images, zoo


@dataclass(frozen=True)
class BenchmarkCase:
    """A model and an image, run through both sides cold and warm.

    Attributes:
        name: short, unique; what ``--only`` takes.
        bundle: as the comparisons of labels describe it, with what is changed for both sides.
        image: makes the channels from the test data.
        image_text: for a reader: voxels and origin.
        cold_pairs: turns of whole commands, 0 for none.
        warm_pairs: turns within processes that have run before, 0 for none.
        quick: whether it belongs to the short benchmark.
    """

    name: str
    bundle: zoo.ZooBundle
    image: Callable[[Path], list[images.Image]]
    image_text: str
    cold_pairs: int = 5
    warm_pairs: int = 5
    quick: bool = False


CASES = (
    BenchmarkCase(
        "spleen-crop", zoo.SPLEEN_CT, images.spleen_ct, "164 x 166 x 26 voxels, a crop of an abdominal CT", quick=True
    ),
    BenchmarkCase("spleen-20", zoo.SPLEEN_CT, images.few_slices_ct, "512 x 512 x 20 voxels of 0.98 x 0.98 x 2 mm, CT"),
    BenchmarkCase(
        "spleen-41", zoo.SPLEEN_CT, images.liver_ct, "512 x 512 x 41 voxels of 0.80 x 0.80 x 5 mm, CT", cold_pairs=3
    ),
    BenchmarkCase(
        "wholebody3mm-20",
        zoo.WHOLE_BODY,
        images.few_slices_ct,
        "512 x 512 x 20 voxels of 0.98 x 0.98 x 2 mm, CT",
        cold_pairs=3,
        warm_pairs=3,
    ),
)
