"""Models of nnU-Net v1 are told apart from what is no model, wherever in a folder or an archive they lie."""

from __future__ import annotations

import shutil

import pytest
from MedAISegLib.app.model_sources import install_model
from MedAISegLib.core.errors import ModelError
from MedAISegLib.formats import read_model

from Testing.nnunets import write_model


def write_version_1(folder):
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.pkl").write_bytes(b"\x80\x03}.")
    (folder / "fold_0" / "model_final_checkpoint.model").write_bytes(b"")


IN_AN_EXPORT = "3d_fullres/Task004_Hippocampus/nnUNetTrainerV2__nnUNetPlansv2.1"


@pytest.mark.parametrize("inside", ["", "nnUNetTrainerV2__nnUNetPlansv2.1", IN_AN_EXPORT])
def test_version_1_is_named_and_refused(tmp_path, inside):
    write_version_1(tmp_path / "old" / inside)
    with pytest.raises(ModelError, match="nnU-Net v1"):
        read_model(tmp_path / "old")


@pytest.mark.parametrize("outer", ["", "nnUNet"])
def test_version_1_is_named_also_in_an_archive(tmp_path, monkeypatch, outer):
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    write_version_1(tmp_path / "old" / outer / IN_AN_EXPORT)
    archive = shutil.make_archive(str(tmp_path / "Task004_Hippocampus"), "zip", tmp_path / "old")
    with pytest.raises(ModelError, match="nnU-Net v1"):
        install_model(archive)


def test_version_1_is_not_looked_for_behind_links(tmp_path):
    write_version_1(tmp_path / "elsewhere")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(ModelError, match="no model of a known format"):
        read_model(tmp_path / "m")


def test_labels_as_version_1_has_them_are_named(tmp_path):
    write_model(tmp_path / "m", labels={"0": "background", "1": "liver"})
    with pytest.raises(ModelError, match="nnU-Net v1"):
        read_model(tmp_path / "m")
