"""nnU-Net models of every kind: our labels are those of nnUNetv2_predict, with weights from a fixed seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.engine.run import prepare, segment
from MedAISegLib.formats import ModelSource, read_model
from MedAISegLib.readers import read_images

from Testing.nnunets import architecture, configuration, write_model

from . import images
from .bundle_run import differing_share

pytestmark = pytest.mark.engine

PACKAGES = Path(sys.prefix) / "nnunet"
"""Where ``make test`` puts nnU-Net, apart from the environment's own packages."""

LARGEST_DIFFERENCE = 0.001


@dataclass(frozen=True)
class Model:
    """A trained model to be made, and the images of its case."""

    images: Callable[[Path], list[images.Image]]
    planned: dict[str, Any]
    name: str = "3d_fullres"
    labels: dict[str, Any] = field(default_factory=lambda: {"background": 0, "a": 1, "b": 2, "c": 3})
    channels: tuple[str, ...] = ("CT",)
    dataset: dict[str, Any] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)
    folds: tuple[str, ...] = ("0",)
    mirror_axes: tuple[int, ...] | None = None


def hippocampus(data: Path) -> list[images.Image]:
    image = nibabel.load(data / "hippocampus" / "images" / "hippocampus_001.nii.gz")
    return [(np.asarray(image.dataobj), np.asarray(image.affine))]


def two_contrasts(data: Path) -> list[images.Image]:
    """The same crop as it is and inverted, with a black border, as skull-stripped images have it."""
    ((voxels, affine),) = hippocampus(data)
    shown = np.where(
        np.hypot(*np.meshgrid(*(np.linspace(-1, 1, n) for n in voxels.shape[:2]), indexing="ij"))[..., None] < 1,
        voxels,
        0,
    )
    return [(shown, affine), (np.where(shown > 0, shown.max() - shown, 0), affine)]


MR = {"normalization_schemes": ["ZScoreNormalization"]}

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
    "2d CT, mirrored": Model(
        images.spleen_ct,
        configuration(patch_size=[64, 56], spacing=[1.1, 1.3], architecture=architecture(2, stages=3)),
        name="2d",
        mirror_axes=(0, 1),
    ),
    "anisotropic CT, 25 classes": Model(
        images.spleen_ct,
        configuration(patch_size=[16, 64, 64], spacing=[3.0, 2.0, 2.0], architecture=architecture(3, stages=3)),
        labels={"background": 0, **{f"class {n}": n for n in range(1, 25)}},
    ),
}
QUICK = ("regions, mirrored", "two channels, masked, transposed, two folds")
CASES = [pytest.param(m, id=name, marks=() if name in QUICK else pytest.mark.reference) for name, m in MODELS.items()]


def assemble(model: Model, root: Path, paths: list[Path]) -> ModelSource:
    """The model's folder; its scores are shifted so that every class is found."""
    planned = dict(model.planned)
    planned.setdefault("use_mask_for_norm", [False])
    intensities = {
        str(n): {"mean": 60.0, "std": 70.0, "percentile_00_5": -150.0, "percentile_99_5": 250.0}
        for n in range(len(model.channels))
    }
    write_model(
        root,
        name=model.name,
        configurations={model.name: planned | _unused_plans()},
        labels=model.labels,
        dataset={"channel_names": {str(n): name for n, name in enumerate(model.channels)}} | model.dataset,
        plans={
            "plans_name": "nnUNetPlans",
            "label_manager": "LabelManager",
            "experiment_planner_used": "ExperimentPlanner",
            "transpose_backward": [0, 1, 2],
            "foreground_intensity_properties_per_channel": intensities,
        }
        | model.plans,
        folds=model.folds,
        checkpoint={"inference_allowed_mirroring_axes": model.mirror_axes},
    )
    source = read_model(root)
    values = prepare(case_of(source, paths), source.spec.stages[0]).values
    for fold, network in zip(model.folds, source.build_networks()[0], strict=True):
        _shift_scores(
            root / f"fold_{fold}" / "checkpoint_final.pth",
            network,
            values,
            regions="regions_class_order" in model.dataset,
        )
    return read_model(root)


def _unused_plans() -> dict[str, Any]:
    """What nnU-Net's classes read of a configuration although prediction does not use it."""
    kwargs = {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None}
    return {
        "data_identifier": "x",
        "batch_size": 2,
        "median_image_size_in_voxels": [1, 1, 1],
        "batch_dice": False,
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_seg_kwargs": kwargs,
    }


def _shift_scores(checkpoint: Path, network: torch.nn.Module, values: torch.Tensor, *, regions: bool) -> None:
    with torch.no_grad():
        middle = values[:, values.shape[1] // 2 :][:, :16]
        size = [n // 8 * 8 for n in middle.shape[1:]]
        if type(network).__name__ == "SliceNetwork":
            size[0] = 1
        scores = network(middle[None, :, : size[0], : size[1], : size[2]])[0].flatten(1)
    level = scores.quantile(0.75, dim=1) if regions else scores.mean(dim=1)
    content = torch.load(checkpoint, weights_only=False)
    last = [name for name in content["network_weights"] if "seg_layers" in name and name.endswith("bias")][-1]
    content["network_weights"][last] -= level
    torch.save(content, checkpoint)


def case_of(source: ModelSource, paths: list[Path]) -> Case:
    return Case(
        {c.name: read_images(path, accept=True)[0] for c, path in zip(source.spec.channels, paths, strict=True)}
    )


def reference_labels(
    root: Path, paths: list[Path], output: Path, *, mirror: bool, previous: Path | str = ""
) -> np.ndarray:
    """(k, j, i) labels that nnU-Net writes; ``previous`` is the folder with those of a cascade's first step."""
    output.parent.mkdir(exist_ok=True)
    script = Path(__file__).with_name("nnunet_run.py")
    command = [sys.executable, script, root, output, "mirror" if mirror else "plain", previous, *paths]
    folders = {name: str(output.parent) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    environment = os.environ | folders | {"PYTHONPATH": str(PACKAGES), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return np.asarray(nibabel.load(f"{output}.nii.gz").dataobj).transpose(2, 1, 0)


@pytest.fixture(autouse=True)
def _nnunet_is_there() -> None:
    if not (PACKAGES / "nnunetv2").is_dir():
        pytest.skip(f"nnU-Net is not at {PACKAGES}; `make test` puts it there")


@pytest.mark.parametrize("model", CASES)
def test_labels_are_those_of_nnunet(model, shared_data, tmp_path):
    paths = images.write_images(model.images(shared_data), tmp_path / "images")
    source = assemble(model, tmp_path / "model", paths)
    expected = reference_labels(tmp_path / "model", paths, tmp_path / "reference", mirror=bool(model.mirror_axes))
    ours = segment(case_of(source, paths), source.spec, source.build_networks(), device="cpu").layers[0]
    share = differing_share(ours, expected)
    print(f"\n{share:.6%} of the foreground differ, {len(np.unique(expected)) - 1} labels")
    assert len(np.unique(expected)) > 3
    assert share <= LARGEST_DIFFERENCE


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


def write_cascade(root: Path, low: Path, full: dict[str, Any]) -> None:
    """The second step of a cascade, its network with an input for each label of the first."""
    planned = full | {"use_mask_for_norm": [False], "previous_stage": "3d_lowres"} | _unused_plans()
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
