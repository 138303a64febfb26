"""The small bundle with code of its own, to be changed by each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume

from Testing.unit.bundles import Change, write_bundle

SCRIPT = """
import torch
from monai.transforms import MapTransform


class Scores(torch.nn.Module):
    def __init__(self, out_channels):
        super().__init__()
        self.layer = torch.nn.Conv3d(1, out_channels, 1)

    def forward(self, x):
        return self.layer(x)


class Twiced(MapTransform):
    def __call__(self, data):
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = d[key] * 2
        return d
"""
STATE = {
    "layer.weight": torch.tensor([0.0, 1.0, 2.0]).view(3, 1, 1, 1, 1),
    "layer.bias": torch.tensor([0.0, 0.0, -2.0]),
}


def write_coded(folder: Path, change: Change | None = None, script: str = SCRIPT) -> Path:
    """The bundle, its network and one of its transforms a script: label 1 for values above 0, label 2 above 1."""

    def with_code(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        config["network_def"] = {"_target_": "scripts.own.Scores", "out_channels": 3}
        config["preprocessing"]["transforms"] = [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image"},
            {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
            {"_target_": "scripts.own.Twiced", "keys": "image"},
        ]
        config["postprocessing"]["transforms"][1]["orig_keys"] = "image"
        config["inferer"] = {"_target_": "SimpleInferer"}
        if change:
            change(metadata, config)

    root = write_bundle(folder, with_code)
    (root / "scripts").mkdir()
    (root / "scripts" / "own.py").write_text(script)
    (root / "models").mkdir()
    torch.save(STATE, root / "models" / "model.pt")
    return root


def scan() -> Volume:
    """Oblique, its axes in an order of their own."""
    affine = np.array([[0.1, 0.2, -1.2, 5], [0.1, 1.1, 0.2, 6], [2.5, 0, 0.1, 7], [0, 0, 0, 1.0]])
    voxels = np.random.default_rng(5).normal(size=(5, 6, 7)).astype(np.float32)
    return Volume(voxels, VolumeGeometry((5, 6, 7), affine), "CT")


def expected(volume: Volume) -> np.ndarray:
    """(k, j, i) labels of the bundle as it is written."""
    doubled = 2 * volume.voxels
    return np.argmax(np.stack([0 * doubled, doubled, 2 * doubled - 2]), axis=0)
