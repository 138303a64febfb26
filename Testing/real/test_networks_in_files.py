"""Networks as TorchScript and ONNX files give, on real images, the labels of the networks that they were made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle.description import NetworkFile, description_of, write_description
from MedAISegLib.models.store import find_model
from MedAISegLib.readers import read_images

pytestmark = pytest.mark.engine

MOST_DIFFERENT = 0.001
"""Of the foreground's voxels."""


def as_torchscript(network: torch.nn.Module, sample: torch.Tensor, path: Path) -> None:
    torch.jit.trace(network, sample, check_trace=False).save(str(path))


def as_onnx(network: torch.nn.Module, sample: torch.Tensor, path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    axes = {number: f"n{number}" for number in (0, 2, 3, 4)}
    torch.onnx.export(
        network, (sample,), str(path), input_names=["image"], output_names=["scores"], dynamo=False, opset_version=17,
        dynamic_axes={"image": axes, "scores": axes},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "write"), [(".ts", as_torchscript), pytest.param(".onnx", as_onnx, marks=pytest.mark.reference)]
)
def test_the_trained_default_model_finds_the_same_in_a_real_head(
    suffix: str, write: Callable[[torch.nn.Module, torch.Tensor, Path], None], shared_data: Path, tmp_path: Path
) -> None:
    source = read_model(find_model("hippocampus"))
    (stage,), (members,) = source.spec.stages, source.build_networks()
    names = [f"network_{number}{suffix}" for number in range(len(members))]
    sample = torch.rand(1, 1, *[n or 32 for n in stage.windows.size or (32, 32, 32)])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for network, name in zip(members, names, strict=True):
            write(network, sample, tmp_path / name)
    files = tuple(NetworkFile(name) for name in names)
    labels = replace(stage.decision, labels=(0, *(segment.label_value for segment in source.spec.segments)))
    described = replace(source.spec, stages=(replace(stage, decision=labels),))
    write_description(description_of(described, (files,)), tmp_path)

    for image in sorted((shared_data / "hippocampus" / "images").glob("*.nii.gz"))[:2]:
        (volume,) = read_images(image)
        case = Case({source.spec.channels[0].name: volume})
        expected = segment(case, source.spec, (members,), device="cpu").layers
        found = read_model(tmp_path)
        layers = segment(case, found.spec, found.build_networks(), device="cpu").layers
        foreground = int(np.count_nonzero(expected))
        assert foreground > 1000
        assert np.count_nonzero(layers != expected) <= MOST_DIFFERENT * foreground
