"""Trained-model folders of nnU-Net v2, small and with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

LABELS = {"background": 0, "liver": 1, "tumour": 2}


def architecture(dimensions: int, kind: str = "PlainConvUNet", stages: int = 2) -> dict[str, Any]:
    """The plans' description of a network with 4 features on its first stage."""
    blocks = "n_conv_per_stage" if kind == "PlainConvUNet" else "n_blocks_per_stage"
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{kind}",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": [4 * 2**n for n in range(stages)],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": [[3] * dimensions] * stages,
            "strides": [[1] * dimensions] + [[2] * dimensions] * (stages - 1),
            blocks: [1] * stages,
            "n_conv_per_stage_decoder": [1] * (stages - 1),
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def configuration(**changes: Any) -> dict[str, Any]:
    """A 3-D configuration of the plans, with changes."""
    return {
        "preprocessor_name": "DefaultPreprocessor",
        "patch_size": [16, 24, 16],
        "spacing": [3.0, 1.0, 1.0],
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
        "architecture": architecture(3),
    } | changes


def write_model(
    root: Path,
    *,
    name: str = "3d_fullres",
    configurations: dict[str, Any] | None = None,
    labels: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
    plans: dict[str, Any] | None = None,
    folds: tuple[str, ...] = ("0",),
    checkpoint: dict[str, Any] | None = None,
    seed: int = 0,
    extra_inputs: int = 0,
) -> Path:
    """``dataset.json``, ``plans.json`` and a checkpoint a fold, drawn from the seed and those that follow.

    Args:
        extra_inputs: of the network beyond the image's channels: the labels that a cascade's second step is given.
    """
    root.mkdir(parents=True)
    described = {"channel_names": {"0": "CT"}, "labels": labels or LABELS, "file_ending": ".nii.gz"} | (dataset or {})
    planned = {
        "dataset_name": "Dataset003_Liver",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {
            "0": {"mean": 60.0, "std": 40.0, "percentile_00_5": -100.0, "percentile_99_5": 200.0}
        },
        "configurations": configurations or {name: configuration()},
    } | (plans or {})
    (root / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    (root / "plans.json").write_text(json.dumps(planned), encoding="utf-8")
    dimensions = len(planned["configurations"][name].get("patch_size", (16, 16, 16)))
    for number, fold in enumerate(folds):
        content = {
            "network_weights": _weights(planned["configurations"][name], described, seed + number, extra_inputs),
            "trainer_name": "nnUNetTrainer",
            "init_args": {"configuration": name, "fold": fold, "device": torch.device("cpu")},
            "inference_allowed_mirroring_axes": tuple(range(dimensions)),
            "logging": {"ema_fg_dice": [np.float64(0.8)]},
        } | (checkpoint or {})
        (root / f"fold_{fold}").mkdir()
        torch.save(content, root / f"fold_{fold}" / "checkpoint_final.pth")
    return root


def _weights(planned: dict[str, Any], dataset: dict[str, Any], seed: int, extra_inputs: int) -> dict[str, torch.Tensor]:
    """Of the network that the plans describe; none where they describe it in the old way or inherit it."""
    described = planned.get("architecture")
    kind = described["network_class_name"].rpartition(".")[2] if described else ""
    if kind not in ("PlainConvUNet", "ResidualEncoderUNet"):
        return {"weight": torch.zeros(1)}
    from dynamic_network_architectures.architectures import unet

    arguments = described["arch_kwargs"]
    dimensions = len(planned["patch_size"])
    operators = {
        "conv_op": getattr(torch.nn, f"Conv{dimensions}d"),
        "norm_op": getattr(torch.nn, f"InstanceNorm{dimensions}d"),
        "nonlin": torch.nn.LeakyReLU,
    }
    order = dataset.get("regions_class_order")
    heads = len(order) if order else len([name for name in dataset["labels"] if name != "ignore"])
    torch.manual_seed(seed)
    network = getattr(unet, kind)(
        input_channels=len(dataset["channel_names"]) + extra_inputs,
        num_classes=heads,
        deep_supervision=True,
        **(arguments | operators),
    )
    weights: dict[str, torch.Tensor] = network.state_dict()
    return weights
