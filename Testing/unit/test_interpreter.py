"""Which Python the worker gets, and what of the environment reaches it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_workers import Answers
from MedAISegLib.app.client import WorkerClient
from MedAISegLib.app.interpreter import find_worker_python, worker_command
from MedAISegLib.app.protocol import ModelsRequest
from MedAISegLib.core.errors import ResourceError

PACKAGE_ROOT = Path(__file__).resolve().parents[2] / "MedAISeg"
ME = Path(sys.executable)


def program(folder: Path, name: str = "python", *, text: str = "#!/bin/sh\n") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_setting_comes_before_the_variable_and_that_before_slicers_own(tmp_path: Path) -> None:
    setting, variable, own = (program(tmp_path, name) for name in ("a", "b", "c"))
    environment = {"MEDAISEG_PYTHON": str(variable)}
    assert find_worker_python(str(setting), environment, own) == setting
    assert find_worker_python("", environment, own) == variable
    assert find_worker_python("", {}, own) == own


def test_a_name_is_looked_for_on_the_path(tmp_path: Path) -> None:
    found = program(tmp_path, "python9")
    assert find_worker_python("python9", {"PATH": str(tmp_path)}, None) == found


def test_without_any_the_error_names_both_ways(tmp_path: Path) -> None:
    for slicer_python in (None, tmp_path / "PythonSlicer"):
        with pytest.raises(ResourceError) as caught:
            find_worker_python("", {}, slicer_python)
        assert "Worker's Python" in caught.value.remedy
        assert "MEDAISEG_PYTHON" in caught.value.remedy


def test_what_is_named_and_cannot_be_run_is_not_silently_replaced(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    for name, what in ((str(tmp_path / "absent"), "does not exist"), (str(plain), "cannot be run")):
        with pytest.raises(ResourceError, match=what) as caught:
            find_worker_python(name, {}, ME)
        assert name in caught.value.where
        with pytest.raises(ResourceError, match="MEDAISEG_PYTHON"):
            find_worker_python("", {"MEDAISEG_PYTHON": name}, ME)


def test_pythons_own_variables_do_not_reach_the_worker_and_all_others_do() -> None:
    command = worker_command(
        ME,
        package_root=PACKAGE_ROOT,
        packages=None,
        environment={"PYTHONPATH": "/slicer", "PYTHONHOME": "/slicer", "LD_LIBRARY_PATH": "/lib", "PATH": "/bin"},
        models_home=Path("/data"),
        offline=True,
    )
    assert command.environment == {
        "LD_LIBRARY_PATH": "/lib", "PATH": "/bin", "MEDAISEG_HOME": "/data", "MEDAISEG_OFFLINE": "1",
    }  # fmt: skip
    left = worker_command(
        ME, package_root=PACKAGE_ROOT, packages=None, environment={"PATH": "/bin"}, models_home=None, offline=False
    )
    assert left.environment == {"PATH": "/bin"}


def run_start(*arguments: str, python: Path = ME) -> subprocess.CompletedProcess[str]:
    script = PACKAGE_ROOT / "MedAISegLib" / "app" / "worker_start.py"
    command = [str(python), "-s", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_private_packages_come_first_and_the_scripts_own_folder_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("import sys; raise ImportError(str(sys.path[:3]), name='private')")
    run = run_start(str(PACKAGE_ROOT), str(tmp_path))
    assert "the package private is missing" in run.stdout
    (tmp_path / "numpy" / "__init__.py").write_text(
        f"import sys; assert sys.path[:2] == [{str(tmp_path)!r}, {str(PACKAGE_ROOT)!r}], sys.path\n"
        "import statistics; assert 'MedAISegLib' not in statistics.__file__; raise ImportError('', name='fine')"
    )
    assert "the package fine is missing" in run_start(str(PACKAGE_ROOT), str(tmp_path)).stdout


def test_a_worker_in_a_folder_with_a_space_and_an_umlaut_works_and_lacks_what_is_missing_by_name(
    tmp_path: Path,
) -> None:
    root = tmp_path / "Ein Größen test"
    root.mkdir()
    (root / "MedAISegLib").symlink_to(PACKAGE_ROOT / "MedAISegLib")
    packages = tmp_path / "private ü"
    (packages / "numpy").mkdir(parents=True)
    (packages / "numpy" / "__init__.py").write_text("raise ModuleNotFoundError('gone', name='numpy')")
    command = worker_command(
        ME, package_root=root, packages=packages, environment=os.environ, models_home=None, offline=False
    )
    answers = Answers(WorkerClient(lambda: command, log=lambda _: None))
    error = answers.error_of(answers.ask(ModelsRequest()))
    assert isinstance(error, ResourceError)
    assert "the package numpy is missing" in error.what
    assert "nstall" in error.remedy
    answers.client.close()
