"""The command line in this process, a small DICOM study of our own to run it on, and an empty model store."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from command_line import start
from MedAISegLib.app.sample_study import write_sample_study
from MedAISegLib.cli.main import main
from MedAISegLib.models.store import find_model

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
