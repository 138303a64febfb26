"""A bundle that averages two networks of different architectures: our labels are those of ``monai.bundle run``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.formats import read_model

from . import images, zoo
from .bundle_run import RunnableBundle, differing_share, our_layers, reference_labels
from .seeded import write_weights

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001
CLASSES = 3
ENSEMBLE = zoo.ZooBundle("ensemble", images.spleen_ct)
NETWORKS = (
    {
        "_target_": "SegResNet", "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES, "init_filters": 16,
        "blocks_down": [1, 2, 2, 1], "blocks_up": [1, 1, 1],
    },
    {
        "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES,
        "channels": [24, 48, 96, 192], "strides": [2, 2, 2], "num_res_units": 2, "norm": "INSTANCE",
    },
)  # fmt: skip
SOFTMAX = {"_target_": "Activationsd", "softmax": True}
MEAN = {"_target_": "MeanEnsembled", "keys": "@pred_keys", "output_key": "pred", "weights": [1, 3]}
PREPARATION = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": [3, 3, 4], "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1,
        "clip": True,
    },
]  # fmt: skip
RESULT = [
    {
        "_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image",
        "nearest_interp": False, "to_tensor": True,
    },
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
    {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
]  # fmt: skip
JOINED = [
    pytest.param([SOFTMAX | {"keys": "@pred_keys"}, MEAN], id="probabilities are averaged"),
    pytest.param([MEAN, SOFTMAX | {"keys": "pred"}], id="scores are averaged", marks=pytest.mark.reference),
]


def config(joined: list[dict[str, Any]]) -> dict[str, Any]:
    numbers = range(len(NETWORKS))
    members = {f"network_def_{n}": network for n, network in enumerate(NETWORKS)}
    members |= {f"network_{n}": f"$@network_def_{n}.to(@device)" for n in numbers}
    loaders = [
        {
            "_target_": "CheckpointLoader",
            "load_path": f"$@bundle_root + '/models/network_{n}.pt'",
            "load_dict": {"model": f"@network_{n}"},
        }
        for n in numbers
    ]
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "datalist": [],
        "device": "$torch.device('cpu')",
        **members,
        "pred_keys": [f"pred{n}" for n in numbers],
        "preprocessing": {"_target_": "Compose", "transforms": PREPARATION},
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': i} for i in @datalist]",
            "transform": "@preprocessing",
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [48, 48, 32], "overlap": 0.5, "mode": "gaussian"},
        "postprocessing": {"_target_": "Compose", "transforms": [*joined, *RESULT]},
        "handlers": loaders,
        "evaluator": {
            "_target_": "EnsembleEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "networks": [f"@network_{n}" for n in numbers],
            "pred_keys": "@pred_keys",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
            "val_handlers": "@handlers",
        },
        "run": ["$@evaluator.run()"],
    }


def write_bundle(root: Path, joined: list[dict[str, Any]], image: list[images.Image]) -> RunnableBundle:
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    path = root / "configs" / "inference.json"
    path.write_text(json.dumps(config(joined), indent=1))
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "Two networks", "version": "1"}))
    spec = read_model(root).spec
    case = images.read_case(images.write_images(image, root / "calibration"), ("image",))
    for n in range(len(NETWORKS)):
        write_weights(root / "models" / f"network_{n}.pt", path, root, case, spec.stages[0], f"network_def_{n}")
    return RunnableBundle(ENSEMBLE, root, path, ())


@pytest.mark.parametrize("joined", JOINED)
def test_labels_are_those_of_monai(joined: list[dict[str, Any]], shared_data: Path, tmp_path: Path) -> None:
    image = images.spleen_ct(shared_data)
    bundle = write_bundle(tmp_path / "bundle", joined, image)
    paths = images.write_images(image, tmp_path / "images")
    theirs = np.asarray(sitk.GetArrayFromImage(reference_labels(bundle, paths, tmp_path / "reference")))
    (ours,) = our_layers(bundle, paths)
    difference = differing_share(ours, theirs)
    print(f"\n{difference:.6%} of the foreground differ; labels {np.unique(theirs)}")
    assert len(np.unique(theirs)) == CLASSES
    assert difference <= LARGEST_DIFFERENCE
