"""Descriptions of networks that no machine could hold are refused before memory is taken."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
bounded_building = pytest.importorskip("MedAISegLib.formats.bounded_building")
monai_networks = pytest.importorskip("MedAISegLib.formats.monai_networks")
build = pytest.importorskip("MedAISegLib.formats.named_networks").build

from Testing.described_models import description, write_description  # noqa: E402
from Testing.nnunets import architecture, configuration, write_model  # noqa: E402
from Testing.unit.test_monai_networks import ARGUMENTS  # noqa: E402

pytestmark = pytest.mark.engine

WIDE = 60_000
HUGE: list[tuple[str, dict[str, Any]]] = [
    ("UNet", {"channels": [WIDE, WIDE], "strides": [2]}),
    ("SegResNet", {"blocks_down": [100_000, 1]}),
    ("SegResNet", {"init_filters": WIDE}),
    ("SegResNetDS", {"init_filters": WIDE}),
    ("SwinUNETR", {"feature_size": 12 * 10_000}),
    ("UNETR", {"hidden_size": WIDE, "mlp_dim": WIDE}),
    ("DynUNet", {"filters": [WIDE] * 3}),
    ("MedNeXt", {"init_filters": WIDE}),
]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is below the bounds is made, which takes its time."""
    monkeypatch.setattr(bounded_building, "MOST_LAYERS", 2_000)
    monkeypatch.setattr(bounded_building, "MOST_NUMBERS", 2**22)


