"""Bundles that classify: what is read of them, and networks that come as TorchScript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from classifiers import NETWORK, write_classifier
from MedAISegLib.app.classify import classify
from MedAISegLib.core.errors import ModelError
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
    change(root, "inference", network_def={"_target_": "TorchVisionFCModel", "model_name": "inception_v3"})
    (root / "models" / "model.pt").unlink()
    assert probabilities(root, picture) == pytest.approx(expected, abs=1e-6)


def test_without_it_the_refusal_names_the_class(root: Path) -> None:
    change(root, "inference", network_def={"_target_": "TorchVisionFCModel", "model_name": "inception_v3"})
    with pytest.raises(ModelError, match=r"a classification model that is not supported: .*'TorchVisionFCModel'"):
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
