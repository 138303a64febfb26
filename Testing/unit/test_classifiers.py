"""Bundles that classify: what is read of them, and networks that come as TorchScript."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from classifiers import NETWORK, write_classifier
from MedAISegLib.app.classify import classify
from MedAISegLib.core.errors import ModelError, ResourceError
from MedAISegLib.formats import read_model

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

pytestmark = pytest.mark.engine


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_classifier(tmp_path / "density")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(2).integers(0, 255, (40, 32, 3), dtype=np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(tmp_path / "picture.png"))
    return tmp_path / "picture.png"


def change(root: Path, name: str, **values: Any) -> None:
    path = root / "configs" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def probabilities(path: Path, picture: Path) -> list[float]:
    (image,) = classify(str(path), [picture], device="cpu").images
    return [found.probability for found in image.classes]


def as_torchscript(root: Path, path: Path, *, described: bool) -> Path:
    ((network,),) = read_model(root).build_networks()
    texts = {f"{name}.json": (root / "configs" / f"{name}.json").read_bytes() for name in ("metadata", "inference")}
    traced = torch.jit.trace(network, torch.rand(1, NETWORK["in_channels"], 40, 32))
    torch.jit.save(traced, str(path), texts if described else None)
    return path


def test_a_model_of_three_channels_without_names_takes_colours(root: Path) -> None:
    spec = read_model(root).spec
    assert [channel.name for channel in spec.channels] == ["R", "G", "B"]
    assert spec.classes == ("A", "B")
    assert spec.segments == ()
    assert spec.sees_slices


def test_a_network_of_a_class_that_is_not_known_runs_from_torchscript(root: Path, picture: Path) -> None:
    expected = probabilities(root, picture)
    as_torchscript(root, root / "models" / "model.ts", described=False)
    change(root, "inference", network_def={"_target_": "HoverNet"})
    (root / "models" / "model.pt").unlink()
    assert probabilities(root, picture) == pytest.approx(expected, abs=1e-6)


def test_scores_that_are_no_numbers_are_an_error_and_no_table(root: Path, picture: Path) -> None:
    path = root / "models" / "model.pt"
    weights = torch.load(path, weights_only=True)
    for name, values in weights.items():
        if "norm" in name and name.endswith("weight"):
            values.fill_(1e30)
    torch.save(weights, path)
    with pytest.raises(ModelError, match="the network's scores are no numbers"):
        probabilities(root, picture)


def test_without_it_the_refusal_names_the_class(root: Path) -> None:
    change(root, "inference", network_def={"_target_": "HoverNet"})
    with pytest.raises(ModelError, match=r"a classification model that is not supported: .*'HoverNet'"):
        read_model(root)


def test_a_lone_file_with_its_description_classifies(root: Path, picture: Path, tmp_path: Path) -> None:
    path = as_torchscript(root, tmp_path / "lone.ts", described=True)
    assert read_model(path).spec.id == "lone"
    assert probabilities(path, picture) == pytest.approx(probabilities(root, picture), abs=1e-6)


@pytest.mark.parametrize("names", [{"0": "A"}, {"0": "A", "1": "A"}], ids=["too few", "alike"])
def test_classes_that_do_not_fit_the_network_are_refused(root: Path, names: dict[str, str]) -> None:
    formats = json.loads((root / "configs" / "metadata.json").read_text())["network_data_format"]
    formats["outputs"]["pred"]["channel_def"] = names
    change(root, "metadata", network_data_format=formats)
    with pytest.raises(ModelError, match="class"):
        read_model(root)


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A stand-in whose networks give the means of the colours; what they were asked with."""
    asked: list[dict[str, Any]] = []

    class Means(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(3, 1000)

        def forward(self, image: Any) -> Any:
            return self.fc(image.mean(dim=(2, 3)))

    def network(**options: Any) -> Any:
        asked.append(options)
        return Means()

    models = ModuleType("torchvision.models")
    models.inception_v3 = models.resnet50 = network
    package = ModuleType("torchvision")
    package.models = models
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    return asked


def with_torchvision(root: Path, **arguments: Any) -> Path:
    entry = {"_target_": "TorchVisionFCModel", "num_classes": 2, "pool": None, **arguments}
    change(root, "inference", network_def=entry)
    weights = {"fc.weight": torch.tensor([[2.0, -1.0, 0.5], [-1.0, 1.0, 3.0]]), "fc.bias": torch.tensor([0.1, -0.2])}
    torch.save(weights, root / "models" / "model.pt")
    return root


def test_a_network_of_torchvision_ends_in_the_bundles_own_layer(
    root: Path, picture: Path, torchvision: list[dict[str, Any]]
) -> None:
    found = probabilities(with_torchvision(root, model_name="resnet50", pretrained=True), picture)
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(picture))).astype(np.float64)
    means = ((pixels - pixels.min()) / np.ptp(pixels)).mean(axis=(0, 1))
    scores = np.array([[2.0, -1.0, 0.5], [-1.0, 1.0, 3.0]]) @ means + [0.1, -0.2]
    assert found == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-5)
    assert torchvision == [{"weights": None}]


@pytest.mark.parametrize("pretrained", [True, False])
def test_inception_takes_the_range_of_values_that_its_published_weights_had(
    root: Path, picture: Path, torchvision: list[dict[str, Any]], *, pretrained: bool
) -> None:
    probabilities(with_torchvision(root, model_name="inception_v3", pretrained=pretrained), picture)
    assert [asked["transform_input"] for asked in torchvision] == [pretrained]


@pytest.mark.parametrize("arguments", [{"model_name": "vit_b_16"}, {"model_name": "resnet50", "node_name": "permute"}])
def test_other_networks_of_torchvision_are_refused(root: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"vit_b_16|node_name"):
        read_model(with_torchvision(root, **arguments))


def test_without_torchvision_the_error_names_it(root: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ResourceError, match=r"torchvision is missing.*PyTorch extension"):
        probabilities(with_torchvision(root, model_name="resnet50"), picture)
