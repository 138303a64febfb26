"""The hashed lists name what the worker imports, and nothing that is Slicer's or the PyTorch extension's."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from MedAISegLib.slicer_io import requirements
from MedAISegLib.slicer_io.requirements import MINIMA, MODULES, TORCH, is_at_least, listed, private_requirements

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "MedAISeg" / "MedAISegLib"
WORKER_LAYERS = ("app", "engine", "exporters", "formats", "models", "readers", "core")
OPTIONAL = {"ignite", "onnxruntime", "openvino"}
"""What few models need, or run faster by: the error that names it says how to install it."""
LOOKED_UP = {"filelock", "pooch", "requests", "truststore", "urllib3"}
"""Asked for by name when something is downloaded or installed (models.extras)."""
COMMAND_LINE_ONLY = {"click", "matplotlib", "rich"}
SLICERS = {
    "certifi": "2024.12.14", "charset-normalizer": "3.4.0", "filelock": "3.16.1", "idna": "3.10", "numpy": "2.0.2",
    "packaging": "24.2", "pillow": "11.1.0", "requests": "2.32.3", "simpleitk": "", "typing_extensions": "4.12.2",
    "urllib3": "2.2.3",
}  # fmt: skip
"""What a Slicer of version 5.10 brings along, with what the PyTorch extension installs."""


def names(title: str) -> set[str]:
    return {entry.name for entry in listed(title)}


def imported_by_the_worker() -> set[str]:
    """Modules of neither Python nor this package, by the source files of what the worker runs."""
    found: set[str] = set()
    for path in (path for layer in WORKER_LAYERS for path in (PACKAGE / layer).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"MedAISegLib"} - OPTIONAL


def test_every_module_that_the_worker_imports_is_in_the_lists():
    listed_modules = {MODULES[name] for name in names("worker") | names("if-missing")} | {TORCH}
    assert imported_by_the_worker() | LOOKED_UP <= listed_modules


@pytest.mark.parametrize("title", requirements.LIST_TITLES)
def test_each_entry_is_pinned_and_hashed_and_nothing_else_stands_there(title):
    text = (requirements.LISTS_FOLDER / f"{title}.txt").read_text(encoding="utf-8")
    rest = text
    for entry in listed(title):
        rest = rest.replace(entry.text, "")
        hashes = re.findall(r"sha256:([0-9a-f]{64})", entry.text)
        assert hashes
        assert len(set(hashes)) == len(hashes)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []


def test_nothing_of_slicers_own_is_installed_in_slicer():
    wanted = {entry.name for entry in private_requirements("cp312-win_amd64", SLICERS, own=True)}
    assert wanted == names("worker")
    assert not {"numpy", "simpleitk", "vtk", TORCH} & wanted


def test_a_python_of_another_origin_gets_what_it_lacks_and_keeps_what_will_do():
    found = {"numpy": "1.26.4", "simpleitk": "2.3.1", "monai": "1.6.0", "pydicom": "2.4.4"}
    wanted = {entry.name for entry in private_requirements("cp312-linux_x86_64", found, own=False)}
    assert {"numpy", "pydicom", "pillow", "packaging", "highdicom"} <= wanted
    assert not {"simpleitk", "monai", "importlib_resources"} & wanted
    older = {entry.name for entry in private_requirements("cp311-linux_x86_64", found, own=False)}
    assert older - wanted == {"importlib_resources"}


def test_slicers_python_gets_its_own_copies_whatever_other_extensions_installed():
    found = SLICERS | {"monai": "1.7.0", "pydicom": "3.0.1"}
    assert {"monai", "pydicom"} <= {entry.name for entry in private_requirements("cp312-x", found, own=True)}


def test_the_versions_are_those_that_the_project_is_tested_with():
    pins = dict(
        re.findall(r"^([\w.-]+)==(\S+)$", (REPOSITORY / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    )
    pins = {name.lower(): version for name, version in pins.items()}
    for entry in (*listed("worker"), *listed("if-missing")):
        assert pins[entry.name.lower()] == entry.version, "make requirements-list writes the lists"


def test_what_is_looked_up_by_name_is_known_to_this_test():
    asked = set()
    for path in (PACKAGE / "models").rglob("*.py"):
        asked |= set(re.findall(r"\bextra(?:_or_none)?\(\"(\w+)\"\)", path.read_text(encoding="utf-8")))
    assert asked == LOOKED_UP


def test_what_a_python_must_have_is_what_the_package_asks_for():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = dict(requirement.lower().split(">=") for requirement in project["dependencies"])
    minima = {name.lower(): version for name, version in MINIMA.items()}
    # Slicer builds SimpleITK itself, of whatever version; the older ones do as well.
    for name in set(asked) - COMMAND_LINE_ONLY - {TORCH, "simpleitk"}:
        assert minima[name] == asked[name]


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ("2.13.0+cpu", "2.8", True),
        ("2.2.2", "2.8", False),
        ("2.10", "2.9", True),
        ("2.8", "2.8.0", True),
        ("", "3.0", True),
        ("3.0rc1", "3.0", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version, minimum, expected):
    assert is_at_least(version, minimum) is expected
