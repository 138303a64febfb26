"""Bundles written for a comparison, where no published one has what is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from MedAISegLib.formats import read_model

from . import images, zoo
from .bundle_run import RunnableBundle
from .seeded import write_weights

Entry = dict[str, Any]

CT_PREPARATION: list[Entry] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": [3, 3, 4], "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1,
        "clip": True,
    },
]  # fmt: skip
RESULT: list[Entry] = [
    {
        "_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image",
        "nearest_interp": False, "to_tensor": True,
    },
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
    {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"},
]  # fmt: skip


def bundle_config(joined: list[Entry], inferer: Entry, **networks: Entry) -> Entry:
    """An inference config for CT.

    Args:
        joined: what is done with the networks' predictions before they come back to the image's grid.
        networks: by the name of the entry; several are averaged.
    """
    loaders = [
        {
            "_target_": "CheckpointLoader",
            "load_path": f"$@bundle_root + '/models/{name}.pt'",
            "load_dict": {"model": f"@{name}"},
        }
        for name in networks
    ]
    evaluator: Entry = {
        "_target_": "SupervisedEvaluator",
        "device": "@device",
        "val_data_loader": "@dataloader",
        "network": f"@{next(iter(networks))}",
        "inferer": "@inferer",
        "postprocessing": "@postprocessing",
        "val_handlers": "@handlers",
    }
    if len(networks) > 1:
        del evaluator["network"]
        members = {"networks": [f"@{name}" for name in networks], "pred_keys": "@pred_keys"}
        evaluator |= {"_target_": "EnsembleEvaluator", **members}
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "datalist": [],
        "device": "$torch.device('cpu')",
        **networks,
        "pred_keys": [f"pred{n}" for n in range(len(networks))],
        "preprocessing": {"_target_": "Compose", "transforms": CT_PREPARATION},
        "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": inferer,
        "postprocessing": {"_target_": "Compose", "transforms": [*joined, *RESULT]},
        "handlers": loaders,
        "evaluator": evaluator,
        "run": ["$@evaluator.run()"],
    }


def write_bundle(root: Path, config: Entry, image: list[images.Image]) -> RunnableBundle:
    """The bundle with weights from a fixed seed, which find every class in the image."""
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    path = root / "configs" / "inference.json"
    path.write_text(json.dumps(config, indent=1))
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "Written", "version": "1"}))
    stage = read_model(root).spec.stages[0]
    case = images.read_case(images.write_images(image, root / "calibration"), ("image",))
    for loader in config["handlers"]:
        (name,) = (target.removeprefix("@") for target in loader["load_dict"].values())
        write_weights(root / "models" / f"{name}.pt", path, root, case, stage, name)
    return RunnableBundle(zoo.ZooBundle("written", images.spleen_ct), root, path, ())
