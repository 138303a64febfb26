"""Installing the worker's packages: whole or not at all, with live output, stopped at once, removed with one call."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from MedAISegLib.core.errors import ResourceError, UsageError
from MedAISegLib.slicer_io import dependencies, requirements
from MedAISegLib.slicer_io.dependencies import install, installed, missing, offline_way, torch_state
from MedAISegLib.slicer_io.private_packages import (
    packages_folder,
    packages_home,
    remove_packages,
    size_bytes,
    sweep,
    versions_in,
)
from MedAISegLib.slicer_io.worker_python import WorkerPython, ask_python

from Testing.wheels import entry, write_lists, write_wheel

LATEST = "4.14.5"


def finished(pieces):
    while True:
        try:
            next(pieces)
        except StopIteration as stop:
            return stop.value
        time.sleep(0.005)


@pytest.fixture(scope="module")
def any_python() -> WorkerPython:
    """The Python of the tests as if it were Slicer's: nothing of the list counts that it has itself."""
    python = finished(ask_python(Path(sys.executable), os.environ))
    if not python.pip:
        pytest.skip("this Python has no pip")
    return dataclasses.replace(python, own=True, found={"torch": "2.9.1+cu128"})


@pytest.fixture
def home(tmp_path):
    return tmp_path / "data of the prögram"


def write_wheels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, and the list that asks for it."""
    wheel = write_wheel(folder / "wheels", "safetensors", LATEST, "found = __file__\n")
    write_lists(folder / "lists", entry(wheel))
    monkeypatch.setattr(requirements, "LISTS_FOLDER", folder / "lists")
    return folder / "wheels"


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    return write_wheels(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def once_installed(any_python, tmp_path_factory):
    """The program's data after an installation."""
    folder = tmp_path_factory.mktemp("installed")
    with pytest.MonkeyPatch.context() as patch:
        wheels = write_wheels(folder, patch)
        finished(install(any_python, on_line=lambda _: None, wheels=wheels, home=folder / "home"))
    return folder / "home"


@pytest.fixture
def already_installed(once_installed, home, wheels):
    shutil.copytree(once_installed, home)


@pytest.fixture
def run(any_python, home, wheels):
    """Install from the folder; gives the lines that were told."""

    def call(**options):
        lines: list[str] = []
        finished(install(any_python, on_line=lines.append, wheels=wheels, home=home, **options))
        return lines

    return call


def only_entry(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_installed_is_in_use_and_complete(run, any_python, home):
    lines = run()
    folder = packages_folder(any_python.tag, home)
    assert versions_in(folder) == {"safetensors": LATEST}
    assert missing(any_python, home) == ()
    assert [(s.name, s.found, s.is_right) for s in installed(any_python, home)] == [
        ("safetensors", LATEST, True),
        ("torch", "2.9.1+cu128", True),
    ]
    assert any("Successfully installed" in line for line in lines)
    assert only_entry(folder.parent) == sorted([folder.name, "current"])


def test_before_an_installation_everything_is_missing(any_python, home, wheels):
    assert packages_folder(any_python.tag, home) is None
    assert [state.name for state in missing(any_python, home)] == ["safetensors"]
    assert not home.exists()


@pytest.mark.usefixtures("already_installed")
def test_a_new_version_takes_the_place_of_the_old_one(run, any_python, home, wheels, tmp_path):
    old = packages_folder(any_python.tag, home)
    write_lists(tmp_path / "lists", entry(write_wheel(wheels, "safetensors", "5.0.0")))
    assert [(s.wanted, s.found) for s in missing(any_python, home)] == [("5.0.0", LATEST)]
    run()
    assert versions_in(packages_folder(any_python.tag, home)) == {"safetensors": "5.0.0"}
    assert not old.exists()


@pytest.mark.usefixtures("already_installed")
@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda wheels: write_wheel(wheels, "safetensors", LATEST, "other = True\n"), "checksum differs"),
        (lambda wheels: (wheels / f"safetensors-{LATEST}-py3-none-any.whl").unlink(), f"safetensors=={LATEST}"),
    ],
    ids=["another content", "no file"],
)
def test_what_cannot_be_installed_leaves_the_old_one_in_use(run, any_python, home, wheels, break_it, message):
    before = packages_folder(any_python.tag, home)
    break_it(wheels)
    with pytest.raises(ResourceError, match=message):
        run()
    assert packages_folder(any_python.tag, home) == before
    assert only_entry(before.parent) == sorted([before.name, "current"])


def test_a_package_that_does_not_work_is_not_put_in_use(run, any_python, home, wheels, tmp_path):
    write_lists(tmp_path / "lists", entry(write_wheel(wheels, "safetensors", LATEST, "import nothing_of_this_name")))
    with pytest.raises(ResourceError, match="safetensors was installed and does not work here: ModuleNotFoundError"):
        run()
    assert packages_folder(any_python.tag, home) is None


def test_monai_is_not_imported_where_there_is_no_torch(run, any_python, home, wheels, tmp_path):
    write_lists(tmp_path / "lists", entry(write_wheel(wheels, "monai", "1.6.1", "import nothing_of_this_name")))
    without = dataclasses.replace(any_python, found={})
    finished(install(without, on_line=lambda _: None, wheels=wheels, home=home))
    assert [state.name for state in missing(without, home)] == ["torch"]


def test_stopping_ends_pip_at_once_and_leaves_nothing(any_python, home, wheels):
    psutil = pytest.importorskip("psutil")
    pieces = install(any_python, on_line=lambda _: None, wheels=wheels, home=home)
    next(pieces)
    (pip,) = [p for p in psutil.Process().children() if "private_pip.py" in " ".join(p.cmdline())]
    started_s = time.monotonic()
    pieces.close()
    assert time.monotonic() - started_s < 1.0
    assert not pip.is_running() or pip.status() == psutil.STATUS_ZOMBIE
    assert only_entry(packages_home(home) / any_python.tag) == []


