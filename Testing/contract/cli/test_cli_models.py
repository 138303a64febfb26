"""``medaiseg models`` and ``medaiseg inspect``."""

from __future__ import annotations

import shutil

import nibabel as nib
import numpy as np
import pytest
from command_line import below, document


def test_the_embedded_model_is_listed(run):
    for arguments in (["models"], ["models", "list"]):
        result = run(*arguments)
        assert result.exit_code == 0, result.stderr
        for text in ("hippocampus", "MR", "CC", "MB"):
            assert text in result.stdout


def test_a_model_is_shown_with_channels_labels_codes_and_licence(run):
    result = run("models", "show", "hippocampus")
    assert result.exit_code == 0, result.stderr
    for text in ("Posterior hippocampus", "5366008", "CC", "SHA-256", "--region", "T1", "MB", "model card"):
        assert text in result.stdout


def test_a_model_is_installed_used_and_removed(run, study, embedded_model, model_store, tmp_path):
    shutil.copytree(embedded_model, tmp_path / "mine")
    assert run("models", "install", tmp_path / "mine").exit_code == 0
    assert (model_store / "mine").is_dir()
    assert "mine" in run("models").stdout
    used = run("segment", study, "-m", "mine", "-o", tmp_path / "r", "--format", "nifti", "--json")
    assert used.exit_code == 0, used.stderr
    assert document(used)["provenance"]["model_id"] == "mine"
    assert run("models", "install", tmp_path / "mine").exit_code == 2
    assert run("models", "install", tmp_path / "mine", "--overwrite").exit_code == 0
    assert run("models", "remove", "mine").exit_code == 0
    assert below(model_store) == []
    assert run("models", "show", "mine").exit_code == 4


@pytest.mark.parametrize("damage", ["weights", "description"])
def test_a_damaged_model_is_not_installed(run, embedded_model, model_store, tmp_path, damage):
    shutil.copytree(embedded_model, tmp_path / "mine")
    victim = next((tmp_path / "mine" / "models").glob("*.safetensors"))
    if damage == "description":
        victim = tmp_path / "mine" / "configs" / "inference.json"
    victim.write_bytes(victim.read_bytes()[:3000])
    result = run("models", "install", tmp_path / "mine")
    assert result.exit_code == 4, result.output
    assert below(model_store) == []


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("breast_density_classification", "its weights are missing"),
        ("lung_nodule_ct_detection", "not a segmentation model. Look for one that segments"),
    ],
)
def test_what_is_published_for_another_task_is_refused_where_it_cannot_run(run, shared_data, model_store, folder, said):
    result = run("models", "install", shared_data / "monai_zoo" / "not_segmentation" / folder)
    assert result.exit_code == 4, result.output
    assert said in " ".join(result.stderr.split())
    assert below(model_store) == []


def test_the_embedded_model_stays(run):
    assert run("models", "remove", "hippocampus").exit_code == 4
    assert run("models", "show", "hippocampus").exit_code == 0


def test_inspect_shows_the_grid_of_a_series(run, study):
    result = run("inspect", study)
    assert result.exit_code == 0, result.stderr
    for text in ("Study 1", "MR", "44", "46", "0.9 x 0.9 x 1.2"):
        assert text in result.stdout
    (image,) = document(run("inspect", study, "--json"))["images"]
    assert image["spacing_ijk_mm"] == pytest.approx([0.9, 0.9, 1.2], rel=1e-3)
    assert image["value_range"][0] < image["value_range"][1]
    assert "SAMPLE" not in result.stdout, "the patient's number is not shown"


def test_inspect_says_what_is_odd(run, shared_data):
    result = run("inspect", shared_data / "dicom_quirks" / "ct_gantry_tilt", "--json")
    assert any("tilt" in n["message"] for image in document(result)["images"] for n in image["notices"])


def test_inspect_says_that_a_ct_is_padded(run, shared_data):
    result = run("inspect", shared_data / "ct_liver_dicom" / "CRLM-CT-1004", "--json")
    (image,) = document(result)["images"]
    assert image["value_range"][0] == -3024
    assert [notice["code"] for notice in image["notices"] if notice["code"] == "padding"] == ["padding"]


def test_inspect_lists_what_cannot_be_read_and_why(run, shared_data):
    result = run("inspect", shared_data / "dicom_quirks" / "non_image_objects", "--json")
    assert result.exit_code == 0
    images = document(result)["images"]
    assert len(images) > 3
    assert all("image" in image["problem"] for image in images)


def test_inspect_goes_on_where_an_image_holds_no_number(run, tmp_path):
    for name, value in (("a.nii", np.nan), ("b.nii", 7.0)):
        nib.save(nib.Nifti1Image(np.full((4, 5, 6), value, np.float32), np.eye(4)), tmp_path / name)
    result = run("inspect", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    empty, good = document(result)["images"]
    assert (empty["value_range"], good["value_range"]) == (None, [7.0, 7.0])
    assert "no voxel of it is a number" in " ".join(notice["message"] for notice in empty["notices"])
    assert not good["notices"]
    table = run("inspect", tmp_path)
    assert table.exit_code == 0
    assert "b.nii" in table.stdout


def test_inspect_of_nothing_is_an_error(run, tmp_path):
    assert run("inspect", tmp_path).exit_code == 3
