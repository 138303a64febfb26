"""Averaged configurations of nnU-Net: our labels and probabilities are those of nnUNetv2_ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model

from Testing.nnunets import architecture, configuration

from . import images
from .bundle_run import differing_share
from .nnunet_models import (
    MR,
    Model,
    assemble,
    case_of,
    hippocampus,
    require_nnunet,
    run_nnunet,
    two_contrasts,
    written_labels,
)

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001
LARGEST_DIFFERENCE_OF_PROBABILITIES = 0.01
"""Both add scores up in 16 bits, but not in the same order."""

THREE = configuration(patch_size=[24, 32, 24], spacing=[1.2, 0.9, 1.0], architecture=architecture(3, stages=3), **MR)
FLAT = configuration(patch_size=[32, 24], spacing=[1.1, 0.8], architecture=architecture(2, stages=3), **MR)
COARSE = configuration(patch_size=[16, 24, 16], spacing=[2.1, 1.9, 2.0], architecture=architecture(3, stages=2), **MR)
REGIONS = {
    "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "inner": [3]},
    "dataset": {"regions_class_order": [1, 2, 3]},
}
MIXED = {"normalization_schemes": ["ZScoreNormalization"] * 2, "use_mask_for_norm": [True, True]}

ENSEMBLES = {
    "2d and 3d, mirrored": (
        {"2d": FLAT, "3d_fullres": THREE},
        hippocampus,
        {"channels": ("T1",), "mirror_axes": (0, 1)},
    ),
    "regions": (
        {"3d_lowres": COARSE, "3d_fullres": THREE},
        hippocampus,
        {"channels": ("T1",), **REGIONS},
    ),
    "three, transposed, with a black border": (
        {"2d": FLAT | MIXED, "3d_fullres": THREE | MIXED, "3d_lowres": COARSE | MIXED},
        two_contrasts,
        {"channels": ("T1", "T2"), "plans": {"transpose_forward": [2, 0, 1], "transpose_backward": [1, 2, 0]}},
    ),
    "CT": (
        {
            "2d": configuration(patch_size=[64, 56], spacing=[1.1, 1.3], architecture=architecture(2, stages=3)),
            "3d_fullres": configuration(patch_size=[16, 64, 64], spacing=[3.0, 2.0, 2.0]),
        },
        images.spleen_ct,
        {},
    ),
}
QUICK = ("2d and 3d, mirrored",)
CASES = [
    pytest.param(*e, id=name, marks=() if name in QUICK else pytest.mark.reference) for name, e in ENSEMBLES.items()
]


class Maps:
    """Probabilities as they come, (class, k, j, i)."""

    def __init__(self, like: np.ndarray) -> None:
        self.values = np.full(like.shape, np.nan, dtype=np.float32)

    def put(self, start: tuple[int, int, int], values: np.ndarray) -> None:
        a, b, c = (slice(first, first + n) for first, n in zip(start, values.shape[1:], strict=True))
        self.values[:, a, b, c] = values


@pytest.fixture(autouse=True)
def _nnunet_is_there() -> None:
    require_nnunet()


@pytest.mark.parametrize(("planned", "read", "others"), CASES)
def test_labels_and_probabilities_are_those_of_nnunet(
    planned: dict[str, Any], read: Any, others: dict[str, Any], shared_data: Path, tmp_path: Path
) -> None:
    paths = images.write_images(read(shared_data), tmp_path / "images")
    root = tmp_path / "Dataset001_Test"
    folders = []
    for name, configured in planned.items():
        axes = others.get("mirror_axes")
        folders.append(root / f"nnUNetTrainer__nnUNetPlans__{name}")
        assemble(Model(read, configured, name=name, **others | {"mirror_axes": axes}), folders[-1], paths)
    output = tmp_path / "reference" / "case"
    mirror = "mirror" if others.get("mirror_axes") else "plain"
    run_nnunet("nnunet_ensemble_run.py", output, output, mirror, *folders, "--", *paths)
    expected, probabilities = written_labels(output), np.load(f"{output}.npz")["probabilities"]
    source = read_model(root / "+".join(planned))
    maps = Maps(probabilities)
    case = case_of(source, paths)
    ours = segment(case, source.spec, source.build_networks(), device="cpu", probabilities=maps).layers[0]
    share, largest = differing_share(ours, expected), float(np.abs(maps.values - probabilities).max())
    print(f"\n{share:.6%} of the foreground differ, probabilities by {largest:.5f} at most")
    assert len(np.unique(expected)) > 2
    assert share <= LARGEST_DIFFERENCE
    assert largest <= LARGEST_DIFFERENCE_OF_PROBABILITIES
