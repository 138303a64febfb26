"""What the page says of each format is done as it is written, by somebody who has only a model of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from MedAISegLib.formats import FORMATS

from Testing.contract.cli.test_cli_model_docs import PAGE, commands, section
from Testing.unit import meshnets

HEADINGS = {
    "medaiseg_bundle": "A network of your own, in five minutes",
    "monai_bundle": "MONAI bundles",
    "meshnet": "MeshNet brain models",
    "auto3dseg": "Auto3DSeg",
    "nnunet": "nnU-Net v2",
}
CAPTIONED = re.compile(r"`([\w/.-]+\.(?:json|csv))`[^`]*?\n\n```(?:json|csv)\n(.*?)```", re.DOTALL)
"""A file's name in the last sentence before a block, and the block."""


def part(heading: str, subheading: str) -> str:
    _, found, rest = section(heading).partition(f"### {subheading}\n")
    assert found
    return rest.partition("\n### ")[0]


def write_image(path: Path, voxels: np.ndarray) -> None:
    nib.save(nib.Nifti1Image(voxels, np.diag([-1.1, 0.9, 4.0, 1.0])), path)


@pytest.fixture
def follow(run, tmp_path, monkeypatch):
    """Does what a part of the page says, in a folder with an image: its Python, its files, its commands in order."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0)
    write_image(tmp_path / "ct.nii.gz", noise.normal(40, 90, (60, 52, 22)).astype(np.int16))
    write_image(tmp_path / "t1.nii.gz", noise.integers(0, 900, (24, 30, 8)).astype(np.int16))

    def call(text: str) -> None:
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            exec(compile(block, str(PAGE), "exec"), {})
        for name, content in CAPTIONED.findall(text):
            (tmp_path / name).write_text(content, encoding="utf-8")
        for arguments in commands(text):
            if arguments[0] == "-m":
                subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            else:
                result = run(*arguments)
                assert result.exit_code == 0, result.stderr

    return call


def test_every_format_has_its_part_with_commands():
    assert set(HEADINGS) == set(FORMATS)
    for heading in HEADINGS.values():
        used = {tuple(command[:2]) for command in commands(section(heading))}
        assert ("models", "install") in used
        assert any(command[0] == "segment" for command in used)


def test_what_monais_commands_need_is_said_before_them():
    before, found, _ = part(HEADINGS["monai_bundle"], "TorchScript").partition("python -m monai.bundle")
    assert found
    assert "`pip install fire`" in before


@pytest.mark.slow
def test_a_bundle_and_its_torchscript(follow):
    pytest.importorskip("fire", reason="MONAI's commands need it")
    follow(part(HEADINGS["monai_bundle"], "Your own network in five minutes"))
    follow(part(HEADINGS["monai_bundle"], "TorchScript"))
    for folder in ("result", "result-of-torchscript"):
        labels = np.asarray(nib.load(f"{folder}/segmentation.nii.gz").dataobj)
        assert labels.shape == (60, 52, 22)
        assert np.array_equal(labels, np.asarray(nib.load("result/segmentation.nii.gz").dataobj))


@pytest.mark.slow
def test_meshnet(follow, tmp_path):
    meshnets.write_model(tmp_path / "model18cls")
    follow(section(HEADINGS["meshnet"]))
    assert (tmp_path / "results" / "segmentation.nii.gz").is_file()


def test_auto3dseg(follow, tmp_path):
    for path in ("my-organs/model.pt", "work_dir/segresnet_0/model/model.pt", "work_dir/segresnet_1/model/model.pt"):
        write_checkpoint(tmp_path / path)
    follow(section(HEADINGS["auto3dseg"]))
    table = (tmp_path / "result" / "segments.csv").read_text(encoding="utf-8")
    assert "liver" in table
    assert "10200004" in table
    assert (tmp_path / "result-of-autorunner" / "segmentation.nii.gz").is_file()


def write_checkpoint(path: Path) -> None:
    """As Auto3DSeg's template saves it; the network is drawn at random."""
    from monai.networks.nets import SegResNetDS

    arguments = {"init_filters": 8, "blocks_down": [1, 1], "norm": "INSTANCE", "in_channels": 1, "out_channels": 3}
    config = {
        "network": {"_target_": "SegResNetDS", **arguments}, "input_channels": 1, "output_classes": 3, "modality": "ct",
        "normalize_mode": "range", "intensity_bounds": [-100, 250], "orientation_ras": True, "crop_foreground": True,
        "roi_size": [48, 48, 16],
    }  # fmt: skip
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": SegResNetDS(**arguments).state_dict(), "config": config}, path)
