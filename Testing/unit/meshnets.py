"""Folders of small MeshNet models, as brainchop publishes them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

CLASSES = 4
DILATIONS = (1, 2, 4, 1)
WIDTH = 5


def random_state(*, bias=True, nested=False, seed=0, classes=CLASSES, dilations=DILATIONS):
    """Weights named as in the published files: every other number is an activation, or each layer a group."""
    generator = torch.Generator().manual_seed(seed)
    state, channels = {}, 1
    for number, _ in enumerate([*dilations, 1]):
        last = number == len(dilations)
        width, kernel = (classes, 1) if last else (WIDTH, 3)
        name = f"model.{number if nested else 2 * number}" + (".0" if nested and not last else "")
        scale = 1.5 / (channels * kernel**3) ** 0.5
        state[f"{name}.weight"] = torch.randn(width, channels, kernel, kernel, kernel, generator=generator) * scale
        if bias or last:
            state[f"{name}.bias"] = torch.randn(width, generator=generator) * 0.2
        channels = width
    return state


def description(*, classes=CLASSES, dilations=DILATIONS, **flags):
    """The content of model.json; -1 classes make it a template."""
    layers = [layer(dilation) for dilation in dilations]
    layers.append({"in_channels": WIDTH, "out_channels": classes, "kernel_size": 1, "padding": 0, "stride": 1})
    layers[-1]["dilation"] = 1
    return {"header": "for tests", "bnorm": False, "layers": layers} | flags


def layer(dilation):
    return {"out_channels": WIDTH, "kernel_size": 3, "padding": dilation, "stride": 1, "dilation": dilation}


def color_map(count=CLASSES):
    channel = list(range(count))
    names = ["background", *(f"structure {value}" for value in range(1, count))]
    return {"R": channel, "G": channel, "B": [255] * count, "labels": names}


def write_model(folder: Path, *, content=None, state=None, maps=None, zipped=False) -> Path:
    folder.mkdir(exist_ok=True)
    state = random_state() if state is None else state
    (folder / "model.json").write_text(json.dumps(description() if content is None else content))
    for name, one in ({"colormap.json": color_map()} if maps is None else maps).items():
        (folder / name).write_text(json.dumps(one))
    if zipped:
        torch.save(state, folder / "model.pth")
    else:
        save_file(state, folder / "model.pth")
    return folder
