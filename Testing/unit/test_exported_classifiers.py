"""Models that classify in our own layout: exported ones say what they said, and what cannot be is refused."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import test_classifiers
from classifiers import NETWORK
from MedAISegLib.app.classify import classify
from MedAISegLib.core.errors import Cancelled, ModelError, ResourceError, UsageError
from MedAISegLib.formats import read_model
from MedAISegLib.models.store_progress import StoreProgress, StoreStage
from test_classifiers import as_torchscript, change, probabilities, with_torchvision

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

export_model: Any = pytest.importorskip("MedAISegLib.formats.medaiseg_bundle.writing").export_model
build: Any = pytest.importorskip("MedAISegLib.formats.named_networks").build

pytestmark = pytest.mark.engine

root, picture, torchvision = test_classifiers.root, test_classifiers.picture, test_classifiers.torchvision

RESNET = {
    "block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 8, 8], "spatial_dims": 2, "n_input_channels": 3,
    "num_classes": 2,
}  # fmt: skip
SE = {"in_channels": 3, "num_classes": 2, "spatial_dims": 2}
NETWORKS: dict[str, dict[str, Any]] = {
    "DenseNet": NETWORK,
    "ResNet": RESNET,
    "SEResNet50": SE | {"layers": [1, 1, 1, 1]},
    "EfficientNetBN": SE | {"model_name": "efficientnet-b0"},
}


def with_network(bundle: Path, name: str, arguments: dict[str, Any], size: tuple[int, ...] = (64, 48)) -> Path:
    """The bundle with another network, weights of a fixed seed, and images brought to a size."""
    torch.manual_seed(5)
    network = build(name, json.loads(json.dumps(arguments)), "test")
    for layer in network.modules():
        # Freshly drawn, its scores would hardly depend on the image.
        if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            torch.nn.init.uniform_(layer.running_mean, -0.1, 0.1)
    torch.save(network.state_dict(), bundle / "models" / "model.pt")
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    config["preprocessing"]["transforms"].append({"_target_": "Resized", "keys": "image", "spatial_size": list(size)})
    change(bundle, "inference", network_def={"_target_": name, **arguments}, preprocessing=config["preprocessing"])
    return bundle


def export(bundle: Path, tmp_path: Path, **others: Any) -> Path:
    return export_model(read_model(bundle), bundle, tmp_path / "exported", **others).folder


def files_of(folder: Path) -> set[str]:
    return {file.suffix for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_monai_are_weights_alone_and_say_exactly_what_they_said(
    name: str, root: Path, picture: Path, tmp_path: Path
) -> None:
    exported = export(with_network(root, name, NETWORKS[name]), tmp_path)
    assert files_of(exported) == {".json", ".safetensors"}
    assert probabilities(exported, picture) == probabilities(root, picture)
    before, after = read_model(root).spec, read_model(exported).spec
    assert (after.classes, after.channels, after.sees_slices) == (before.classes, before.channels, before.sees_slices)
    assert after.format == "medaiseg_bundle"
    assert after.name == before.name


def test_so_does_one_that_looks_at_volumes(root: Path, tmp_path: Path) -> None:
    formats = json.loads((root / "configs" / "metadata.json").read_text())["network_data_format"]
    formats["inputs"]["image"]["num_channels"] = 1
    change(root, "metadata", network_data_format=formats)
    with_network(root, "DenseNet", NETWORK | {"spatial_dims": 3, "in_channels": 1}, (32, 40, 24))
    voxels = np.random.default_rng(2).normal(size=(20, 30, 40)).astype(np.float32)
    scan = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(scan))
    exported = export(root, tmp_path)
    assert probabilities(exported, scan) == probabilities(root, scan)
    assert not read_model(exported).spec.sees_slices


def test_a_network_in_torchscript_stays_what_it_is(root: Path, picture: Path, tmp_path: Path) -> None:
    as_torchscript(root, root / "models" / "model.ts", described=False)
    (root / "models" / "model.pt").unlink()
    exported = export(root, tmp_path)
    assert files_of(exported) == {".json", ".ts"}
    assert probabilities(exported, picture) == probabilities(root, picture)


def write_onnx(path: Path, weights: np.ndarray[Any, Any]) -> None:
    """The means of three colours, and from them a score a class."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, None, None])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, weights.shape[1]])
    graph = helper.make_graph(nodes, "network", [image], [scores], [numpy_helper.from_array(weights, "weights")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def test_so_does_one_in_onnx(root: Path, picture: Path, tmp_path: Path) -> None:
    weights = np.array([[2, -1], [-1, 1], [0.5, 3]], np.float32)
    folder, content = described(tmp_path, root)
    write_onnx(folder / "model.onnx", weights)
    content["networks"] = [[{"file": "model.onnx", "dimensions": 2}]]
    (folder / "medaiseg.json").write_text(json.dumps(content))
    again = export_model(read_model(folder), folder, tmp_path / "again").folder
    assert files_of(again) == {".json", ".onnx"}
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(picture))).astype(np.float64)
    scores = ((pixels - pixels.min()) / np.ptp(pixels)).mean(axis=(0, 1)) @ weights
    assert probabilities(again, picture) == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-5)


