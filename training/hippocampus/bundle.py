"""The MONAI bundle as the one description of the networks, preprocessing, windows and postprocessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """What the bundle's ``inference.json`` holds beside its networks, ready to run on a file."""

    preprocessing: Compose
    inferer: Any
    postprocessing: Compose


def network_count() -> int:
    """How many networks the bundle averages."""
    return len(_config()["networks"])


def make_network(member: int) -> torch.nn.Module:
    """The untrained network of that place in the bundle."""
    network: torch.nn.Module = _config().get_parsed_content(f"network_def_{member}")
    return network


def load_network(member: int, weights: Path | None = None) -> torch.nn.Module:
    """The bundle's network of that place with the given weights, else with the bundle's own."""
    network = make_network(member)
    network.load_state_dict(load_file(weights or weights_file(member)))
    return network.eval()


def load_networks(weights: Sequence[Path] | None = None) -> list[torch.nn.Module]:
    """All networks of the bundle with the given weights, a file each, else with the bundle's own."""
    files = weights or [weights_file(member) for member in range(network_count())]
    return [load_network(member, file) for member, file in enumerate(files)]


def weights_file(member: int) -> Path:
    """Where the bundle keeps a network's weights."""
    return BUNDLE_FOLDER / "models" / f"network_{member}.safetensors"


def save_weights(network: torch.nn.Module, path: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a state dict of numbers of that precision, swapped in at once."""
    tensors = {name: _stored(value.detach(), dtype) for name, value in network.state_dict().items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata={"format": "pt"})
    part.replace(path)


def _stored(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return (value.to(dtype) if value.is_floating_point() else value).contiguous()


def load_pipeline() -> Pipeline:
    """The bundle's transforms and window inferer, without the step that writes files."""
    config = _config()
    steps = [step for step in config["postprocessing"]["transforms"] if step["_target_"] != "SaveImaged"]
    config["postprocessing"]["transforms"] = steps
    return Pipeline(*(config.get_parsed_content(part) for part in ("preprocessing", "inferer", "postprocessing")))


def predict(networks: Sequence[torch.nn.Module], pipeline: Pipeline, image: Path, flip: bool = False) -> torch.Tensor:
    """Labels (i, j, k) on the grid of the image file, voxel for voxel; the networks are averaged."""
    with torch.inference_mode():
        data = pipeline.preprocessing({"image": str(image)})
        for member, network in enumerate(networks):
            data[f"pred_{member}"] = pipeline.inferer(data["image"][None], _over_flip(network) if flip else network)[0]
        labels: torch.Tensor = pipeline.postprocessing(data)["pred"].as_tensor()[0].long()
    return labels


def predictor(networks: Sequence[torch.nn.Module], *, flip: bool = False) -> Callable[[Path], torch.Tensor]:
    """Labels (i, j, k) of an image file by MONAI and these networks."""
    pipeline = load_pipeline()
    return lambda image: predict(networks, pipeline, image, flip)


def _over_flip(network: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def scores(window: torch.Tensor) -> torch.Tensor:
        mirrored: torch.Tensor = network(window.flip(LEFT_RIGHT_AXIS)).flip(LEFT_RIGHT_AXIS)
        return (network(window) + mirrored) / 2

    return scores


def _config() -> ConfigParser:
    config = ConfigParser()
    config.read_config(BUNDLE_FOLDER / "configs" / "inference.json")
    config["bundle_root"] = str(BUNDLE_FOLDER)
    return config
