"""The command line as a process of its own: what is imported when, and what it says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["segment", "--help"], ["models", "--help"], ["demo", "--help"]])
def test_help_comes_without_the_engine(arguments):
    code = (
        "import sys; from MedAISegLib.cli.main import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "loaded = {'torch', 'monai', 'SimpleITK', 'highdicom', 'matplotlib', 'vtk', 'slicer'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout


def test_examples_of_the_help_keep_their_lines(run):
    lines = [line.strip() for line in run("segment", "--help").stdout.splitlines()]
    assert lines[lines.index("Examples:") + 1].startswith("medaiseg segment scan/ ")


def test_the_version_is_the_packages(run):
    from MedAISegLib import __version__

    assert __version__ in run("--version").stdout


def test_an_unknown_command_is_a_usage_error(run):
    assert run("sgement").exit_code == 2


def test_a_fault_of_our_own_says_how_to_report_it(run, study, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise AssertionError("this cannot be")

    monkeypatch.setattr("MedAISegLib.app.study.list_images", broken)
    arguments = ("segment", study, "-m", "hippocampus", "-o", tmp_path / "r")
    short = run(*arguments)
    assert short.exit_code == 1
    assert "this cannot be" in short.stderr
    assert "--debug" in short.stderr
    assert "Traceback" not in short.stderr
    assert "Traceback" in run("--debug", *arguments).stderr
