"""Ctrl-C and SIGTERM end ``medaiseg models`` also while a network computes for ever, with nothing half-written."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from command_line import below, ends_cancelled, wait_for_line

pytestmark = pytest.mark.engine

BEGUN_S, LONGEST_S = 0.5, 300.0
"""For the network to be computing, after it was asked to."""
TELLS = """
from MedAISegLib.formats.medaiseg_bundle import networks
forward = networks.CheckedNetwork.forward
def told(*inputs):
    with open({file!r}, "a") as stream:
        stream.write("computing\\n")
    return forward(*inputs)
networks.CheckedNetwork.forward = told
"""
APART = """
from MedAISegLib.engine import own_process
own_process._BEGIN = own_process._BEGIN.replace("from importlib", {tells!r} + "from importlib")
"""
OPTIONS = "--channels=CT CT", "--orientation=RAS", "--spacing=keep", "--intensity=none", "--window=whole"
ANSWERS = (*OPTIONS, "--activation=softmax", "--labels=background, liver")


class Endless(torch.nn.Module):
    """Two classes; for windows of that length, or of any (0), they never come."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while self.length in (0, x.size(2)):
            x = x + 1
        return torch.cat([x, x], dim=1)


def write_network(folder: Path, endless: int = -1) -> Path:
    folder.mkdir(exist_ok=True)
    torch.jit.script(Endless(endless)).save(str(folder / "network.ts"))
    return folder


@pytest.fixture
def model(tmp_path, run) -> Path:
    """A folder that can be installed."""
    (tmp_path / "own").mkdir()
    folder = write_network(tmp_path / "own" / "liver")
    described = run("models", "init", folder, *ANSWERS)
    assert described.exit_code == 0, described.output
    return folder


@pytest.fixture
def endless(model) -> Path:
    """The same, of a network that never comes to an end."""
    return write_network(model, 0)


def content(folder: Path) -> dict[str, bytes]:
    """Of its files; of locks there is nothing to say."""
    return {
        name: (folder / name).read_bytes()
        for name in below(folder)
        if (folder / name).is_file() and not name.endswith(".lock")
    }


@pytest.fixture
def computed(tmp_path) -> Path:
    """A file with a line for each window that a network was given, by whatever process."""
    file = tmp_path / "computed.txt"
    file.touch()
    return file


def telling(computed: Path, *, apart: bool = True) -> str:
    """Where networks are tried in another process, or in that of the command."""
    tells = TELLS.format(file=str(computed))
    return APART.format(tells=tells) if apart else tells


def wait_until_computing(
    process: subprocess.Popen[str], announced: str, computed: Path, *, again: bool = False
) -> None:
    wait_for_line(process, announced)
    before = len(computed.read_text()) if again else 0
    end_s = time.monotonic() + LONGEST_S
    while len(computed.read_text()) == before:
        assert process.poll() is None
        assert time.monotonic() < end_s
        time.sleep(0.02)
    time.sleep(BEGUN_S)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_network_that_never_ends_is_not_waited_for_when_it_is_described(started, tmp_path, number, computed):
    folder = write_network(tmp_path / "liver", 0)
    process = started("models", "init", folder, *ANSWERS, before=telling(computed))
    wait_until_computing(process, "with images of several sizes ...", computed)
    process.send_signal(number)
    ends_cancelled(process)
    assert below(folder) == ["network.ts"]


