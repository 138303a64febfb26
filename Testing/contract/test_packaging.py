"""What Slicer's build packages is what is in the tree."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tools"))

import cmake_lists  # noqa: E402

SLICER_STAND_IN = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${Slicer_USE_FILE})
set(Slicer_EXTENSION_CPACK ${Slicer_USE_FILE})
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  foreach(file ${MODULE_SCRIPTS} ${MODULE_RESOURCES})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
      message(FATAL_ERROR "missing: ${file}")
    endif()
  endforeach()
  message(STATUS "module ${MODULE_NAME}")
endfunction()
macro(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT})
    message(FATAL_ERROR "missing: ${MY_SCRIPT}")
  endif()
  get_filename_component(name ${MY_SCRIPT} NAME_WE)
  message(STATUS "test py_${MY_TESTNAME_PREFIX}${name} ${MY_SLICER_ARGS}")
endmacro()
"""
"""What a build of Slicer gives to an extension, as far as this project asks for it."""


def test_cmake_lists_every_file_of_the_module_once_and_no_other() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this copy of the source is no git checkout")
    text = cmake_lists.CMAKE_FILE.read_text(encoding="utf-8")
    for variable, expected in cmake_lists.lists_of(cmake_lists.files_in_git()).items():
        found = re.search(rf"set\({variable}\n([^)]*)\)", text)
        assert found
        assert sorted(found[1].split()) == expected, "make cmake-lists writes the lists"


def configured(tmp_path: Path, *options: str) -> str:
    """What CMake says of the project, with a stand-in for Slicer's build."""
    cmake = shutil.which("cmake")
    if cmake is None or shutil.which("cc") is None:
        pytest.skip("cmake or a compiler is not installed")
    (tmp_path / "SlicerConfig.cmake").write_text(SLICER_STAND_IN, encoding="utf-8")
    (tmp_path / "empty.cmake").touch()
    command = [cmake, "-S", str(REPOSITORY), "-B", str(tmp_path / "build"), f"-DSlicer_DIR={tmp_path}", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_cmake_reads_the_project_and_finds_every_file_it_names(tmp_path: Path) -> None:
    said = configured(tmp_path)
    assert "module MedAISeg" in said
    assert "test py_" not in said


def test_ctest_runs_every_test_of_the_application_and_needs_no_window(tmp_path: Path) -> None:
    said = configured(tmp_path, "-DBUILD_TESTING=ON")
    tests = {path.stem for path in (REPOSITORY / "Testing" / "slicer" / "Python").glob("test_*.py")}
    assert tests
    assert set(re.findall(r"test py_nomainwindow_(\w+)", said)) == tests
    assert said.count("--no-main-window") == len(tests)


def test_no_packaged_name_needs_quotes_in_cmake() -> None:
    assert not [name for name in cmake_lists.files_in_git() if re.search(r"[^\w./+-]", name)]


def test_the_lists_are_replaced_and_nothing_else() -> None:
    text = "set(A a)\nset(MODULE_PYTHON_SCRIPTS\n  gone.py\n  )\nset(MODULE_PYTHON_RESOURCES\n  )\n# end\n"
    lists = cmake_lists.lists_of(["m.py", "x/n.py", "x/LICENSE", "y.json"])
    written = cmake_lists.with_lists(text, lists)
    assert written == (
        "set(A a)\nset(MODULE_PYTHON_SCRIPTS\n  m.py\n  x/n.py\n  )\n"
        "set(MODULE_PYTHON_RESOURCES\n  x/LICENSE\n  y.json\n  )\n# end\n"
    )


def test_what_the_module_needs_beside_its_scripts_is_packaged() -> None:
    resources = cmake_lists.lists_of(cmake_lists.files_in_git())["MODULE_PYTHON_RESOURCES"]
    needed = ("UI/MedAISeg.ui", "Requirements/worker.txt", "Requirements/if-missing.txt", "SampleData/sample_study.png")
    assert {f"Resources/{name}" for name in needed} <= set(resources)


def test_the_extension_and_its_project_have_one_name() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "project(MedAISeg)" in text
    assert (REPOSITORY / "MedAISeg.json").stem == "MedAISeg"


def test_the_index_entry_is_what_its_schema_asks_for() -> None:
    entry = json.loads((REPOSITORY / "MedAISeg.json").read_text(encoding="utf-8"))
    required = {"$schema": str, "category": str, "scm_url": str}
    optional = {"scm_revision": str, "build_dependencies": list, "build_subdirectory": str, "tier": int}
    assert set(required) <= set(entry)
    assert all(isinstance(value, (required | optional)[key]) for key, value in entry.items())
    assert entry["tier"] in (1, 3, 5)
    assert entry["$schema"].endswith("schema-v1.0.1.json#")


def test_the_index_entry_and_cmake_agree() -> None:
    entry = json.loads((REPOSITORY / "MedAISeg.json").read_text(encoding="utf-8"))
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    variables = dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', text))
    assert variables["CATEGORY"] == entry["category"]
    assert variables["DEPENDS"].split() == entry["build_dependencies"]
    assert {"HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS"} <= set(variables)


def test_icon_and_screenshots_of_the_index_are_files_of_the_repository() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    addresses = re.findall(r'set\(EXTENSION_(?:ICONURL|SCREENSHOTURLS) "([^"]+)"\)', text)
    assert len(addresses) == 2
    pictures = [address.partition("/MedAISeg/main/")[2] for listed in addresses for address in listed.split()]
    assert all(name and (REPOSITORY / name).is_file() for name in pictures), pictures


def test_the_address_that_is_not_known_yet_stands_in_as_few_places_as_can_be() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this copy of the source is no git checkout")
    found = subprocess.run(
        ["git", "grep", "-l", "https://example.com/MedAISeg"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(found.stdout.split()) == {
        "CMakeLists.txt",
        "CONTRIBUTING.md",
        "MedAISeg.json",
        "Testing/contract/test_packaging.py",
    }


def test_every_requirement_is_pinned() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    names = {plain(line.split("==")[0]) for line in pins.splitlines() if "==" in line}
    assert {plain(re.split(r"[<>=!~ ]", r)[0]) for r in wanted} <= names


def test_no_pin_is_tied_to_one_machines_build() -> None:
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in pins if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)]


def plain(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