def test_so_does_one_that_is_exported_again(root: Path, picture: Path, tmp_path: Path) -> None:
    first = export(root, tmp_path)
    (first / "private.txt").write_text("not the model's")
    again = export_model(read_model(first), first, tmp_path / "again")
    assert sorted(file.name for file in again.folder.iterdir()) == ["medaiseg.json", "network_1_1.safetensors"]
    assert "our own layout already" in again.notices[0].message
    assert probabilities(again.folder, picture) == probabilities(root, picture)


def test_a_network_of_torchvision_is_its_weights_and_keeps_the_range_of_values_that_it_takes(
    root: Path, picture: Path, torchvision: list[dict[str, Any]], tmp_path: Path
) -> None:
    with_torchvision(root, model_name="inception_v3", pretrained=True)
    exported = export(root, tmp_path)
    assert files_of(exported) == {".json", ".safetensors"}
    torchvision.clear()
    assert probabilities(exported, picture) == probabilities(root, picture)
    assert [asked["transform_input"] for asked in torchvision] == [True, True]


@pytest.mark.parametrize("arguments", [{"model_name": "vit_b_16"}, {"model_name": "resnet18", "progress": True}])
def test_other_networks_of_torchvision_cannot_be_named(arguments: dict[str, Any], torchvision: list[Any]) -> None:
    with pytest.raises(ModelError, match=r"vit_b_16|progress"):
        build("TorchVisionFCModel", arguments | {"num_classes": 2}, "test")
    assert torchvision == []


def test_a_name_fetches_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the network was asked"))
    build("EfficientNetBN", SE | {"model_name": "efficientnet-b0"}, "test")
    with pytest.raises(ModelError, match="ask for weights from elsewhere"):
        build("EfficientNetBN", SE | {"model_name": "efficientnet-b0", "pretrained": True}, "test")


def described(tmp_path: Path, root: Path) -> tuple[Path, dict[str, Any]]:
    """A folder of our own layout and the content of its description, to be changed."""
    exported = export(root, tmp_path)
    return exported, json.loads((exported / "medaiseg.json").read_text())


