"""nnU-Net models of every kind: our labels are those of nnUNetv2_predict, with weights from a fixed seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model

from Testing.nnunets import architecture, configuration, write_model

from . import images
from .bundle_run import differing_share, smallest_dice
from .nnunet_models import (
    MR,
    Model,
    assemble,
    case_of,
    hippocampus,
    reference_labels,
    require_nnunet,
    two_contrasts,
    unused_plans,
)

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001
SMALLEST_DICE = 0.999


def resampled(function: str = "resample_data_or_seg_to_shape", data: Any = None, scores: Any = None) -> dict[str, Any]:
    """By a function of nnU-Net, with these arguments beside its own defaults."""
    return {
        "resampling_fn_data": function,
        "resampling_fn_data_kwargs": data or {},
        "resampling_fn_probabilities": function,
        "resampling_fn_probabilities_kwargs": scores or {},
    }


UNEVEN = {"patch_size": [8, 32, 24], "spacing": [3.6, 0.9, 1.0], "architecture": architecture(3, stages=3), **MR}

MODELS = {
    "regions, mirrored": Model(
        hippocampus,
        configuration(patch_size=[24, 32, 24], spacing=[1.2, 0.9, 1.0], architecture=architecture(3, stages=3), **MR),
        labels={"background": 0, "whole": [1, 2, 3], "core": [2, 3], "inner": [3]},
        channels=("T1",),
        dataset={"regions_class_order": [1, 2, 3]},
        mirror_axes=(0, 2),
    ),
    "turned by its reader": Model(
        hippocampus,
        configuration(patch_size=[24, 32, 24], spacing=[1.2, 0.9, 1.0], architecture=architecture(3, stages=3), **MR),
        channels=("T1",),
        plans={"image_reader_writer": "NibabelIOWithReorient"},
    ),
    "two channels, masked, transposed, two folds": Model(
        two_contrasts,
        configuration(
            patch_size=[24, 24, 32],
            spacing=[1.1, 1.3, 0.9],
            normalization_schemes=["ZScoreNormalization", "RescaleTo01Normalization"],
            use_mask_for_norm=[True, False],
            architecture=architecture(3, stages=3),
        ),
        channels=("T1", "inverted"),
        plans={"transpose_forward": [2, 0, 1], "transpose_backward": [1, 2, 0]},
        folds=("0", "1"),
    ),
    "residual encoder, unnormalised, an ignore label": Model(
        two_contrasts,
        configuration(
            patch_size=[24, 32, 24],
            spacing=[1.2, 0.9, 1.0],
            normalization_schemes=["NoNormalization", "RGBTo01Normalization"],
            use_mask_for_norm=[False, False],
            architecture=architecture(3, "ResidualEncoderUNet", stages=3),
        ),
        labels={"background": 0, "a": 1, "b": 2, "ignore": 3},
        channels=("T1", "inverted"),
    ),
    "2d residual encoder, regions": Model(
        hippocampus,
        configuration(
            patch_size=[32, 24], spacing=[1.1, 0.8], architecture=architecture(2, "ResidualEncoderUNet", stages=3), **MR
        ),
        name="2d",
        labels={"background": 0, "whole": [1, 2], "core": [2], "ignore": 3},
        channels=("T1",),
        dataset={"regions_class_order": [1, 2]},
        mirror_axes=(1,),
    ),
    "2d CT, mirrored": Model(
        images.spleen_ct,
        configuration(patch_size=[64, 56], spacing=[1.1, 1.3], architecture=architecture(2, stages=3)),
        name="2d",
        mirror_axes=(0, 1),
    ),
    "anisotropic MR": Model(
        hippocampus,
        configuration(patch_size=[8, 32, 24], spacing=[3.6, 0.9, 1.0], architecture=architecture(3, stages=3), **MR),
        channels=("T1",),
    ),
    "anisotropic CT, 25 classes": Model(
        images.spleen_ct,
        configuration(patch_size=[16, 64, 64], spacing=[3.0, 2.0, 2.0], architecture=architecture(3, stages=3)),
        labels={"background": 0, **{f"class {n}": n for n in range(1, 25)}},
    ),
    "slices always apart": Model(
        hippocampus,
        configuration(
            patch_size=[16, 32, 24],
            spacing=[1.4, 0.9, 1.0],
            architecture=architecture(3, stages=3),
            **MR,
            **resampled(data={"force_separate_z": True}, scores={"force_separate_z": True, "order": 1}),
        ),
        channels=("T1",),
    ),
    "slices never apart, linearly": Model(
        hippocampus, configuration(**UNEVEN, **resampled(data={"order": 1}, scores={"order": 1})), channels=("T1",)
    ),
    "apart from a ratio of its own": Model(
        hippocampus,
        configuration(
            **UNEVEN,
            **resampled(
                data={"force_separate_z": None, "separate_z_anisotropy_threshold": 5},
                scores={"force_separate_z": None, "separate_z_anisotropy_threshold": 5, "order": 1},
            ),
        ),
        channels=("T1",),
    ),
    "by torch": Model(hippocampus, configuration(**UNEVEN, **resampled("resample_torch_fornnunet")), channels=("T1",)),
    "by torch, slices never apart": Model(
        hippocampus,
        configuration(
            **UNEVEN,
            **resampled("resample_torch_fornnunet", {"force_separate_z": False}, {"force_separate_z": False}),
        ),
        channels=("T1",),
    ),
    "on the grid of the image": Model(
        hippocampus, configuration(**UNEVEN, **resampled("no_resampling_hack")), channels=("T1",)
    ),
}
QUICK = (
    "regions, mirrored",
    "residual encoder, unnormalised, an ignore label",
    "two channels, masked, transposed, two folds",
)
CASES = [pytest.param(m, id=name, marks=() if name in QUICK else pytest.mark.reference) for name, m in MODELS.items()]


@pytest.fixture(autouse=True)
def _nnunet_is_there() -> None:
    require_nnunet()


@pytest.mark.parametrize("model", CASES)
def test_labels_are_those_of_nnunet(model, shared_data, tmp_path):
    paths = images.write_images(model.images(shared_data), tmp_path / "images")
    source = assemble(model, tmp_path / "model", paths)
    expected = reference_labels(tmp_path / "model", paths, tmp_path / "reference", mirror=bool(model.mirror_axes))
    ours = segment(case_of(source, paths), source.spec, source.build_networks(), device="cpu").layers[0]
    share = differing_share(ours, expected)
    dice = smallest_dice(ours, expected)
    print(f"\n{share:.6%} of the foreground differ, {len(np.unique(expected)) - 1} labels of Dice {dice:.6f} at least")
    assert len(np.unique(expected)) > min(3, len(model.labels) - 2)
    assert share <= LARGEST_DIFFERENCE
    assert dice >= SMALLEST_DICE


def test_labels_of_a_cascade_are_those_of_nnunet(shared_data, tmp_path):
    low = Model(
        hippocampus,
        configuration(patch_size=[16, 24, 16], spacing=[2.1, 1.9, 2.0], architecture=architecture(3, stages=2), **MR),
        name="3d_lowres",
        channels=("T1",),
    )
    paths = images.write_images(hippocampus(shared_data), tmp_path / "images")
    assemble(low, tmp_path / "model" / "low", paths)
    full = configuration(patch_size=[24, 32, 24], spacing=[1.0, 0.9, 1.1], architecture=architecture(3, stages=3), **MR)
    write_cascade(tmp_path / "model" / "full", tmp_path / "model" / "low", full)
    # nnU-Net looks for these labels under the image's name without its ending and its channel's number.
    first = tmp_path / "first" / paths[0].name[: -len("_0000.nii.gz")]
    reference_labels(tmp_path / "model" / "low", paths, first, mirror=False)
    expected = reference_labels(
        tmp_path / "model" / "full", paths, tmp_path / "second" / "case", mirror=False, previous=first.parent
    )
    source = read_model(tmp_path / "model")
    ours = segment(case_of(source, paths), source.spec, source.build_networks(), device="cpu").layers[0]
    assert len(np.unique(expected)) > 2
    assert differing_share(ours, expected) <= LARGEST_DIFFERENCE
    assert smallest_dice(ours, expected) >= SMALLEST_DICE


def write_cascade(root: Path, low: Path, full: dict[str, Any]) -> None:
    """The second step of a cascade, its network with an input for each label of the first."""
    planned = full | {"use_mask_for_norm": [False], "previous_stage": "3d_lowres"} | unused_plans()
    plans = json.loads((low / "plans.json").read_text(encoding="utf-8"))
    plans["configurations"]["3d_lowres"]["next_stage"] = "3d_cascade_fullres"
    first = plans["configurations"]["3d_lowres"]
    channels = {str(n): "T1" for n in range(4)}
    write_model(
        root,
        name="3d_cascade_fullres",
        configurations={"3d_lowres": first, "3d_cascade_fullres": planned},
        labels={"background": 0, "a": 1, "b": 2, "c": 3},
        dataset={"channel_names": channels},
        plans={key: value for key, value in plans.items() if key != "configurations"},
        checkpoint={"inference_allowed_mirroring_axes": None},
    )
    (root / "dataset.json").write_bytes((low / "dataset.json").read_bytes())
