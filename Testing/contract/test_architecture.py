"""The layers, and what may be imported where."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "MedAISeg" / "MedAISegLib"
FOLDERS = ("MedAISeg", "Resources", "Testing", "benchmarks", "tools", "training")
SOURCES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))
LONGEST_FILE = 350

CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]

APP_IN_SLICER = tuple(
    name.removeprefix("MedAISegLib.app.")
    for contract in CONTRACTS
    if contract["name"].startswith("what Slicer's process takes from app")
    for name in contract["source_modules"]
)
"""Modules of app that run in Slicer's own process; the others run in the worker or the command line."""

SLICER_SIDE = {
    "core": sorted((PACKAGE / "core").rglob("*.py")),
    "models": sorted((PACKAGE / "models").rglob("*.py")),
    "app": [PACKAGE / "app" / f"{name}.py" for name in APP_IN_SLICER],
    "slicer_io": sorted((PACKAGE / "slicer_io").rglob("*.py")),
    "slicer_ui": sorted((PACKAGE / "slicer_ui").rglob("*.py")),
}
"""What runs in Slicer's own process, by layer."""

NOT_IN_SLICER = (
    "click", "gdcm", "h5py", "highdicom", "matplotlib", "monai", "nibabel", "openjpeg", "platformdirs", "pooch",
    "psutil", "rich", "safetensors", "torch", "yaml",
)  # fmt: skip
"""What the package depends on and Slicer's Python does not have."""

ONLY_IN_PYDICOM_3 = re.compile(r"pydicom\.(pixels|examples|hooks)|enforce_file_format|from pydicom import .*examples")
"""Slicer has pydicom 2.4 or 3."""

IMPORT_WITHOUT = """
import importlib, sys, types

class NotInSlicer:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name + " is not in Slicer", name=name)

sys.meta_path.insert(0, NotInSlicer())
class Slicers(types.ModuleType):
    # Slicer's own, which no package index has; any name in it is some class.

    def __getattr__(self, name):
        return type(name, (), {{}})

sys.modules |= {{name: Slicers(name) for name in ("qt", "ctk", "slicer.ScriptedLoadableModule")}}
for module in {modules!r}:
    importlib.import_module(module)
"""


def in_repository(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def test_the_layers_hold() -> None:
    pytest.importorskip("importlinter")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_contract_names_all_that_slicers_process_takes_from_app(monkeypatch: pytest.MonkeyPatch) -> None:
    grimp = pytest.importorskip("grimp")
    monkeypatch.syspath_prepend(str(PACKAGE.parent))
    graph = grimp.build_graph("MedAISegLib", cache_dir=None)
    known = {
        module for layer in ("slicer_io", "slicer_ui") for module in graph.find_descendants(f"MedAISegLib.{layer}")
    }
    new = set(known)
    while new:
        new = {module for each in new for module in graph.find_modules_directly_imported_by(each)} - known
        known |= new
    reached = {name.removeprefix("MedAISegLib.app.") for name in known if name.startswith("MedAISegLib.app.")}
    assert reached == set(APP_IN_SLICER)


@pytest.mark.parametrize("layer", SLICER_SIDE)
def test_slicers_side_is_imported_without_what_slicer_lacks(layer: str) -> None:
    if layer.startswith("slicer"):
        pytest.importorskip("slicer_core")
    code = IMPORT_WITHOUT.format(blocked=NOT_IN_SLICER, modules=[module_name(path) for path in SLICER_SIDE[layer]])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_blocked_packages_are_really_blocked() -> None:
    code = IMPORT_WITHOUT.format(blocked=NOT_IN_SLICER, modules=["h5py._hl"])
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "is not in Slicer" in run.stderr


@pytest.mark.parametrize("path", [path for paths in SLICER_SIDE.values() for path in paths], ids=in_repository)
def test_slicers_side_uses_nothing_that_only_a_newer_pydicom_has(path: Path) -> None:
    assert not ONLY_IN_PYDICOM_3.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_file_is_valid_on_the_pythons_of_slicer_and_of_the_tests(version: str) -> None:
    find = subprocess.run([REPOSITORY / "tools" / "find-python", version], capture_output=True, text=True, check=False)
    if find.returncode != 0:
        pytest.skip(f"this machine has no working Python {version}")
    code = "import sys\nfor name in sys.argv[1:]: compile(open(name, encoding='utf-8').read(), name, 'exec')"
    command = [find.stdout.strip(), "-W", "error", "-c", code, *map(str, SOURCES)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", SOURCES, ids=in_repository)
def test_every_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=in_repository)
def test_no_file_names_a_folder_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"{REPOSITORY}/" not in text
    assert f"{Path.home()}/" not in text