def in_stage(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["stages"][0].update(values)


def many_large_channels(content: dict[str, Any]) -> None:
    content["channels"] = [{"name": f"c{number}"} for number in range(64)]
    in_stage(preprocessing=[{"kind": "ReverseAxes"}, {"kind": "ResizeTo", "size": [4096, 4096, 0]}])(content)


IMPOSSIBLE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "segments too": (lambda c: c.update(segments=[{"label_value": 1, "name": "x"}]), "segments and classes"),
    "neither": (lambda c: c.update(classes=[]), "0 segments"),
    "alike": (lambda c: c.update(classes=["A", "A"]), "two classes are alike"),
    "one without a name": (lambda c: c.update(classes=["A", " "]), "has no name"),
    "a name for a terminal": (lambda c: c.update(classes=["A", "\x1b[31m"]), "control characters"),
    "more than the network has": (lambda c: c.update(classes=["A", "B", "C"]), "tells 2 classes apart, and 3 are"),
    "two networks": (lambda c: c.update(networks=[c["networks"][0] * 2]), "one stage with one network"),
    "labels": (in_stage(decision={"kind": "Argmax", "labels": [0, 1]}), "what is to be done with labels"),
    "cleaning": (lambda c: c.update(postprocessing=[{"kind": "FillHoles"}]), "what is to be done with labels"),
    "of volumes": (lambda c: c["networks"][0][0].update(dimensions=3), "2 dimensions, goes slicewise"),
    "not by slices": (in_stage(slicewise=False), "2 dimensions, goes slicewise"),
    "another axis": (lambda c: c["networks"][0][0].update(slice_axis=1), "no slice_axis"),
    "too large": (
        in_stage(preprocessing=[{"kind": "ReverseAxes"}, {"kind": "ResizeTo", "size": [4096, 4096, 4096]}]),
        "too large",
    ),
    "too large for its channels": (many_large_channels, "too large"),
    "other colours": (lambda c: c["channels"].pop(), "does not take 2 channels"),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_cannot_be_is_refused_with_its_reason(case: str, root: Path, tmp_path: Path) -> None:
    folder, content = described(tmp_path, root)
    damage, words = IMPOSSIBLE[case]
    damage(content)
    (folder / "medaiseg.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=words) as caught:
        read_model(folder).build_networks()
    assert caught.value.where
    assert caught.value.remedy


def test_a_preparation_that_gives_no_flat_image_is_told_before_the_network_sees_it(
    root: Path, picture: Path, tmp_path: Path
) -> None:
    folder, content = described(tmp_path, root)
    in_stage(preprocessing=[{"kind": "MinMax"}])(content)
    (folder / "medaiseg.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"\(1, 40, 32\) values, and no flat image"):
        classify(str(folder), [picture], device="cpu")


def test_what_is_stopped_leaves_nothing(root: Path, tmp_path: Path) -> None:
    told: list[StoreProgress] = []

    def poll() -> None:
        if told and told[-1].stage is StoreStage.CHECK:
            raise Cancelled

    (tmp_path / "place").mkdir()
    with pytest.raises(Cancelled):
        export_model(read_model(root), root, tmp_path / "place" / "new", tell=told.append, poll=poll)
    assert list((tmp_path / "place").iterdir()) == []
    assert [progress.stage for progress in told] == [StoreStage.EXPORT, StoreStage.EXPORT, StoreStage.CHECK]


def test_a_network_is_stopped_in_the_middle_of_its_layers(root: Path, tmp_path: Path) -> None:
    with_network(root, "DenseNet", NETWORK)
    calls = []

    def poll() -> None:
        calls.append(1)
        if len(calls) == 8:
            raise Cancelled

    with pytest.raises(Cancelled):
        export(root, tmp_path, poll=poll)
    assert not (tmp_path / "exported").exists()


@pytest.mark.parametrize("kind", ["known by name", "no name"])
def test_a_full_disk_is_told(kind: str, root: Path, tmp_path: Path) -> None:
    """No file may be larger than 4000 bytes, which is how a full disk looks to who writes."""
    resource: Any = pytest.importorskip("resource", reason="there is no limit on the size of files")
    source = read_model(root)
    if kind == "no name":
        source = replace(source, recipes=None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        with pytest.raises(ResourceError, match="it cannot be written") as caught:
            export_model(source, root, tmp_path / "place" / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.where == str(tmp_path / "place" / "new")
    assert "room" in caught.value.remedy
    assert list((tmp_path / "place").iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ResourceError, match=r"cannot be written.*Choose a place where you may write"):
        export_model(read_model(root), root, tmp_path / "file" / "new")
    with pytest.raises(ResourceError, match="cannot be written"):
        export_model(read_model(root), root, tmp_path / ("long" * 100))


def test_a_network_that_no_name_stands_for_becomes_torchscript(root: Path, picture: Path, tmp_path: Path) -> None:
    unnamed = replace(read_model(root), recipes=None)
    exported = export_model(unnamed, root, tmp_path / "exported").folder
    assert files_of(exported) == {".json", ".ts"}
    assert probabilities(exported, picture) == pytest.approx(probabilities(root, picture), abs=1e-6)


def test_nothing_is_written_over(root: Path, tmp_path: Path) -> None:
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "precious").write_text("data")
    with pytest.raises(UsageError, match=r"not empty.*Choose another place") as caught:
        export(root, tmp_path)
    assert caught.value.where == str(tmp_path / "exported")
    assert (tmp_path / "exported" / "precious").read_text() == "data"


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions here")
def test_whoever_may_read_new_files_may_read_all_of_an_export(root: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("plain")
    (root / "LICENSE").write_text("MIT License")
    (root / "LICENSE").chmod(0o600)
    exported = [file for file in export(root, tmp_path).rglob("*") if file.is_file()]
    assert {file.suffix for file in exported} == {".json", ".safetensors", ""}
    assert {file.stat().st_mode for file in exported} == {(tmp_path / "plain").stat().st_mode}


@pytest.mark.skipif(os.name != "posix", reason="links may not be made here")
@pytest.mark.parametrize("name", ["LICENSE", "docs/README.md", "docs"])
def test_a_link_carries_nothing_from_elsewhere_into_an_export(name: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "README.md").write_text("not the model's")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).symlink_to(tmp_path / "private" / ("" if name == "docs" else "README.md"))
    with pytest.raises(ModelError, match=r"link leads out of the model's folder.*Put the file itself"):
        export(root, tmp_path)
    assert not (tmp_path / "exported").exists()


@pytest.mark.skipif(os.name != "posix", reason="links may not be made here")
def test_a_link_within_the_folder_is_followed(root: Path, tmp_path: Path) -> None:
    (root / "docs").mkdir()
    (root / "docs" / "LICENSE").write_text("MIT License")
    (root / "LICENSE").symlink_to("docs/LICENSE")
    (tmp_path / "linked").symlink_to(root)
    exported = export(tmp_path / "linked", tmp_path)
    assert not (exported / "LICENSE").is_symlink()
    assert (exported / "LICENSE").read_text() == "MIT License"
