"""The 2-D lung network of another framework as a folder of ours: TorchScript and ``medaiseg.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from MedAISegLib.formats.medaiseg_bundle.description import Description, NetworkFile, write_description
from MedAISegLib.models.operations import Clip, Orient, ResizeTo, ScaleRange, ZeroOutsideBody
from MedAISegLib.models.spec import (
    Activation,
    Argmax,
    Channel,
    InferenceStage,
    Restore,
    RestoreOrder,
    SegmentSpec,
    Windows,
)
from safetensors.torch import load_file

SIDE = 256


class LayerGraph(torch.nn.Module):
    """Convolutions, batch normalisations and sums in the order of a Keras ``model_config``."""

    def __init__(self, layers: list[dict[str, Any]], weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.steps = []
        self.modules_by_name = torch.nn.ModuleDict()
        for layer in layers:
            name, kind = layer["name"], layer["class_name"]
            inputs = [source[0] for node in layer["inbound_nodes"] for source in node]
            activation = layer["config"].get("activation", "linear")
            self.steps.append((name, kind, inputs, activation))
            if kind == "Conv2D":
                kernel = weights[f"{name}.kernel"].permute(3, 2, 0, 1).contiguous()
                convolution = torch.nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2:], padding="same")
                convolution.load_state_dict({"weight": kernel, "bias": weights[f"{name}.bias"]})
                self.modules_by_name[name] = convolution
            elif kind == "BatchNormalization":
                self.modules_by_name[name] = batch_norm(layer["config"]["epsilon"], name, weights)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, 1, row, column) of any range to (batch, 3, row, column); each slice is brought to 0..1 first."""
        low, high = values.amin((1, 2, 3), keepdim=True), values.amax((1, 2, 3), keepdim=True)
        found = {}
        for name, kind, inputs, activation in self.steps:
            if kind == "InputLayer":
                found[name] = (values - low) / (high - low + 1e-6)
            elif kind == "Add":
                found[name] = found[inputs[0]] + found[inputs[1]]
            else:
                found[name] = self.modules_by_name[name](found[inputs[0]])
            if activation == "relu":
                found[name] = torch.relu(found[name])
            elif activation == "softmax":
                found[name] = torch.softmax(found[name], dim=1)
        return found[self.steps[-1][0]]


def batch_norm(epsilon: float, name: str, weights: dict[str, torch.Tensor]) -> torch.nn.BatchNorm2d:
    ours = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    layer = torch.nn.BatchNorm2d(len(weights[f"{name}.gamma"]), eps=epsilon)
    layer.load_state_dict({key: weights[f"{name}.{theirs}"] for key, theirs in ours.items()}, strict=False)
    return layer


def eager_network(source: Path) -> torch.nn.Module:
    """The network of the folder with ``architecture.json`` and ``weights.safetensors``."""
    layers = json.loads((source / "architecture.json").read_text(encoding="utf-8"))["config"]["layers"]
    return LayerGraph(layers, load_file(source / "weights.safetensors")).eval()


def write_lung_model(source: Path, folder: Path) -> Path:
    """The model as a folder that the program runs."""
    folder.mkdir(parents=True)
    with torch.no_grad():
        traced = torch.jit.trace(eager_network(source), torch.rand(1, 1, SIDE, SIDE), check_trace=False)
    traced.save(str(folder / "model.ts"))
    stage = InferenceStage(
        # The network was trained on slices turned by a quarter; labels are turned back before they are resized.
        preprocessing=(
            Orient("SPL"),
            Clip(-1000.0, 400.0),
            ScaleRange(-1000.0, 400.0),
            ZeroOutsideBody(),
            ResizeTo((0, SIDE, SIDE), floored_labels=True),
            Orient("SRP"),
        ),
        windows=Windows((1, SIDE, SIDE), (0.0, 0.0, 0.0)),
        decision=Argmax((0, 1, 2)),
        restore=Restore(Activation.NONE, RestoreOrder.DECIDE_THEN_LABELS),
    )
    description = Description(
        channels=(Channel("CT", "CT", "HU"),),
        segments=(SegmentSpec(1, "lung"), SegmentSpec(2, "consolidation")),
        stages=(stage,),
        networks=((NetworkFile("model.ts", dimensions=2),),),
        name="Lungs, slice by slice",
        license="MIT",
        citation="Chen J., COVID19 CT Segmentation in 3DSlicer (2020)",
    )
    write_description(description, folder)
    return folder
