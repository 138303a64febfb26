"""A bundle's network with its weights: in every wrapping, from safe files only, and never another model's."""

from __future__ import annotations

import argparse
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundles import write_bundle
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model
from MedAISegLib.formats.checkpoint import fit_weights

torch = pytest.importorskip("torch")
nets = pytest.importorskip("monai.networks.nets")
safetensors_torch = pytest.importorskip("safetensors.torch")

pytestmark = pytest.mark.engine

NETWORK = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2]}
State = dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    def change(_: dict[str, Any], config: dict[str, Any]) -> None:
        config["network_def"] = {"_target_": "UNet", **NETWORK}
        config["checkpointloader"] = {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'"}
        config["checkpointloader"]["load_dict"] = {"segmenter": "@network_def"}

    folder = write_bundle(tmp_path, change)
    (folder / "models").mkdir()
    return folder


@pytest.fixture
def state() -> State:
    torch.manual_seed(3)
    return dict(nets.UNet(**NETWORK).state_dict())


def build(root: Path) -> Any:
    return read_model(root).build_networks()[0][0]


def assert_built_with(root: Path, state: State) -> None:
    network = build(root)
    assert not network.training
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: state,
        lambda state: {"model": state},
        lambda state: {"state_dict": state, "epoch": 5},
        lambda state: {"network": state, "best_metric": np.float64(0.9)},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {"net": {f"_orig_mod.module.{name}": value for name, value in state.items()}},
        lambda state: {"state_dict": {f"net.{name}": value for name, value in state.items()}, "hyper_parameters": {}},
        lambda state: {"net": {"a.b": torch.zeros(1)}, "segmenter": state},
    ],
    ids=["plain", "model", "state_dict", "network", "module.", "_orig_mod.module.", "around", "the loader's item"],
)
def test_weights_are_found_in_every_wrapping(root: Path, state: State, wrapped: Callable[[State], Any]) -> None:
    torch.save(wrapped(state), root / "models" / "model.pt")
    assert_built_with(root, state)


def test_a_file_of_before_torch_1_6_is_read(root: Path, state: State) -> None:
    torch.save(state, root / "models" / "model.pt", _use_new_zipfile_serialization=False)
    assert_built_with(root, state)


def test_weights_stay_when_their_file_is_replaced(root: Path, state: State) -> None:
    path = root / "models" / "model.pt"
    torch.save(state, path)
    network = build(root)
    path.write_bytes(bytes(path.stat().st_size))
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_safetensors_go_before_a_pickle(root: Path, state: State) -> None:
    safetensors_torch.save_file(state, root / "models" / "model.safetensors")
    torch.save({name: value + 1 for name, value in state.items()}, root / "models" / "model.pt")
    assert_built_with(root, state)


def test_missing_weights_are_an_error(root: Path) -> None:
    with pytest.raises(ModelError, match=r"weights are missing: models/model.safetensors or models/model.pt"):
        build(root)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.popitem(), "is missing"),
        (lambda state: state.update(other=torch.zeros(1)), "other is unknown to the network"),
        (lambda state: state.update({name: value[None] for name, value in state.items()}), r"the shape .* \d+ more"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_an_error(
    root: Path, state: State, change: Callable[[State], Any], said: str
) -> None:
    change(state)
    torch.save(state, root / "models" / "model.pt")
    with pytest.raises(ModelError, match=said):
        build(root)


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 half an archive", bytes(5000)])
def test_a_damaged_file_is_an_error(root: Path, name: str, content: bytes) -> None:
    (root / "models" / name).write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        build(root)


def test_a_loss_beside_the_network_is_passed_over(root: Path, state: State) -> None:
    content = {f"net.{name}": value for name, value in state.items()} | {"loss_function.weight": torch.ones(3)}
    torch.save({"state_dict": content}, root / "models" / "model.pt")
    assert_built_with(root, state)


class _Counted(dict):  # type: ignore[type-arg]
    """Says how often it was looked through."""

    passes = 0

    def __iter__(self) -> Any:
        self.passes += 1
        return super().__iter__()

    def items(self) -> Any:
        self.passes += 1
        return super().items()


def test_the_names_of_weights_are_looked_through_a_few_times_however_many_objects_they_are_of() -> None:
    content = _Counted({f"object{n}.weight": torch.ones(1) for n in range(500)})
    with pytest.raises(ModelError, match="do not fit"):
        fit_weights(torch.nn.Linear(1, 1), content, Path("model.pt"))
    assert 0 < content.passes < 10


@pytest.mark.parametrize("other", ["head.weight", "net_2.weight"])
def test_other_weights_beside_the_network_are_an_error(root: Path, state: State, other: str) -> None:
    content = {f"net.{name}": value for name, value in state.items()} | {other: torch.ones(3)}
    torch.save({"state_dict": content}, root / "models" / "model.pt")
    with pytest.raises(ModelError, match="do not fit"):
        build(root)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def test_weights_that_are_no_numbers_are_an_error(root: Path, state: State, value: float, kind: torch.dtype) -> None:
    broken = {name: weight.to(kind) if weight.is_floating_point() else weight for name, weight in state.items()}
    last = [name for name, weight in broken.items() if weight.is_floating_point()][-1]
    broken[last].view(-1)[-1] = value
    torch.save(broken, root / "models" / "model.pt")
    with pytest.raises(ModelError, match=f"{last} holds values that are no numbers"):
        build(root)


@pytest.mark.parametrize("kind", [torch.int8, torch.complex64])
def test_weights_of_another_kind_of_number_are_an_error(root: Path, state: State, kind: torch.dtype) -> None:
    torch.save({name: weight.to(kind) for name, weight in state.items()}, root / "models" / "model.pt")
    with pytest.raises(ModelError, match="no plain numbers"):
        build(root)


def test_a_truncated_file_is_an_error(root: Path, state: State) -> None:
    path = root / "models" / "model.pt"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="damaged"):
        build(root)


