"""Ctrl-C and SIGTERM end the command line wherever it is, with nothing half-written."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from command_line import CANCELLED, below, ends_cancelled, wait_for_line

STUCK = """
import hashlib, sys
def stuck(*_, **__):
    print("stuck", file=sys.stderr, flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # minutes, all of them outside of Python
"""


@pytest.fixture(scope="module")
def large_image(tmp_path_factory) -> Path:
    """Noise of so many windows that a run takes most of a minute."""
    path = tmp_path_factory.mktemp("large") / "noise.nii"
    voxels = np.random.default_rng(0).integers(0, 500, (160, 160, 160), dtype=np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    return path


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "image.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(30, 40, 30))), str(path))
    return path


@pytest.fixture
def output(tmp_path) -> Path:
    """A folder that does not exist in one that is empty."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "result"


@pytest.mark.engine
@pytest.mark.parametrize(("stage", "number"), [("infer", signal.SIGINT), ("load model", signal.SIGTERM)])
def test_a_signal_ends_the_run_soon_and_leaves_nothing(started, large_image, output, stage, number):
    process = started("segment", large_image, "-m", "hippocampus", "-o", output, "--format", "nifti")
    wait_for_line(process, stage)
    time.sleep(1.0)
    process.send_signal(number)
    ends_cancelled(process)
    assert below(output.parent) == []


@pytest.mark.engine
def test_hammering_on_ctrl_c_does_not_disturb_the_cleaning_up(started, large_image, output):
    process = started("segment", large_image, "-m", "hippocampus", "-o", output, "--format", "nifti")
    wait_for_line(process, "infer")
    for _ in range(8):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    ends_cancelled(process)
    assert below(output.parent) == []


@pytest.mark.engine
@pytest.mark.parametrize("delay_s", [0.0, pytest.param(0.4, marks=pytest.mark.slow)])
def test_a_signal_while_files_are_written_leaves_none(started, study, output, delay_s):
    process = started("segment", study, "-m", "hippocampus", "-o", output)
    wait_for_line(process, "write")
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
    assert below(output.parent) == []


@pytest.mark.parametrize("command", ["segment", "inspect"])
def test_a_library_that_reads_for_minutes_is_not_waited_for(started, image, output, command):
    options = ["-m", "hippocampus", "-o", output] if command == "segment" else []
    patch = "import SimpleITK\nSimpleITK.ImageFileReader.Execute = stuck"
    process = started(command, image, "--json", *options, before=f"{STUCK}{patch}")
    wait_for_line(process, "stuck")
    process.send_signal(signal.SIGINT)
    assert json.loads(ends_cancelled(process))["error"]["exit_code"] == CANCELLED
    assert below(output.parent) == []


@pytest.mark.engine
def test_a_library_that_writes_for_minutes_is_not_waited_for_and_leaves_nothing(started, study, output):
    patch = "from MedAISegLib.exporters import nifti\nnifti.write_nifti = stuck"
    process = started("segment", study, "-m", "hippocampus", "-o", output, before=f"{STUCK}{patch}")
    wait_for_line(process, "stuck")
    assert below(output.parent), "the files are being made"
    process.send_signal(signal.SIGTERM)
    ends_cancelled(process)
    assert below(output.parent) == []


@pytest.mark.engine
def test_files_that_are_being_put_in_place_are_put_there_wholly(started, study, output):
    patch = """
import sys, time
from MedAISegLib.cli import output
original = output._move_into_place
def slow(*places):
    print("moving", file=sys.stderr, flush=True)
    time.sleep(3)
    original(*places)
output._move_into_place = slow
"""
    arguments = ("segment", study, "-m", "hippocampus", "-o", output, "--format", "nifti", "--json")
    process = started(*arguments, before=patch)
    wait_for_line(process, "moving")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert json.loads(stdout)["status"] == "done"
    assert below(output) == ["segmentation.json", "segmentation.nii.gz", "segments.csv"]


def test_a_signal_while_the_command_line_is_loaded(started):
    patch = """
import sys, time
class Slow:
    def find_spec(self, name, *_):
        if name == "click":
            print("loading", file=sys.stderr, flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
"""
    process = started("inspect", "nowhere", before=patch)
    wait_for_line(process, "loading")
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)


def test_a_question_that_is_not_answered_is_cancelled_by_ctrl_c(started):
    patch = """
import click, sys
click.prompt = lambda *_, **__: print("asking", file=sys.stderr, flush=True) or input()
from MedAISegLib.cli import models
@models.command.command("ask")
def ask(): click.prompt("?")
"""
    process = started("models", "ask", before=patch)
    wait_for_line(process, "asking")
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)


def test_before_the_command_line_begins_ctrl_c_is_no_traceback(started):
    patch = """
import sys, time
from MedAISegLib.cli import start
print("imported", file=sys.stderr, flush=True)
time.sleep(600)
"""
    process = started(before=patch)
    wait_for_line(process, "imported")
    process.send_signal(signal.SIGINT)
    ends_cancelled(process)