def arguments_of(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    return {**ARGUMENTS[name], **changes}


@pytest.fixture
def _little_memory() -> Any:
    """A network that is built nevertheless meets a limit, and not the end of the machine."""
    resource = pytest.importorskip("resource", reason="no limit on memory can be set here")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (24 * 2**30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.usefixtures("_little_memory")
@pytest.mark.parametrize(("name", "changes"), HUGE, ids=[f"{name}-{next(iter(changes))}" for name, changes in HUGE])
def test_a_network_beyond_all_bounds_is_not_built(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="would have more than"):
        build(name, arguments_of(name, changes), "model")


def test_as_little_is_one_of_nnunet_or_meshnet() -> None:
    pytest.importorskip("dynamic_network_architectures")
    wide = architecture(3)["arch_kwargs"] | {"features_per_stage": [WIDE, WIDE]}
    with pytest.raises(ModelError, match="would have more than"):
        build("PlainConvUNet", {**wide, "input_channels": 1, "num_classes": 3, "deep_supervision": False}, "model")
    layers = {"widths": [4096] * 9, "dilations": [1] * 8, "biases": [True] * 8}
    with pytest.raises(ModelError, match="would have more than"):
        build("MeshNet", layers, "model")


COUNTED = [
    ("UNet", {"num_res_units": 10**9}),
    ("SegResNetDS", {"blocks_down": [10**7]}),
    ("SegResNet", {"blocks_down": [1] * 30_000}),
    ("UNet", {"channels": [[[4]] * 200] * 200}),
    ("MedNeXt", {"spatial_dims": -(10**9)}),
    ("DiNTS", {"num_classes": torch.zeros(1).expand(10**9)}),
]


@pytest.mark.parametrize(("name", "changes"), COUNTED, ids=[f"{name}-{next(iter(c))}" for name, c in COUNTED])
def test_with_numbers_and_lists_that_no_network_has_its_class_is_not_called(
    name: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from MedAISegLib.formats.monai_networks import nets

    def called(self: Any, **arguments: Any) -> None:
        raise ValueError("it was called")

    monkeypatch.setattr(getattr(nets, name), "__init__", called)
    monkeypatch.setattr(monai_networks, "_arguments_of", lambda _kind: set(arguments_of(name, changes)))
    with pytest.raises(ModelError, match="would have more than"):
        monai_networks.build_architecture(name, arguments_of(name, changes), "model")


def test_nor_is_that_of_nnunet(monkeypatch: pytest.MonkeyPatch) -> None:
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    monkeypatch.setattr(unet, "PlainConvUNet", lambda **_: 1 // 0)
    for blocks in ([10**9, 1], [1] * 30_000):
        said = architecture(3)["arch_kwargs"] | {"n_conv_per_stage": blocks}
        with pytest.raises(ModelError, match="would have more than"):
            build("PlainConvUNet", said, "model")


def test_layers_without_weights_are_counted_in_the_thread_that_builds() -> None:
    others: list[Any] = []
    with bounded_building.bounded_building("model", {}):
        elsewhere = Thread(target=lambda: others.append(many_layers()))
        elsewhere.start()
        elsewhere.join()
        torch.nn.Sequential(torch.nn.ReLU())
    assert len(others) == 1
    with pytest.raises(ModelError, match="2000 layers"), bounded_building.bounded_building("model", {}):
        many_layers()
    assert len(many_layers()) == 2_001


def many_layers() -> Any:
    return torch.nn.Sequential(*(torch.nn.ReLU() for _ in range(2_001)))


def test_the_networks_of_a_model_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dynamic_network_architectures")
    two, many = (read_model(write_model(tmp_path / name, folds=tuple(name))) for name in ("01", "01234"))
    weights = sum(weight.numel() for weight in two.build_networks()[0][0].parameters())
    monkeypatch.setattr(bounded_building, "MOST_NUMBERS", 3 * weights)
    assert [len(two.build_networks()[0]) for _ in range(2)] == [2, 2]
    with pytest.raises(ModelError, match="would have more than"):
        many.build_networks()


def shared_weights(path: Path) -> None:
    """In the checkpoint one number stands for all of each weight."""
    content = torch.load(path, weights_only=False)
    one = torch.ones(1)
    content["network_weights"] = {name: one.expand(v.shape) for name, v in content["network_weights"].items()}
    torch.save(content, path)


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """nnU-Net's, of 40,000 weights in two folds."""
    pytest.importorskip("dynamic_network_architectures")
    monkeypatch.setattr(bounded_building, "MOST_UNSTORED", 0)
    described = architecture(3)
    described["arch_kwargs"]["features_per_stage"] = [16, 32]
    return write_model(
        tmp_path / "wide", configurations={"3d_fullres": configuration(architecture=described)}, folds=("0", "1")
    )


def test_no_network_is_larger_than_its_files(wide: Path) -> None:
    assert len(read_model(wide).build_networks()[0]) == 2
    for fold in (0, 1):
        shared_weights(wide / f"fold_{fold}" / "checkpoint_final.pth")
    with pytest.raises(ModelError, match="more weights than their files can hold"):
        read_model(wide).build_networks()


def test_nor_are_networks_of_which_most_share_one_file(wide: Path) -> None:
    first = wide / "fold_0" / "checkpoint_final.pth"
    for fold in range(2, 9):
        (wide / f"fold_{fold}").mkdir()
        (wide / f"fold_{fold}" / "checkpoint_final.pth").hardlink_to(first)
    with pytest.raises(ModelError, match="more weights than their files can hold"):
        read_model(wide).build_networks()


@pytest.mark.parametrize("name", sorted(ARGUMENTS.keys() - {"DiNTS"}))
def test_what_is_stored_in_16_bits_is_built(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from MedAISegLib.formats.checkpoint import with_weights
    from safetensors.torch import save_model

    monkeypatch.setattr(bounded_building, "MOST_NUMBERS", 2**31)
    monkeypatch.setattr(bounded_building, "MOST_UNSTORED", 0)
    save_model(build(name, ARGUMENTS[name], "model").half(), str(tmp_path / "model.safetensors"))
    with bounded_building.counted_together():
        with_weights(lambda: build(name, ARGUMENTS[name], "model"), tmp_path / "model.safetensors")


def test_it_is_refused_before_its_memory_is_taken() -> None:
    tracemalloc.start()
    with pytest.raises(ModelError):
        build("UNet", arguments_of("UNet", {"channels": [WIDE, WIDE], "strides": [2]}), "model")
    assert tracemalloc.get_traced_memory()[1] < 2**27
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("network", "what"),
    [
        ({"architecture": "Eval", "arguments": {}}, "none of the networks that are known by name"),
        ({"architecture": "UNet", "arguments": {"flavour": "sweet"}}, "no argument flavour"),
        ({"architecture": "UNet", "arguments": {"in_channels": "many"}}, "cannot be built"),
        ({"architecture": "FlexibleUNet", "arguments": {"pretrained": True}}, "from elsewhere"),
        ({"architecture": "PlainConvUNet", "arguments": {"conv_op": "os.system"}}, "nnU-Net does not use"),
        ({"architecture": "MeshNet", "arguments": {"widths": [1, 2], "dilations": [1], "biases": []}}, "do not fit"),
        ({"architecture": "MeshNet", "arguments": {"widths": [1, -2], "dilations": [1], "biases": [True]}}, "too wide"),
        ({"architecture": "MeshNet", "arguments": {"widths": "many"}}, "expected a list"),
        ({"architecture": "DiNTS", "arguments": {"dints_space": {"tensor": ["a"], "dtype": "int8"}}}, "no tensor"),
        ({"architecture": "UNet", "arguments": {}, "slice_axis": 3}, "across the axis 3"),
    ],
)  # fmt: skip
def test_a_description_by_name_that_cannot_be_is_refused(network: dict[str, Any], what: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    write_description(tmp_path, description(networks=[[{"file": "model.safetensors"} | network]]))
    with pytest.raises(ModelError, match=what):
        read_model(tmp_path).build_networks()
