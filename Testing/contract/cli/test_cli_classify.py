"""``medaiseg classify``: a table of classes and probabilities."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch

NETWORK = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 2,
    "init_features": 4,
    "growth_rate": 2,
    "block_config": [2],
}


@pytest.fixture
def classifier(tmp_path):
    """A bundle that tells two classes apart, of pictures with three channels."""
    from monai.networks.nets import DenseNet

    root = tmp_path / "density"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    config = {
        "network_def": {"_target_": "DenseNet", **NETWORK},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": 2},
                {"_target_": "ScaleIntensityd", "keys": "image"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}],
        },
    }
    image = {"num_channels": 3, "spatial_shape": [32, 32], "channel_def": {"0": "image"}}
    prediction = {"format": "labels", "num_channels": 2, "channel_def": {"0": "A", "1": "B"}}
    metadata = {"name": "Density", "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": prediction}}}
    (root / "configs" / "inference.json").write_text(json.dumps(config))
    (root / "configs" / "metadata.json").write_text(json.dumps(metadata))
    torch.manual_seed(3)
    torch.save(DenseNet(**NETWORK).state_dict(), root / "models" / "model.pt")
    return root


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(2)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        sitk.WriteImage(sitk.GetImageFromArray(random.integers(0, 255, (40, 32), dtype=np.uint8)), str(path))
    return paths


def test_each_picture_has_a_row(run, classifier, pictures, tmp_path):
    table = tmp_path / "table.csv"
    done = run("classify", *pictures, "--model", classifier, "--output", table, "--json", "--device", "cpu")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert [image["image"] for image in document["images"]] == ["one.png", "two.png"]
    for image in document["images"]:
        assert list(image["probabilities"]) == ["A", "B"]
        assert sum(image["probabilities"].values()) == pytest.approx(1)
        assert image["best"] == max(image["probabilities"], key=image["probabilities"].get)
    assert document["provenance"]["model_name"] == "Density"
    heading, first, second = csv.reader(table.read_text(encoding="utf-8").splitlines())
    assert heading == ["image", "best", "A", "B"]
    assert float(first[2]) == pytest.approx(document["images"][0]["probabilities"]["A"], abs=1e-5)
    assert first[2] != second[2]
    assert run("classify", *pictures, "--model", classifier, "--output", table).exit_code == 2


def test_a_table_for_people(run, classifier, pictures):
    done = run("classify", pictures[0], "--model", classifier, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "Density" in done.stdout
    assert "one.png" in done.stdout


def test_models_of_other_kinds_are_told_apart(run, classifier, embedded_model, pictures, study, tmp_path):
    refused = run("classify", study, "--model", embedded_model)
    assert refused.exit_code == 4
    assert "segmentation model" in refused.stderr
    refused = run("segment", pictures[0], "--model", classifier, "--output", tmp_path / "output")
    assert refused.exit_code == 4
    assert "classification model" in refused.stderr
    path = classifier / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["network_def"] = {"_target_": "RetinaNet"}
    path.write_text(json.dumps(config))
    refused = run("classify", pictures[0], "--model", classifier)
    assert refused.exit_code == 4
    assert "detection model" in refused.stderr


def test_own_code_is_not_run(run, classifier, pictures, tmp_path):
    path = classifier / "configs" / "inference.json"
    config = json.loads(path.read_text())
    config["postprocessing"]["transforms"].append({"_target_": "os.system", "command": f"touch {tmp_path / 'canary'}"})
    path.write_text(json.dumps(config))
    assert run("classify", pictures[0], "--model", classifier).exit_code == 4
    assert not (tmp_path / "canary").exists()
