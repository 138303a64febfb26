"""Bundles that run by code of their own: our labels are those of ``python -m monai.bundle run``, voxel for voxel."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import images
from .plain_bundle import Config, plain_config, plain_metadata
from .trusted_bundles import EVALUATOR, SCRIPTS, CodedBundle, by_monai, by_us, draw_weights

pytestmark = pytest.mark.engine

NETWORK: Config = {"_target_": "scripts.own.Wide", "in_channels": 1, "out_channels": 3}
STRETCHED: Config = {"_target_": "scripts.own.Stretchd", "keys": "image"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))


@pytest.fixture
def scan(shared_data: Path) -> list[images.Image]:
    """A part of a real CT, small enough for a network that knows no windows."""
    (voxels, affine) = images.spleen_ct(shared_data)[0]
    return [images.oblique((voxels[:60, :50, :20], affine))]


def bundle(folder: Path, change: Any = None, **options: Any) -> CodedBundle:
    metadata = plain_metadata("Own way")
    config = copy.deepcopy(plain_config(NETWORK, [1.5, 1.5, 2.0], [STRETCHED], [32, 32, 16]))
    if change:
        change(metadata, config)
    made = CodedBundle(folder / "own_way", metadata, config, **options)
    made.write()
    draw_weights(made)
    return made


def compare(made: CodedBundle, scan: list[images.Image], folder: Path) -> np.ndarray:
    """Both ways; labels must be the same and of several classes."""
    paths = images.write_images(scan, folder / "images")
    theirs = np.rint(by_monai(made, paths, folder / "monai")).astype(int)
    segmentation, result = by_us(made, paths)
    ours = segmentation.layers if theirs.ndim == 4 else segmentation.layers[0]
    assert len(np.unique(theirs)) > 1
    assert ours.shape == theirs.shape
    assert np.array_equal(ours > 0 if theirs.ndim == 4 else ours, theirs), np.mean(ours != theirs)
    assert result.provenance.parameters["run_by"] == "the model's own code"
    assert "own-code" in [notice.code for notice in result.notices]
    return theirs


def test_own_network_and_transform(scan: list[images.Image], tmp_path: Path) -> None:
    theirs = compare(bundle(tmp_path), scan, tmp_path)
    assert np.unique(theirs).tolist() == [0, 1, 2]


def without_inverse(_: Config, config: Config) -> None:
    transforms = config["postprocessing"]["transforms"]
    del transforms[1]
    transforms[-1]["resample"] = True


def overlapping(metadata: Config, config: Config) -> None:
    metadata["network_data_format"]["outputs"]["pred"] = {"num_channels": 2, "channel_def": {"0": "liver", "1": "lung"}}
    config["network_def"]["out_channels"] = 2
    config["postprocessing"]["transforms"][0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
    config["postprocessing"]["transforms"][2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}


def lambda_in_the_text(_: Config, config: Config) -> None:
    config["postprocessing"]["transforms"].insert(
        0, {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: x * x.abs()"}
    )


def own_inferer(_: Config, config: Config) -> None:
    config["inferer"] = {"_target_": "scripts.own.Eager"}


def padded(_: Config, config: Config) -> None:
    """The part of the CT is body up to its edges, so that the margin around the body lies outside of it."""
    config["preprocessing"]["transforms"] += [
        {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 2},
        {"_target_": "Resized", "keys": "image", "spatial_size": [40, 32, 24], "mode": "area"},
    ]
    config["inferer"] = {"_target_": "SimpleInferer"}


def cropped(metadata: Config, config: Config) -> None:
    """To what is as bright as bone, which lies in a corner."""
    padded(metadata, config)
    config["preprocessing"]["transforms"][-2]["select_fn"] = "$lambda x: x > 0.6"


def own_evaluator(_: Config, config: Config) -> None:
    config["evaluator"] |= {"_target_": "scripts.judge.Asked", "raised": 0.2}


@pytest.mark.reference
@pytest.mark.parametrize(
    "change", [without_inverse, overlapping, lambda_in_the_text, own_inferer, padded, cropped, own_evaluator]
)
def test_ways_of_their_own(change: Any, scan: list[images.Image], tmp_path: Path) -> None:
    scripts = {"scripts/own.py": SCRIPTS, "scripts/judge.py": EVALUATOR}
    compare(bundle(tmp_path, change, scripts=scripts), scan, tmp_path)


@pytest.mark.reference
def test_a_key_for_each_image(scan: list[images.Image], tmp_path: Path) -> None:
    def change(metadata: Config, config: Config) -> None:
        image = metadata["network_data_format"]["inputs"]["image"]
        image |= {"num_channels": 2, "channel_def": {"0": "early", "1": "late"}}
        config["network_def"]["in_channels"] = 2
        for entry in config["preprocessing"]["transforms"][:4]:
            entry["keys"] = ["early", "late"]
        config["preprocessing"]["transforms"].insert(
            4, {"_target_": "scripts.own.Joind", "keys": ["early", "late"], "into": "image"}
        )
        config["postprocessing"]["transforms"][1]["orig_keys"] = "early"

    ((voxels, affine),) = scan
    pair = [(voxels, affine), (voxels[::-1] * 0.5, affine)]
    compare(bundle(tmp_path, change, keys=("early", "late")), pair, tmp_path)


UNEST = SCRIPTS.replace("class Wide", "class UNesT")
ORIENTATION = """
from monai.transforms import Transform


class OrientationGuidanceMultipleLabelDeepEditd(Transform):
    def __init__(self, ref_image, label_names):
        self.label_names = label_names

    def __call__(self, data):
        return {**data, **{name: [] for name in self.label_names}}
"""


@pytest.mark.reference
@pytest.mark.parametrize("name", ["renalStructures_UNEST_segmentation", "spleen_deepedit_annotation"])
def test_published_bundles_that_need_code(
    name: str, shared_data: Path, scan: list[images.Image], tmp_path: Path
) -> None:
    """With code and weights of ours in place of those that are not published with the descriptions."""
    configs = shared_data / "monai_zoo" / name / "configs"
    config = json.loads((configs / "inference.json").read_text())
    config["dataloader"]["num_workers"] = 0
    metadata = json.loads((configs / "metadata.json").read_text())
    scripts = {"scripts/networks/unest.py": UNEST, "scripts/transforms.py": ORIENTATION}
    if name.startswith("spleen"):
        config["spatial_size"] = [64, 64, 64]
        config["preprocessing_transforms"][0].pop("reader")
    config |= {} if "run" in config else {"run": config.pop("evaluating")}
    made = CodedBundle(tmp_path / name, metadata, config, scripts)
    made.write()
    draw_weights(made)
    compare(made, scan, tmp_path)