def test_a_file_without_weights_is_an_error(root: Path) -> None:
    torch.save({"epoch": 5}, root / "models" / "model.pt")
    with pytest.raises(ModelError, match="no weights"):
        build(root)


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_code_in_the_weights_is_refused_and_not_run(root: Path, tmp_path: Path, write: Callable[..., Any]) -> None:
    marker = tmp_path / "ran"
    write({"model": Hostile(f"touch {marker}")}, root / "models" / "model.pt")
    with pytest.raises(NotTrustedError, match="holds code"):
        build(root)
    assert not marker.exists()


@pytest.mark.parametrize("beside", [argparse.Namespace(epochs=3), Path("/scratch")])
def test_what_no_plain_weights_are_is_named(root: Path, state: State, beside: object) -> None:
    torch.save({"state_dict": state, "args": beside}, root / "models" / "model.pt")
    with pytest.raises(NotTrustedError, match=f"asks for .*{type(beside).__name__}"):
        build(root)


def test_weights_outside_of_the_bundle_are_refused(tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "elsewhere.pt")
    for path in ("../elsewhere.pt", str(tmp_path / "elsewhere.pt")):
        root = tmp_path / str(len(path))
        loader = {"_target_": "CheckpointLoader", "load_path": path}
        root = write_bundle(root, lambda _, config, loader=loader: config.update(handlers=[loader]))
        with pytest.raises(ModelError, match="outside of the bundle"):
            build(root)


def test_a_link_to_weights_outside_of_the_bundle_is_refused(root: Path, tmp_path: Path, state: State) -> None:
    torch.save(state, tmp_path / "elsewhere.pt")
    (root / "models" / "model.pt").symlink_to(tmp_path / "elsewhere.pt")
    with pytest.raises(ModelError, match="outside of the bundle"):
        build(root)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"mystery": 1}, "no argument mystery"),
        ({"channels": [4, 8, 16]}, "cannot be built"),
        ({"norm": "nonsense"}, "cannot be built"),
        ({"channels": "many"}, "cannot be built"),
        ({"channels": None}, "cannot be built"),
    ],
)
def test_a_network_that_cannot_be_built_is_an_error(
    tmp_path: Path, state: State, arguments: dict[str, Any], said: str
) -> None:
    network = {"_target_": "UNet", **NETWORK, **arguments}
    root = write_bundle(tmp_path, lambda _, config: config.update(network_def=network))
    (root / "models").mkdir()
    torch.save(state, root / "models" / "model.pt")
    with pytest.raises(ModelError, match=said):
        build(root)


def dints(tmp_path: Path, node: str = "$torch.from_numpy(@arch['node_a'])") -> Path:
    def change(_: dict[str, Any], config: dict[str, Any]) -> None:
        config["arch"] = "$torch.load(@bundle_root + '/models/arch.pt', map_location=torch.device('cuda'))"
        space = {
            "_target_": "monai.networks.nets.TopologyInstance", "num_blocks": 2, "num_depths": 2, "channel_mul": 0.25,
            "arch_code": ["$@arch['arch_code_a']", "$@arch['arch_code_c']"], "device": "$torch.device('cuda')",
        }  # fmt: skip
        config["network_def"] = {
            "_target_": "monai.networks.nets.DiNTS", "dints_space": space, "in_channels": 1, "num_classes": 3,
            "node_a": node,
        }  # fmt: skip

    root = write_bundle(tmp_path, change)
    (root / "models").mkdir()
    architecture = {
        "node_a": np.ones((3, 2), np.float32),
        "arch_code_a": np.ones((2, 4), np.float32),
        "arch_code_c": np.ones((2, 4), np.int64),
    }
    torch.save(architecture, root / "models" / "arch.pt")
    space = nets.TopologyInstance(
        [architecture["arch_code_a"], architecture["arch_code_c"]], 0.25, num_blocks=2, num_depths=2
    )
    network = nets.DiNTS(space, 1, 3, node_a=torch.ones(3, 2))
    torch.save(network.state_dict(), root / "models" / "model.pt")
    return root


def test_an_architecture_is_read_from_its_own_file(tmp_path: Path) -> None:
    network = build(dints(tmp_path))
    assert network(torch.zeros(1, 1, 16, 16, 16)).shape == (1, 3, 16, 16, 16)


def test_an_architecture_file_without_the_item_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no item 'node_b'"):
        build(dints(tmp_path, node="$@arch['node_b']"))


def test_code_in_an_architecture_file_is_refused_and_not_run(tmp_path: Path) -> None:
    root, marker = dints(tmp_path), tmp_path / "ran"
    torch.save({"node_a": Hostile(f"touch {marker}")}, root / "models" / "arch.pt")
    with pytest.raises(NotTrustedError, match="holds code"):
        build(root)
    assert not marker.exists()


def test_an_architecture_file_that_is_missing_or_elsewhere_is_an_error(tmp_path: Path) -> None:
    root = dints(tmp_path)
    (root / "models" / "arch.pt").unlink()
    with pytest.raises(ModelError, match=r"missing: models/arch.pt"):
        build(root)
