"""The command line as a process of its own: signals, and what is imported when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import below

CANCELLED = 6


@pytest.fixture(scope="module")
def large_image(tmp_path_factory) -> Path:
    """Noise of so many windows that a run takes minutes."""
    path = tmp_path_factory.mktemp("large") / "noise.nii"
    voxels = np.random.default_rng(0).integers(0, 500, (260, 260, 260), dtype=np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    return path


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from MedAISegLib.cli.main import main; main()", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_line(process: subprocess.Popen[str], ending: str) -> None:
    """Until the process has said so on stderr; it is killed if it never does."""
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    for line in process.stderr:
        if line.rstrip().endswith(ending):
            break
    else:
        pytest.fail(f"it never said {ending!r}")
    watchdog.cancel()


@pytest.mark.engine
@pytest.mark.parametrize(("stage", "number"), [("infer", signal.SIGINT), ("load model", signal.SIGTERM)])
def test_a_signal_ends_the_run_soon_and_leaves_nothing(large_image, tmp_path, stage, number):
    (tmp_path / "out").mkdir()
    process = start("segment", large_image, "-m", "hippocampus", "-o", tmp_path / "out" / "r", "--format", "nifti")
    wait_for_line(process, stage)
    time.sleep(1.0)
    asked = time.monotonic()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == CANCELLED, stderr
    assert "cancelled" in stderr
    assert "Traceback" not in stderr
    assert below(tmp_path / "out") == []
    assert time.monotonic() - asked < 20, "a second on a machine with nothing else to do"


@pytest.mark.engine
@pytest.mark.parametrize("delay_s", [0.0, 0.2, 0.5])
def test_a_signal_while_files_are_written_leaves_none(study, tmp_path, delay_s):
    (tmp_path / "out").mkdir()
    process = start("segment", study, "-m", "hippocampus", "-o", tmp_path / "out" / "r")
    wait_for_line(process, "write")
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == CANCELLED, stderr
    assert "Traceback" not in stderr
    assert below(tmp_path / "out") == []


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
