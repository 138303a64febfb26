"""The MONAI bundle as the one description of network, preprocessing, windows and postprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from safetensors.torch import load_file, save_file

BUNDLE_FOLDER = Path(__file__).parents[2] / "MedAISeg" / "Resources" / "Models" / "hippocampus"
LEFT_RIGHT_AXIS = 2  # first spatial axis of a (batch, channel, i, j, k) tensor in RAS order


@dataclass(frozen=True, eq=False)
class Pipeline:
    """What the bundle's ``inference.json`` holds, ready to run on a file."""

    preprocessing: Compose
    inferer: Any
    postprocessing: Compose


def make_network() -> torch.nn.Module:
    """The untrained network of the bundle."""
    network: torch.nn.Module = _config().get_parsed_content("network_def")
    return network


def load_network(weights: Path | None = None) -> torch.nn.Module:
    """The bundle's network with the given weights, else with the bundle's own."""
    network = make_network()
    network.load_state_dict(load_file(weights or BUNDLE_FOLDER / "models" / "model.safetensors"))
    return network.eval()


def save_weights(network: torch.nn.Module, path: Path) -> None:
    """Write a float32 state dict, swapped in at once."""
    tensors = {name: value.detach().float().contiguous() for name, value in network.state_dict().items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata={"format": "pt"})
    part.replace(path)


def load_pipeline() -> Pipeline:
    """The bundle's transforms and window inferer, without the step that writes files."""
    config = _config()
    steps = [step for step in config["postprocessing"]["transforms"] if step["_target_"] != "SaveImaged"]
    config["postprocessing"]["transforms"] = steps
    return Pipeline(*(config.get_parsed_content(part) for part in ("preprocessing", "inferer", "postprocessing")))


def predict(network: torch.nn.Module, pipeline: Pipeline, image: Path, flip: bool = False) -> torch.Tensor:
    """Labels (i, j, k) on the grid of the image file, voxel for voxel."""

    def scores(window: torch.Tensor) -> torch.Tensor:
        plain: torch.Tensor = network(window)
        return (plain + network(window.flip(LEFT_RIGHT_AXIS)).flip(LEFT_RIGHT_AXIS)) / 2 if flip else plain

    with torch.inference_mode():
        data = pipeline.preprocessing({"image": str(image)})
        data["pred"] = pipeline.inferer(data["image"][None], scores)[0]
        labels: torch.Tensor = pipeline.postprocessing(data)["pred"].as_tensor()[0].long()
    return labels


def _config() -> ConfigParser:
    config = ConfigParser()
    config.read_config(BUNDLE_FOLDER / "configs" / "inference.json")
    config["bundle_root"] = str(BUNDLE_FOLDER)
    return config
