"""MONAI bundles that classify: our probabilities are those of MONAI's own run of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from dicom_pictures import write_picture
from MedAISegLib.app.classify import classify
from MedAISegLib.formats import read_model
from MedAISegLib.formats.medaiseg_bundle.writing import export_model
from MedAISegLib.formats.monai_classifier.torchvision_networks import build_torchvision
from monai.networks.nets import DenseNet

pytestmark = pytest.mark.engine

CLASSES = ("healthy", "pneumonia", "effusion", "pneumothorax")
NETWORK = {
    "spatial_dims": 2, "in_channels": 1, "out_channels": 4, "init_features": 8, "growth_rate": 4,
    "block_config": [2, 2],
}  # fmt: skip


def write_bundle(root: Path, activation: str, channels: int = 1) -> None:
    network = {**NETWORK, "in_channels": channels}
    transforms: list[dict[str, Any]] = [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Resized", "keys": "image", "spatial_size": [96, 80], "mode": "bilinear"},
        {"_target_": "ScaleIntensityd", "keys": "image"},
        {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    ]
    config = {
        "bundle_root": ".",
        "network_def": {"_target_": "DenseNet", **network},
        "preprocessing": {"_target_": "Compose", "transforms": transforms},
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "Activationsd", "keys": "pred", activation: True}],
        },
        "checkpointloader": {
            "_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network_def"},
        },
    }  # fmt: skip
    metadata = {
        "name": "Chest radiographs",
        "version": "1",
        "network_data_format": {
            "inputs": {"image": {"num_channels": channels, "spatial_shape": [96, 80], "channel_def": {"0": "image"}}},
            "outputs": {
                "pred": {
                    "type": "probabilities", "format": "classes", "num_channels": 4,
                    "channel_def": {str(n): name for n, name in enumerate(CLASSES)},
                }
            },
        },
    }  # fmt: skip
    (root / "configs").mkdir(parents=True)
    (root / "configs" / "inference.json").write_text(json.dumps(config))
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (root / "models").mkdir()
    torch.manual_seed(7)
    torch.save(DenseNet(**network).state_dict(), root / "models" / "model.pt")


def grey_radiographs(data: Path, folder: Path) -> list[Path]:
    """Real radiographs as grey PNG, since what MONAI makes of colours depends on the file."""
    folder.mkdir()
    paths = []
    for source in sorted((data / "chest_xray").glob("*/image.*")):
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(source)))
        grey = pixels if pixels.ndim == 2 else pixels[..., :3].mean(axis=-1)
        paths.append(folder / f"{source.parent.name}.png")
        sitk.WriteImage(sitk.GetImageFromArray(np.rint(grey).astype(np.uint8)), str(paths[-1]))
    return paths


def coloured(images: list[Path], folder: Path) -> list[Path]:
    """The same radiographs, each colour another part of them."""
    folder.mkdir()
    paths = []
    for source in images:
        grey = sitk.GetArrayFromImage(sitk.ReadImage(str(source)))
        colours = np.stack([grey, grey[::-1] // 2 + 90, 255 - grey // 2], axis=-1)
        paths.append(folder / source.name)
        sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(paths[-1]))
    return paths


def as_captures(images: list[Path], folder: Path) -> list[Path]:
    folder.mkdir()
    pixels = [sitk.GetArrayFromImage(sitk.ReadImage(str(source))) for source in images]
    return [write_picture(folder / f"{n}.dcm", values, "RGB") for n, values in enumerate(pixels)]


OPERATORS = """
# A torchvision for graphics cards has operators that a torch for processors alone cannot load. No network that
# classifies uses them; once they are declared, they are no obstacle.
import torch
try:
    import torchvision
except RuntimeError:
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
except ImportError:
    pass
"""

BY_MONAI = """
import json, sys
import torch
from monai.bundle import ConfigParser

root, *images = sys.argv[1:]
parser = ConfigParser()
parser.read_config(f"{root}/configs/inference.json")
entry = {name: parser.get_parsed_content(name) for name in ("preprocessing", "inferer", "network_def")}
network = entry["network_def"].eval()
network.load_state_dict(torch.load(f"{root}/models/model.pt", weights_only=True))
(activate,) = parser.get_parsed_content("postprocessing").transforms
found = []
with torch.no_grad():
    for image in images:
        prepared = entry["preprocessing"]({"image": image})["image"]
        found.append(activate({"pred": entry["inferer"](prepared[None], network)[0]})["pred"].tolist())
