"""The command line in this process, a small DICOM study of our own to run it on, an empty store and who fills it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_line import start
from MedAISegLib.app.sample_study import write_sample_study
from MedAISegLib.cli.main import main
from MedAISegLib.models import catalogue, download
from MedAISegLib.models.store import find_model

from Testing.unit.publisher import Publisher, publishing

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True, scope="session")
def _engine() -> None:
    """A Python without the engine's packages skips all of this here, not as a failed command."""
    for package in ("torch", "monai", "highdicom"):
        import_module(package)


@pytest.fixture(autouse=True)
def model_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One oblique MR series with a hippocampus in it."""
    folder = tmp_path_factory.mktemp("study") / "series"
    write_sample_study(folder, seed=5)
    return folder


@pytest.fixture(autouse=True)
def _plainly(run_plainly: None) -> None:
    """As all commands here run networks, but those that are processes of their own."""


@pytest.fixture(autouse=True)
def tried_here(tried_here: None) -> None:
    """All of these commands try networks in this process, but in files that have a fixture of this name."""


@pytest.fixture
def run() -> Run:
    """Runs ``medaiseg`` with arguments and a user's answers; its result has exit_code, stdout and stderr."""

    def call(*arguments: object, answers: str | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], answers, prog_name="medaiseg")

    return call


@pytest.fixture
def started() -> Iterator[Start]:
    """Starts the command line as a process of its own; what still runs at the end of the test is killed."""
    processes = []

    def call(*arguments: object, before: str = "") -> subprocess.Popen[str]:
        processes.append(start(*arguments, before=before))
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    return find_model("hippocampus")


@pytest.fixture
def mine(embedded_model: Path, tmp_path: Path) -> Path:
    """A model of our own in a folder."""
    return Path(shutil.copytree(embedded_model, tmp_path / "mine"))


@pytest.fixture
def archive(mine: Path, tmp_path: Path) -> Path:
    """The same, packed by anybody."""
    return Path(shutil.make_archive(str(tmp_path / "mine_v1"), "zip", mine.parent, "mine"))


@pytest.fixture
def publisher(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """Stands in for all publishers: the one server that may be asked without https."""
    with publishing() as there:
        there.files["/mine_v1.zip"] = archive.read_bytes()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

        def network_of(*_: object, offline: bool = False, mirror: str = "") -> download.Network:
            return download.Network(offline, mirror, there.network.policy)

        monkeypatch.setattr(download, "network_of", network_of)
        yield there


@pytest.fixture
def offered(publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A catalogue with one model, on that server; what is called with changes changes its entry."""
    content = publisher.files["/mine_v1.zip"]
    entry = {
        "id": "offered", "name": "Offered", "publisher": "P", "format": "monai_bundle", "source": "p",
        "channels": [{"name": "T1", "modality": "MR"}], "labels": {"1": "spleen"}, "license": "MIT",
        "commercial_use": True,
        "files": [{"url": publisher.url("/mine_v1.zip"), "checksum": f"sha1:{hashlib.sha1(content).hexdigest()}"}],
    }  # fmt: skip
    path = tmp_path / "catalogue.json"
    monkeypatch.setattr(catalogue, "catalogue_file", lambda: path)

    def write(**changes: Any) -> None:
        path.write_text(json.dumps({"models": [], "published": [entry | changes], "structures": {}}), encoding="utf-8")

    write()
    return write
