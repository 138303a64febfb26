"""A small bundle for tests, to be changed by each of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any], dict[str, Any]], None]

METADATA: dict[str, Any] = {
    "name": "Two organs",
    "version": "1.2",
    "network_data_format": {
        "inputs": {
            "image": {"format": "hounsfield", "modality": "CT", "num_channels": 1, "channel_def": {"0": "image"}}
        },
        "outputs": {
            "pred": {
                "format": "segmentation",
                "num_channels": 3,
                "channel_def": {"0": "background", "1": "liver", "2": "spleen"},
            }
        },
    },
}
INFERENCE: dict[str, Any] = {
    "network_def": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3},
    "preprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "Orientationd", "keys": ["image"], "axcodes": "RAS"},
        ],
    },
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 16]},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "nearest_interp": False},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
    },
}


def write_bundle(folder: Path, change: Change | None = None) -> Path:
    """The bundle of this file, changed, as the folder ``two_organs``."""
    metadata, config = copy.deepcopy(METADATA), copy.deepcopy(INFERENCE)
    if change:
        change(metadata, config)
    root = folder / "two_organs"
    (root / "configs").mkdir(parents=True)
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (root / "configs" / "inference.json").write_text(json.dumps(config))
    return root


def preprocessing(*transforms: dict[str, Any] | str) -> Change:
    def change(_: dict[str, Any], inference: dict[str, Any]) -> None:
        entries = [{"keys": "image", **t} if isinstance(t, dict) else t for t in transforms]
        inference["preprocessing"]["transforms"] = entries

    return change


def postprocessing(*transforms: dict[str, Any]) -> Change:
    def change(_: dict[str, Any], inference: dict[str, Any]) -> None:
        inference["postprocessing"]["transforms"] = [{"keys": "pred", **t} for t in transforms]

    return change


def inference(**entries: Any) -> Change:
    return lambda _, config: config.update(entries)
