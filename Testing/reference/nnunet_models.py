"""Trained models of nnU-Net with weights from a fixed seed, on real images, and nnU-Net's own labels of them."""

from __future__ import annotations

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
from MedAISegLib.engine.preparation import prepare
from MedAISegLib.formats import ModelSource, read_model
from MedAISegLib.readers import read_images

from Testing.nnunets import write_model

from . import images
from .forks import NNUNET, run_forked

PACKAGES = Path(sys.prefix) / "nnunet"
"""Where ``make test`` puts nnU-Net, apart from the environment's own packages."""


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


def write_trained(model: Model, root: Path) -> None:
    """The model's folder, with weights as they are drawn."""
    planned = dict(model.planned)
    planned.setdefault("use_mask_for_norm", [False])
    intensities = {
        str(n): {"mean": 60.0, "std": 70.0, "percentile_00_5": -150.0, "percentile_99_5": 250.0}
        for n in range(len(model.channels))
    }
    write_model(
        root,
        name=model.name,
        configurations={model.name: planned | unused_plans()},
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


def assemble(model: Model, root: Path, paths: list[Path]) -> ModelSource:
    """The model's folder; its scores are shifted so that every class is found."""
    write_trained(model, root)
    source = read_model(root)
    values = prepare(case_of(source, paths), source.spec.stages[0]).values
    for fold, network in zip(model.folds, source.build_networks()[0], strict=True):
        shift_scores(
            root / f"fold_{fold}" / "checkpoint_final.pth",
            network,
            values,
            regions="regions_class_order" in model.dataset,
        )
    return read_model(root)


def unused_plans() -> dict[str, Any]:
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


def shift_scores(checkpoint: Path, network: torch.nn.Module, values: torch.Tensor, *, regions: bool) -> None:
    """Move the last biases so that every class is found in the middle of the prepared (channel, a, b, c) values."""
    with torch.no_grad():
        middle = values[:, values.shape[1] // 2 :][:, :16]
        # Of an image that is smaller than any window the edges are repeated.
        missing = [max(16 - n, 0) for n in middle.shape[1:]]
        pads = [missing[2] // 2, -(-missing[2] // 2), missing[1] // 2, -(-missing[1] // 2)]
        pads += [missing[0] // 2, -(-missing[0] // 2)]
        middle = torch.nn.functional.pad(middle[None], pads, mode="replicate")[0]
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
    run_nnunet("nnunet_run.py", output, root, output, "mirror" if mirror else "plain", previous, *paths)
    return written_labels(output)


def run_nnunet(script: str, output: Path, *arguments: Path | str) -> None:
    """Run a script of this folder where nnU-Net's packages are found."""
    output.parent.mkdir(exist_ok=True)
    folders = {name: str(output.parent) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    command = (Path(__file__).with_name(script), *arguments)
    run_forked(NNUNET, command, Path.cwd(), packages=PACKAGES, environment=folders)


def written_labels(output: Path) -> np.ndarray:
    """(k, j, i) labels of ``OUTPUT.nii.gz``."""
    return np.asarray(nibabel.load(f"{output}.nii.gz").dataobj).transpose(2, 1, 0)


def require_nnunet() -> None:
    """Skip the test where nnU-Net is not there."""
    if not (PACKAGES / "nnunetv2").is_dir():
        pytest.skip(f"nnU-Net is not at {PACKAGES}; `make test` puts it there")