print(json.dumps(found))
"""


def by_monai(root: Path, images: list[Path]) -> list[list[float]]:
    """The bundle's own transforms, inferer and post-processing, as MONAI's parser builds them."""
    command = [sys.executable, "-c", OPERATORS + BY_MONAI, str(root), *map(str, images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.reference
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_probabilities_are_those_of_monai(activation: str, shared_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "chest"
    write_bundle(root, activation)
    images = grey_radiographs(shared_data, tmp_path / "images")
    theirs = np.array(by_monai(root, images))
    result = classify(str(root), images, device="cpu")
    ours = np.array([[found.probability for found in image.classes] for image in result.images])
    print(f"\nlargest difference {np.abs(ours - theirs).max():.2g}")
    assert len(images) == 3
    assert [found.name for found in result.images[0].classes] == list(CLASSES)
    assert np.ptp(theirs, axis=0).max() > 1e-3
    assert np.abs(ours - theirs).max() < 1e-4
    np.testing.assert_array_equal(_probabilities(_exported(root), images), ours)


@pytest.mark.reference
def test_so_are_those_of_coloured_pictures_and_of_the_same_as_dicom(shared_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "chest"
    write_bundle(root, "softmax", channels=3)
    images = coloured(grey_radiographs(shared_data, tmp_path / "grey"), tmp_path / "images")
    theirs = np.array(by_monai(root, images))
    ours = np.array(_probabilities(root, images))
    print(f"\nlargest difference {np.abs(ours - theirs).max():.2g}")
    assert np.ptp(theirs, axis=0).max() > 1e-3
    assert np.abs(ours - theirs).max() < 1e-4
    np.testing.assert_array_equal(_probabilities(root, as_captures(images, tmp_path / "captures")), ours)


def _probabilities(root: Path, images: list[Path]) -> list[list[float]]:
    return [[c.probability for c in image.classes] for image in classify(str(root), images, device="cpu").images]


def _exported(root: Path) -> Path:
    """As a bundle of our own."""
    return export_model(read_model(root), root, root.with_name(f"{root.name}-shared")).folder


@pytest.mark.reference
def test_so_are_those_of_the_published_bundle_for_the_density_of_breasts(shared_data: Path, tmp_path: Path) -> None:
    """Its network is torchvision's.

    The weights are drawn. The reference is told not to fetch published ones before, and to do what torchvision does to
    the values where they are fetched.
    """
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    exec(OPERATORS)
    published = shared_data / "monai_zoo" / "not_segmentation" / "breast_density_classification"
    root, reference = tmp_path / "density", tmp_path / "reference"
    shutil.copytree(published, root)
    write_inception(root)
    shutil.copytree(root, reference)
    config = json.loads((root / "configs" / "inference.json").read_text())
    del config["import"]
    config["network_def"] |= {"pretrained": False, "transform_input": True}
    (reference / "configs" / "inference.json").write_text(json.dumps(config))
    images = coloured(grey_radiographs(shared_data, tmp_path / "grey"), tmp_path / "images")
    theirs, ours = np.array(by_monai(reference, images)), np.array(_probabilities(root, images))
    print(f"\nlargest difference {np.abs(ours - theirs).max():.2g}")
    assert ours.shape == (3, 4)
    assert np.ptp(theirs, axis=0).max() > 1e-3
    assert np.abs(ours - theirs).max() < 1e-4
    np.testing.assert_array_equal(_probabilities(_exported(root), images), ours)


def write_inception(root: Path) -> None:
    """Weights of a fixed seed, and the statistics of its layers on drawn images: what it says depends on the image."""
    torch.manual_seed(5)
    network = build_torchvision({"model_name": "inception_v3", "num_classes": 4, "pool": None}, "network_def")
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    coarse = torch.rand(6, 3, 7, 7)
    with torch.no_grad():
        network.train()(torch.nn.functional.interpolate(coarse, (299, 299), mode="bilinear"))
    (root / "models").mkdir()
    torch.save(network.state_dict(), root / "models" / "model.pt")
