"""Folders of several nnU-Net configurations on the command line: installed, listed, chosen, averaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from MedAISegLib.app.model_requests import list_models
from MedAISegLib.core.progress import Progress

from Testing.contract.cli.test_cli_model_docs import commands, section
from Testing.nnunets import architecture, configuration, write_model

pytest.importorskip("dynamic_network_architectures")
pytestmark = pytest.mark.engine

PLANS = {
    "2d": configuration(patch_size=[24, 16], spacing=[1.5, 1.2], architecture=architecture(2)),
    "3d_fullres": configuration(),
}


def write_dataset(root: Path, plans: str = "nnUNetPlans") -> Path:
    for name in PLANS:
        folder = root / "Dataset003_Liver" / f"nnUNetTrainer__{plans}__{name}"
        write_model(folder, name=name, configurations=PLANS, checkpoint={"inference_allowed_mirroring_axes": None})
    return root


@pytest.fixture
def installed(run, tmp_path, model_store):
    """The zip that nnU-Net exports, installed; its id."""
    root = write_dataset(tmp_path / "results")
    archive = shutil.make_archive(str(tmp_path / "exported"), "zip", root)
    result = run("models", "install", archive)
    assert result.exit_code == 0, result.output
    return "Dataset003_Liver"


@pytest.fixture
def ct(tmp_path):
    voxels = np.random.default_rng(0).normal(40, 90, (26, 34, 18)).astype(np.int16)
    path = tmp_path / "ct.nii.gz"
    nib.save(nib.Nifti1Image(voxels, np.diag([1.1, 0.9, 4.0, 1.0])), path)
    return path


def test_each_configuration_is_listed_and_shown(run, installed):
    listed = run("models", "list").stdout.replace("\n", "")
    assert f"{installed}/2d" in listed
    assert "3d_fullres" in run("models", "show", f"{installed}/2d+3d_fullres").stdout
    assert run("models", "verify", installed).exit_code == 0


def test_the_panel_is_given_a_card_of_each(installed):
    cards = {card.id: card for card in list_models(SimpleNamespace(progress=Progress())).models}
    assert {f"{installed}/2d", f"{installed}/3d_fullres", f"{installed}/ensemble"} < set(cards)
    assert cards[f"{installed}/2d"].variant_of == installed
    assert not cards[f"{installed}/2d"].was_installed
    assert cards[installed].was_installed


def test_a_folder_with_two_plans_is_installed_and_each_is_offered(run, ct, tmp_path, model_store):
    root = write_dataset(write_dataset(tmp_path / "results"), "nnUNetResEncUNetMPlans") / "Dataset003_Liver"
    installed = run("models", "install", root)
    assert installed.exit_code == 0, installed.output
    cards = {card.id: card for card in list_models(SimpleNamespace(progress=Progress())).models}
    names = [f"{name}__{plans}" for plans in ("nnUNetPlans", "nnUNetResEncUNetMPlans") for name in PLANS]
    for name in (*names, "ensemble"):
        assert cards[f"{root.name}/{name}"].variant_of == root.name
    for model in (root.name, f"{root.name}/3d_fullres__nnUNetResEncUNetMPlans"):
        result = run("segment", ct, "--model", model, "--output", tmp_path / "out", "--accept", "--overwrite", "--json")
        assert result.exit_code == 0, result.output
        assert ("3d_fullres__nnUNetPlans is run" in result.output) == (model == root.name)


def test_an_ensemble_runs_with_its_probabilities(run, installed, ct, tmp_path, model_store):
    out = tmp_path / "out"
    arguments = (
        "segment",
        ct,
        "--model",
        f"{installed}/2d+3d_fullres",
        "--output",
        out,
        "--format",
        "nifti",
        "--accept",
    )
    result = run(*arguments, "--probabilities", "--json")
    assert result.exit_code == 0, result.output
    files = json.loads(result.stdout)["files"]
    assert [Path(name).name for name in files["probabilities"]] == ["probabilities.nii", "probabilities.json"]
    maps, labels = nib.load(out / "probabilities.nii"), nib.load(out / "segmentation.nii.gz")
    np.testing.assert_allclose(maps.affine, labels.affine, atol=1e-5)
    assert (np.asarray(maps.dataobj).argmax(axis=-1) == np.asarray(labels.dataobj)).all()
    classes = json.loads((out / "probabilities.json").read_text())["classes"]
    assert [one["name"] for one in classes] == ["background", "liver", "tumour"]
    assert run(*arguments, "--probabilities").exit_code == 2, "nothing is overwritten"
    assert run(*arguments, "--overwrite").exit_code == 0
    assert not (out / "probabilities.nii").exists(), "they would not be those of these labels"
    used = json.loads((model_store.parent / "installed.json").read_text())[installed]["used"]
    assert used


@pytest.mark.usefixtures("model_store")
def test_the_page_about_nnunet_is_followed_as_it_is_written(run, ct, tmp_path, monkeypatch):
    monkeypatch.chdir(write_dataset(tmp_path))
    for command in commands(section("nnU-Net v2")):
        result = run(*command)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "averaged" / "probabilities.nii").is_file()


def test_a_configuration_that_is_not_there_is_named(run, installed, ct, tmp_path):
    result = run("segment", ct, "--model", f"{installed}/3d_lowres", "--output", tmp_path / "out")
    assert result.exit_code == 4
    assert "2d, 3d_fullres" in result.stderr