def test_offline_it_is_refused_with_the_way_to_do_it(any_python, home, wheels):
    with pytest.raises(UsageError, match=rf"strict offline.*pip download .*--dest wheels safetensors=={LATEST}"):
        next(install(any_python, on_line=lambda _: None, offline=True, home=home))
    assert not home.exists()


def test_offline_a_folder_of_files_will_do(run, any_python, home):
    run(offline=True)
    assert missing(any_python, home) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"pip": ""}, "has no pip"), ({"version": "3.9.10"}, "its version is 3.9.10, and 3.11")],
)
def test_a_python_that_cannot_install_is_refused_before_anything_is_written(any_python, home, wheels, change, message):
    with pytest.raises(ResourceError, match=message):
        next(install(dataclasses.replace(any_python, **change), on_line=print, wheels=wheels, home=home))
    assert not home.exists()


def test_too_little_space_is_said_before_anything_is_written(any_python, home, wheels, monkeypatch):
    nearly_full = shutil.disk_usage(wheels)._replace(free=10 * 1024**2)
    monkeypatch.setattr(dependencies.shutil, "disk_usage", lambda _: nearly_full)
    with pytest.raises(ResourceError, match="10 MB are free"):
        next(install(any_python, on_line=print, wheels=wheels, home=home))
    assert not home.exists()


def test_a_folder_that_cannot_be_written_is_named(any_python, tmp_path, wheels):
    occupied = tmp_path / "a file"
    occupied.touch()
    with pytest.raises(ResourceError, match="cannot be written"):
        next(install(any_python, on_line=print, wheels=wheels, home=occupied))


def test_what_a_users_pip_is_set_to_for_other_work_leads_it_nowhere_else(any_python, home, wheels, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    settings = dict.fromkeys(("USER", "REQUIRE_VIRTUALENV", "DRY_RUN", "QUIET"), "1") | {"NO_BINARY": ":all:"}
    settings |= dict.fromkeys(("TARGET", "PREFIX", "ROOT", "CONSTRAINT", "REQUIREMENT"), str(elsewhere))
    environment = {**any_python.environment, **{f"PIP_{name}": value for name, value in settings.items()}}
    python = dataclasses.replace(any_python, environment=environment)
    finished(install(python, on_line=lambda _: None, wheels=wheels, home=home))
    assert missing(python, home) == ()
    assert not elsewhere.exists()


@pytest.mark.usefixtures("already_installed")
def test_removing_leaves_nothing(any_python, home):
    assert finished(size_bytes(home)) > 100
    finished(remove_packages(home))
    assert list(home.iterdir()) == []
    assert packages_folder(any_python.tag, home) is None


def test_removing_what_is_not_there_does_nothing(home):
    finished(remove_packages(home))
    assert not home.exists()


def test_the_leftovers_of_a_killed_installation_go_with_the_next_but_not_one_on_its_way(run, any_python, home):
    place = packages_home(home) / any_python.tag
    abandoned, recent = place / "part-0a0b0c0d", place / "part-11223344"
    for part in (abandoned, recent):
        (part / "packages").mkdir(parents=True)
    days_ago = time.time() - 3 * 24 * 3600
    os.utime(abandoned, (days_ago, days_ago))
    run()
    assert not abandoned.exists()
    assert recent.exists()
    finished(sweep(any_python.tag, home))
    assert versions_in(packages_folder(any_python.tag, home))


@pytest.mark.usefixtures("already_installed")
@pytest.mark.parametrize("named", ["../elsewhere", "", "no such"])
def test_a_line_that_names_no_folder_counts_as_nothing_installed(any_python, home, named):
    (packages_home(home) / any_python.tag / "current").write_text(named, encoding="ascii")
    assert packages_folder(any_python.tag, home) is None


def test_torch_that_is_too_old_is_named_with_its_version(any_python):
    old = torch_state(dataclasses.replace(any_python, found={"torch": "2.2.2"}))
    assert (old.wanted, old.found, old.is_right) == (">=2.8", "2.2.2", False)


def test_a_python_that_has_all_itself_gets_nothing(any_python, home, wheels):
    complete = dataclasses.replace(any_python, own=False, found={"safetensors": "4.0", "torch": "2.9"})
    lines: list[str] = []
    finished(install(complete, on_line=lines.append, home=home))
    assert lines == ["This Python has all packages itself."]
    assert not home.exists()


def test_the_commands_for_another_computer_name_its_system(any_python, wheels):
    windows = dataclasses.replace(any_python, tag="cp312-win_amd64")
    assert offline_way(windows) == (
        "python -m pip download --no-deps --only-binary :all: --python-version 3.12 --platform win_amd64 "
        f"--dest wheels safetensors=={LATEST}"
    )
    mac = dataclasses.replace(any_python, tag="cp313-macosx_11_0_arm64")
    assert "--python-version 3.13 --platform macosx_14_0_arm64 " in offline_way(mac)


def test_a_program_that_is_no_python_is_said_to_give_no_answer(tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho rubbish\n", encoding="ascii")
    program.chmod(0o755)
    with pytest.raises(ResourceError, match="gave no answer"):
        finished(ask_python(program, os.environ))


def test_asking_what_is_there_imports_none_of_it():
    code = (
        "import sys; from MedAISegLib.slicer_io.worker_python import slicers_python; from pathlib import Path; "
        "print(slicers_python(Path(sys.executable), {}).found); "
        "print(sorted({'torch', 'monai', 'highdicom', 'pydicom'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, imported = run.stdout.splitlines()
    assert "pydicom" in found
    assert imported == "[]"
