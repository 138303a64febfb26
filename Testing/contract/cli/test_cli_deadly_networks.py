"""Networks in TorchScript that end the process which runs them, or never let go of it: refused in words."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from command_line import below
from fake_workers import Answers
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.interpreter import WorkerCommand
from MedAISegLib.app.store_protocol import InstallModelRequest, ModelsRequest, VerifyRequest
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import checking

from Testing.described_models import description, write_description

PACKAGE_ROOT = Path(__file__).parents[3] / "MedAISeg"
MODEL = 4
SIGFPE = "division" if sys.platform == "win32" else "SIGFPE"
ANSWERS = (
    "--channels=CT CT", "--orientation=RAS", "--spacing=keep", "--intensity=none", "--window=whole",
    "--activation=softmax", "--labels=background, liver, tumour",
)  # fmt: skip
divides = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="other processors divide whole numbers by zero"
)


class Divides(torch.nn.Module):
    """By a whole number that is zero."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = torch.nn.Conv3d(1, 3, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        length = values.size(2)
        return self.scores(values) + float(length % (length - length))


class Endless(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        number = 0
        while number >= 0:
            number = (number + 1) % 1000
        return torch.cat([values, values, values], dim=1)


class Giant(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.cat([values, values, values], dim=1) + torch.ones([1 << 50]).sum()


class Growing(torch.nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        kept = [values]
        while len(kept) > 0:
            kept.append(values.repeat(1, 256, 1, 1, 1))
        return torch.cat([values, values, values], dim=1)


def folder_of(network: torch.nn.Module, folder: Path) -> Path:
    folder.mkdir(parents=True)
    torch.jit.script(network).save(str(folder / "model.ts"))
    return write_description(folder, description())


DIVIDES = pytest.param((Divides, SIGFPE, 600.0), marks=divides, id="divides")
OTHERS = {
    "endless": (Endless, "there was no end", 6.0),
    "giant": (Giant, "more memory", 600.0),
    "growing": (Growing, "more memory", 600.0),
}
ALL = [DIVIDES, *(pytest.param(other, id=name) for name, other in OTHERS.items())]
QUICKLY = [DIVIDES, *(pytest.param(other, id=name, marks=pytest.mark.slow) for name, other in OTHERS.items())]
"""Where the check is the one of an installation."""


@pytest.fixture(autouse=True)
def tried_here() -> None:
    """They are not: each would end this process."""


@pytest.fixture
def deadly(request, monkeypatch) -> tuple[torch.nn.Module, str]:
    """A network, and what is said of it where 1.5 GB of memory are much."""

    class Memory:
        available = 2e9

    network, reason, longest_s = request.param
    monkeypatch.setattr(checking, "_LONGEST_S", longest_s)
    monkeypatch.setattr(checking.psutil, "virtual_memory", Memory)
    return network(), reason


def require_refused(result, reason: str) -> None:
    assert result.exit_code == MODEL, result.output
    assert "model.ts: " in result.stderr
    assert reason in result.stderr
    assert "sk its author" in result.stderr


@pytest.mark.parametrize("deadly", ALL, indirect=True)
def test_it_is_not_installed(run, model_store, tmp_path, deadly):
    network, reason = deadly
    require_refused(run("models", "install", folder_of(network, tmp_path / "own")), reason)
    assert below(model_store) == []


@pytest.mark.parametrize("deadly", QUICKLY, indirect=True)
def test_one_that_lies_in_the_store_is_told_of(run, model_store, deadly):
    network, reason = deadly
    folder_of(network, model_store / "own")
    require_refused(run("models", "verify", "own"), reason)


@pytest.mark.parametrize("deadly", QUICKLY, indirect=True)
def test_it_is_not_described(run, tmp_path, deadly):
    network, reason = deadly
    folder = folder_of(network, tmp_path / "own")
    (folder / "medaiseg.json").unlink()
    require_refused(run("models", "init", folder, *ANSWERS), reason)
    assert below(folder) == ["model.ts"]


@divides
def test_one_that_torch_runs_while_it_is_opened(run, model_store, tmp_path):
    """What depends on no image is computed then."""
    folder = folder_of(Divides(), tmp_path / "own")
    _replace(folder / "model.ts", b"torch.size(values, 2)", b"5")
    require_refused(run("models", "install", folder), SIGFPE)
    assert below(model_store) == []


def _replace(file: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(file) as archive:
        content = {entry: archive.read(entry) for entry in archive.namelist()}
    assert any(old in data for data in content.values())
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data.replace(old, new))


@divides
def test_onnx_divides_too(run, model_store, tmp_path):
    """Its smallest whole number by -1, which onnxruntime does not look for."""
    pytest.importorskip("onnxruntime", reason="an optional package")
    write_overflow(tmp_path / "own" / "model.onnx")
    result = run("models", "install", write_description(tmp_path / "own", description("model.onnx")))
    assert result.exit_code == MODEL, result.output
    assert "model.onnx: " in result.stderr
    assert SIGFPE in result.stderr
    assert below(model_store) == []


def write_overflow(path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="an optional package")
    make = onnx.helper
    node, value = make.make_node, make.make_tensor_value_info
    divided = {"least": -(2**63), "one": -1}
    numbers = [make.make_tensor(name, onnx.TensorProto.INT64, [1], [number]) for name, number in divided.items()]
    nodes = [
        node("Shape", ["image"], ["shape"]),
        node("Sub", ["shape", "shape"], ["zeros"]),
        node("Add", ["zeros", "least"], ["dividend"]),
        node("Add", ["zeros", "one"], ["divisor"]),
        node("Div", ["dividend", "divisor"], ["quotient"]),
        node("Cast", ["quotient"], ["numbers"], to=onnx.TensorProto.FLOAT),
        node("ReduceSum", ["numbers"], ["sum"], keepdims=0),
        node("Add", ["image", "sum"], ["score"]),
        node("Concat", ["score", "score", "score"], ["scores"], axis=1),
    ]
    ends = [value(name, onnx.TensorProto.FLOAT, [None] * 5) for name in ("image", "scores")]
    graph = make.make_graph(nodes, "network", ends[:1], ends[1:], numbers)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def answers(tmp_path) -> Iterator[Answers]:
    """Of the worker as Slicer starts it."""
    script = PACKAGE_ROOT / "MedAISegLib" / "app" / "worker_start.py"
    own = {"MEDAISEG_HOME": str(tmp_path / "home"), "MEDAISEG_MODELS_PATH": ""}
    command = WorkerCommand((sys.executable, str(script), str(PACKAGE_ROOT), ""), {**os.environ, **own})
    client = WorkerClient(lambda: command, log=lambda line: print("worker:", line))
    yield Answers(client)
    client.close()


@divides
def test_the_worker_refuses_it_and_goes_on(answers, model_store, tmp_path):
    folder = folder_of(Divides(), tmp_path / "own")
    error = answers.error_of(answers.ask(InstallModelRequest(str(folder))))
    pid = answers.client.pid
    assert isinstance(error, ModelError)
    assert error.where.endswith("model.ts")
    assert below(model_store) == []
    shutil.copytree(folder, model_store / "own")
    (check,) = (check for check in answers.of(answers.ask(VerifyRequest("own"))).checks)
    assert "model.ts: it ended the process" in check.problem
    assert answers.of(answers.ask(ModelsRequest())).models
    assert answers.client.pid == pid
