"""``medaiseg demo``: the whole path on a study of our own."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from command_line import below
from MedAISegLib.cli import demo

FILES = {
    "segments.csv",
    "segmentation.dcm",
    "segmentation.nii.gz",
    "segmentation.json",
    "segmentation.seg.nrrd",
    "overlay.png",
}
BY_SLICER_CORE = {
    "3d.png",
    "segmentation_Anterior_hippocampus.stl",
    "segmentation_Posterior_hippocampus.stl",
}


@pytest.mark.slicer
def test_the_demo_writes_everything_and_replaces_an_earlier_one(run, tmp_path):
    pytest.importorskip("slicer_core", reason="slicer-core is not installed")
    output = tmp_path / "demo"
    write_earlier(output)
    done = run("demo", "--output", output, "--seed", "4")
    assert done.exit_code == 0, done.stderr
    demo._check_folder(output)  # which refuses what is no demo
    entries = below(output)
    assert {entry for entry in entries if "/" not in entry} == FILES | BY_SLICER_CORE | {"sample-study"}
    assert sum(entry.endswith(".dcm") and "/" in entry for entry in entries) > 20
    for text in ("Anterior hippocampus", "SCT 5366008", "infer", "overlay.png", "Slicer", "medaiseg segment"):
        assert text in done.stdout
    for name in ("overlay.png", "3d.png"):
        picture = matplotlib.image.imread(output / name)
        assert min(picture.shape[:2]) > 400
        assert coloured(picture, (232, 164, 74)) > 500, "the anterior part is seen"
        assert coloured(picture, (78, 158, 214)) > 500, "and the posterior one"


def write_earlier(output: Path) -> None:
    """What the folder of a demo is known by."""
    (output / "sample-study").mkdir(parents=True)
    (output / "overlay.png").write_bytes(b"old")


@pytest.mark.parametrize(
    "mine",
    [
        ("segmentation.nii.gz", "segmentation.json", "segments.csv"),
        ("sample-study/mine.dcm",),
        ("overlay.png", "3d.png"),
        tuple(f"{n}.txt" for n in range(9)),
    ],
    ids=["a result", "a study", "pictures", "many files"],
)
def test_what_is_not_a_demo_is_never_replaced(run, tmp_path, mine):
    folder = tmp_path / "results"
    for name in mine:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    before = below(folder)
    refused = run("demo", "--output", folder)
    assert refused.exit_code == 2, refused.output
    assert mine[0].split("/")[0] in refused.stderr
    assert "Choose another folder with --output." in " ".join(refused.stderr.split())
    assert below(folder) == before
    assert all((folder / name).read_text() == "mine" for name in mine)


def test_a_file_in_the_place_of_the_demos_folder(run, tmp_path):
    (tmp_path / "demo").write_text("mine")
    assert run("demo", "--output", tmp_path / "demo").exit_code == 5
    assert (tmp_path / "demo").read_text() == "mine"


def test_an_empty_folder_is_taken(run, tmp_path):
    (tmp_path / "demo").mkdir()
    refused = run("demo", "--output", tmp_path / "demo", "--device", "abacus")  # which is looked at after the folder
    assert "abacus" in refused.stderr


def coloured(picture: np.ndarray, rgb: tuple[int, int, int]) -> int:
    """Number of pixels of about that hue, whatever the light."""
    shown = picture[..., :3] / np.maximum(picture[..., :3].max(axis=-1, keepdims=True), 1e-3)
    wanted = np.array(rgb) / max(rgb)
    return int(((np.abs(shown - wanted).max(axis=-1) < 0.12) & (picture[..., :3].max(axis=-1) > 0.25)).sum())
