"""A small bundle that classifies, with weights of a fixed seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NETWORK: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 2,
    "init_features": 4,
    "growth_rate": 2,
    "block_config": [2],
}


def write_classifier(root: Path, modality: str = "") -> Path:
    """Tells A from B, in pictures of three colours."""
    import torch
    from monai.networks.nets import DenseNet

    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    config = {
        "network_def": {"_target_": "DenseNet", **NETWORK},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": 2},
                {"_target_": "ScaleIntensityd", "keys": "image"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}],
        },
    }
    image = {"num_channels": 3, "modality": modality, "spatial_shape": [32, 32], "channel_def": {"0": "image"}}
    prediction = {"format": "labels", "num_channels": 2, "channel_def": {"0": "A", "1": "B"}}
    metadata = {"name": "Density", "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": prediction}}}
    (root / "configs" / "inference.json").write_text(json.dumps(config))
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    torch.manual_seed(3)
    torch.save(DenseNet(**NETWORK).state_dict(), root / "models" / "model.pt")
    return root
