"""The command line as a process of its own: what is imported when, and what it says of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import below

BEGIN = "from MedAISegLib.cli.start import main; main()"


def in_shell(redirection: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command line with its streams as a shell gives them."""
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", BEGIN]
    command = [*(os.fsencode(str(word)) for word in (*shell, *arguments))]
    return subprocess.run(command, check=False, capture_output=True, env=os.environ | environment)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full here")
@pytest.mark.parametrize("arguments", [("models",), ("inspect", "{study}", "--json"), ("--help",)])
def test_a_full_disk_behind_stdout_is_told(study, arguments):
    done = in_shell("> /dev/full", *(word.format(study=study) for word in arguments))
    assert done.returncode == 5, done.stderr
    assert b"could not be written: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell here")
def test_closed_streams_change_nothing_but_what_is_seen(study, tmp_path):
    done = in_shell("<&- >&- 2>&-", "segment", study, "-m", "hippocampus", "-o", tmp_path / "r", "--format", "nifti")
    assert done.returncode == 0
    assert below(tmp_path / "r") == ["segmentation.json", "segmentation.nii.gz", "segments.csv"]
    assert in_shell("<&- >&- 2>&-", "models", "show", "nope").returncode == 4


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text here")
@pytest.mark.parametrize("as_json", [False, True])
def test_a_name_in_no_encoding_is_spelled_out(study, tmp_path, as_json):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / os.fsdecode(b"\xff\xc3\xa9.dcm")
    path.symlink_to(min(study.iterdir()))
    done = in_shell("", "inspect", path, *["--json"] * as_json, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    if as_json:
        assert json.loads(done.stdout)["images"]


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
