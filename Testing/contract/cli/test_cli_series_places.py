"""A series that holds images of two orientations: listed, asked about, and answered from the command line."""

from __future__ import annotations

import shutil

import numpy as np
import pydicom
import pytest
from command_line import document
from MedAISegLib.core.errors import InputError, UsageError
from read_back import read_nifti


@pytest.fixture
def mixed(study, tmp_path):
    """The study's series, and before it one with the patient's axes exchanged, under the same UID."""
    folder = tmp_path / "mixed"
    shutil.copytree(study, folder / "second")
    (folder / "first").mkdir()
    for path in study.rglob("*"):
        if path.is_file():
            dataset = pydicom.dcmread(path)
            x, y, z = dataset.ImagePositionPatient
            dataset.ImagePositionPatient = [y, z, x]
            (a, b, c), (d, e, f) = dataset.ImageOrientationPatient[:3], dataset.ImageOrientationPatient[3:]
            dataset.ImageOrientationPatient = [b, c, a, e, f, d]
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SOPInstanceUID}.1"
            dataset.save_as(folder / "first" / path.name)
    return folder


@pytest.fixture
def uid(study):
    return pydicom.dcmread(next(path for path in study.rglob("*") if path.is_file())).SeriesInstanceUID


def test_inspect_tells_what_each_is_called(run, mixed, uid):
    images = document(run("inspect", mixed, "--json"))["images"]
    assert [image["names"] for image in images] == [[f"{uid}:1"], [f"{uid}:2"]]
    table = "".join(run("inspect", mixed).stdout.split())
    assert ":1│" in table
    assert ":2│" in table


@pytest.mark.parametrize("series", [False, True], ids=["folder", "series"])
def test_a_folder_of_both_is_a_question_that_lists_these_names(run, mixed, uid, tmp_path, series):
    named = ("--series", uid) if series else ()
    result = run("segment", mixed, *named, "-m", "hippocampus", "-o", tmp_path / "r")
    assert result.exit_code == InputError.exit_code
    assert f"{uid}:1" in result.stderr
    assert f"{uid}:2" in result.stderr
    assert not (tmp_path / "r").exists()


def test_its_name_takes_the_one(run, mixed, study, uid, tmp_path):
    options = ("-m", "hippocampus", "--format", "nifti")
    alone = run("segment", study, *options, "-o", tmp_path / "alone")
    chosen = run("segment", mixed, "--series", f"{uid}:2", *options, "-o", tmp_path / "chosen")
    assert alone.exit_code == chosen.exit_code == 0, alone.stderr + chosen.stderr
    expected, found = (read_nifti(tmp_path / name / "segmentation.nii.gz") for name in ("alone", "chosen"))
    assert expected.layers.any()
    np.testing.assert_array_equal(found.layers, expected.layers)
    wrong = run("segment", mixed, "--series", f"{uid}:3", *options, "-o", tmp_path / "wrong")
    assert wrong.exit_code == UsageError.exit_code
