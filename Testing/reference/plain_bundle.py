"""A bundle that MONAI runs as it is, and that others are changes of: read, respace, windows, bring back, save."""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]


def plain_metadata(name: str) -> Config:
    """One CT in, three classes out."""
    return {
        "name": name,
        "version": "1",
        "network_data_format": {
            "inputs": {"image": {"format": "hounsfield", "modality": "CT", "num_channels": 1}},
            "outputs": {"pred": {"num_channels": 3, "channel_def": {"0": "background", "1": "liver", "2": "spleen"}}},
        },
    }


def plain_config(network: Config, spacing_mm: list[float], intensities: list[Config], windows: list[int]) -> Config:
    """Its ``inference.json``; the images of a case are put into ``dataset#data``."""
    return {
        "imports": ["$import os"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cpu')",
        "network_def": network,
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "image", "pixdim": spacing_mm, "mode": "bilinear"},
                *intensities,
            ],
        },
        "dataset": {"_target_": "Dataset", "data": [], "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": windows, "overlap": 0.5},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "softmax": True},
                {
                    "_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image",
                    "nearest_interp": False, "to_tensor": True,
                },
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir", "output_ext": ".nii.gz"},
            ],
        },
        "handlers": [
            {
                "_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'",
                "load_dict": {"model": "@network"}, "map_location": "@device",
            },
        ],
        "evaluator": {
            "_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@dataloader",
            "network": "@network", "inferer": "@inferer", "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
        },
        "run": ["$@evaluator.run()"],
    }  # fmt: skip