@pytest.mark.parametrize("described_before", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_description_that_was_not_tried_to_the_end_is_taken_back(started, model, described_before, computed):
    write_network(model, 32)
    if not described_before:
        (model / "medaiseg.json").unlink()
    before = content(model)
    process = started("models", "init", model, *ANSWERS, "--name", "other", "--overwrite", before=telling(computed))
    wait_until_computing(process, "as it is described ...", computed, again=True)
    assert content(model) != before
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
    assert content(model) == before


def test_a_question_of_a_description_is_cancelled(started, tmp_path):
    folder = write_network(tmp_path / "liver")
    patch = """
import click, sys
ask = click.prompt
click.prompt = lambda *a, **k: print("asking", file=sys.stderr, flush=True) or ask(*a, **k)
"""
    process = started("models", "init", folder, before=patch)
    wait_for_line(process, "asking")
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
    assert below(folder) == ["network.ts"]


@pytest.mark.parametrize(
    ("number", "trusting"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--trust",))], ids=["SIGINT", "SIGTERM, trusted"]
)
def test_an_installation_whose_check_never_ends_leaves_the_store_as_it_was(
    run, started, model, tmp_path, number, trusting, computed
):
    assert run("models", "install", model).exit_code == 0
    before = content(tmp_path / "home")
    write_network(model, 0)
    process = started("models", "install", model, "--overwrite", *trusting, before=telling(computed))
    wait_until_computing(process, "or run ...", computed)
    assert content(tmp_path / "home") != before, "the copy is there"
    process.send_signal(number)
    ends_cancelled(process)
    assert content(tmp_path / "home") == before
    assert run("models", "verify", "liver").exit_code == 0
    assert run("models", "remove", "liver").exit_code == 0, "nobody holds the store"


@pytest.mark.slow
def test_a_pack_whose_check_never_ends_leaves_an_empty_store(run, started, endless, model_store, tmp_path, computed):
    shutil.copytree(endless, model_store / "liver")
    assert run("models", "pack", "liver", "--output", tmp_path / "pack.zip").exit_code == 0
    shutil.rmtree(model_store / "liver")
    process = started("models", "unpack", tmp_path / "pack.zip", before=telling(computed))
    wait_until_computing(process, "or run ...", computed)
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
    assert below(model_store) == []


@pytest.mark.slow
def test_a_check_of_what_is_installed_that_never_ends_is_left(started, endless, model_store, computed):
    shutil.copytree(endless, model_store / "liver")
    process = started("models", "verify", "liver", before=telling(computed))
    wait_until_computing(process, "or run ...", computed)
    process.send_signal(signal.SIGTERM)
    ends_cancelled(process)
    assert below(model_store / "liver") == ["medaiseg.json", "network.ts"]


def test_an_export_that_never_ends_is_left_and_writes_nothing(started, endless, tmp_path, computed):
    (tmp_path / "out").mkdir()
    process = started(
        "models", "export", endless, "--output", tmp_path / "out" / "liver", before=telling(computed, apart=False)
    )
    wait_until_computing(process, "as they are written ...", computed)
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
    assert below(tmp_path / "out") == []


def test_what_an_export_left_that_was_killed_is_gone_with_the_next_one(run, started, model, tmp_path, computed):
    write_network(tmp_path / "own" / "liver", 0)
    (tmp_path / "out").mkdir()
    process = started(
        "models", "export", model, "--output", tmp_path / "out" / "liver", before=telling(computed, apart=False)
    )
    wait_until_computing(process, "as they are written ...", computed)
    process.kill()
    process.wait()
    assert [name.split("-")[0] for name in below(tmp_path / "out")][:1] == [".part"]
    write_network(tmp_path / "own" / "liver")
    done = run("models", "export", model, "--output", tmp_path / "elsewhere" / "liver")
    assert done.exit_code == 0, done.output
    assert below(tmp_path / "out") == []


@pytest.mark.parametrize(
    "waiting",
    ["hashlib.pbkdf2_hmac('sha256', b'', b'', 6_000_000)", pytest.param("time.sleep(2)", marks=pytest.mark.slow)],
)
def test_a_model_that_is_being_put_in_place_is_put_there_and_written_down(run, started, model, tmp_path, waiting):
    assert run("models", "install", model).exit_code == 0
    record = tmp_path / "home" / "installed.json"
    before = json.loads(record.read_text())["liver"]["sha256"]
    (model / "LICENSE").write_text("free")
    patch = f"""
import hashlib, sys, time
from MedAISegLib.models import installing
def slow(new, target, old):
    target.replace(old)
    print("moving", file=sys.stderr, flush=True)
    {waiting}
    new.replace(target)
installing._swap_in = slow
"""
    process = started("models", "install", model, "--overwrite", before=patch)
    wait_for_line(process, "moving")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert "Installed as liver." in stdout
    assert json.loads(record.read_text())["liver"]["sha256"] != before
    assert "unchanged since it was installed" in run("models", "verify", "liver").output
    assert below(tmp_path / "home" / "models") == ["liver", *(f"liver/{name}" for name in below(model))]
