"""Small networks in TorchScript and ONNX files, and folders of our own layout around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.core.geometry import VolumeGeometry
from MedAISegLib.core.volume import Volume


def small_network(
    dimensions: int = 3, channels: int = 1, classes: int = 3, *, strided: bool = False
) -> torch.nn.Module:
    """Two convolutions with weights of a fixed seed; strided ones need even lengths."""
    torch.manual_seed(7)
    convolution = (torch.nn.Conv2d, torch.nn.Conv3d)[dimensions - 2]
    back = (torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)[dimensions - 2]
    inner = [convolution(channels, 6, 2, stride=2), torch.nn.ReLU(), back(6, 6, 2, stride=2)] if strided else []
    first = [] if strided else [convolution(channels, 6, 3, padding=1)]
    return torch.nn.Sequential(*inner, *first, torch.nn.ReLU(), convolution(6, classes, 1)).eval()


def write_torchscript(network: torch.nn.Module, path: Path, dimensions: int = 3, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.jit.trace(network, torch.rand(1, channels, *[16] * dimensions), check_trace=False).save(str(path))
    return path


def write_onnx(path: Path, weights: np.ndarray, bias: np.ndarray, *, domain: str = "", location: str = "") -> Path:
    """One convolution of width 1 from channels to classes, on volumes of any size."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")]
    if location:
        tensors[0].ClearField("raw_data")
        tensors[0].data_location = TensorProto.EXTERNAL
        entry = tensors[0].external_data.add()
        entry.key, entry.value = "location", location
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, weights.shape[1], None, None, None])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, weights.shape[0], None, None, None])
    node = helper.make_node("Conv", ["image", "weights", "bias"], ["scores"], domain=domain)
    graph = helper.make_graph([node], "network", [image], [scores], tensors)
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    path.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    assert onnx.__version__
    return path


def description(file: str = "model.ts", **changes: Any) -> dict[str, Any]:
    """The content of a ``medaiseg.json`` for one channel and three classes."""
    stage = {
        "preprocessing": [{"kind": "Orient", "axis_codes": "RAS"}, {"kind": "MinMax"}],
        "windows": {"size": [16, 16, 16], "overlap": [0.5, 0.5, 0.5], "blending": "gaussian"},
        "decision": {"kind": "Argmax", "labels": [0, 1, 2]},
    }
    return {
        "channels": [{"name": "CT", "modality": "CT", "units": "HU"}],
        "segments": [{"label_value": 1, "name": "liver"}, {"label_value": 2, "name": "tumour"}],
        "stages": [stage],
        "networks": [[{"file": file}]],
    } | changes


def write_description(folder: Path, content: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "medaiseg.json").write_text(text, encoding="utf-8")
    return folder


def case(shape: tuple[int, int, int] = (20, 18, 22), channels: tuple[str, ...] = ("CT",)) -> Case:
    rng = np.random.default_rng(3)
    affine = np.diag([1.5, 1.0, 1.2, 1.0])
    return Case(
        {name: Volume(rng.normal(0, 100, shape).astype(np.float32), VolumeGeometry(shape, affine)) for name in channels}
    )
