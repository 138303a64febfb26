"""Bundles without code of their own that MONAI's parser understands and our compiler does not: the same labels, voxel
for voxel, as ``python -m monai.bundle run``, once they are trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats import read_model

from . import images
from .plain_bundle import Config, plain_config, plain_metadata
from .trusted_bundles import CodedBundle, by_monai, by_us, draw_weights

pytestmark = pytest.mark.engine

NETWORK: Config = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8], "strides": [2],
}  # fmt: skip
SCALED: Config = {
    "_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -100, "a_max": 300, "b_min": -1, "b_max": 1,
}  # fmt: skip


def object_as_an_argument(config: Config) -> None:
    config["preprocessing"]["transforms"][3]["pixdim"] = {"_target_": "numpy.array", "object": [2.0, 1.5, 2.5]}


def function_of_torch(config: Config) -> None:
    config["postprocessing"]["transforms"][0] = {
        "_target_": "Activationsd", "keys": "pred", "other": {"_target_": "torch.tanh", "_mode_": "callable"},
    }  # fmt: skip


WINDOWS: Config = {
    "_target_": "monai.inferers.sliding_window_inference", "_mode_": "callable",
    "roi_size": [32, 32, 16], "sw_batch_size": 2, "overlap": 0.5,
}  # fmt: skip


def function_for_the_windows(config: Config) -> None:
    config["windows"] = dict(WINDOWS)
    config["inferer"] = "$lambda inputs, network: @windows(inputs, predictor=network)"


def written(config: Config, folder: Path) -> CodedBundle:
    """A bundle without scripts, its weights drawn."""
    bundle = CodedBundle(folder, plain_metadata("Own way"), config, scripts={})
    bundle.write()
    draw_weights(bundle)
    return bundle


def oblique_crop(shared_data: Path, folder: Path) -> list[Path]:
    """The files of a small CT, turned."""
    voxels, affine = images.spleen_ct(shared_data)[0]
    return images.write_images([images.oblique((voxels[:60, :50, :20], affine))], folder)


@pytest.mark.parametrize(
    "change",
    [
        function_of_torch,
        pytest.param(object_as_an_argument, marks=pytest.mark.reference),
        pytest.param(function_for_the_windows, marks=pytest.mark.reference),
    ],
)
def test_what_only_its_parser_understands_runs_after_trust(
    change: Callable[[Config], None], shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    config = plain_config(dict(NETWORK), [2.0, 1.5, 2.5], [SCALED], [32, 32, 16])
    change(config)
    bundle = written(config, tmp_path / "own_way")
    with pytest.raises(NotTrustedError, match="trust"):
        read_model(bundle.root)
    paths = oblique_crop(shared_data, tmp_path / "images")
    theirs = np.rint(by_monai(bundle, paths, tmp_path / "monai")).astype(int)
    segmentation, _ = by_us(bundle, paths)
    assert len(np.unique(theirs)) > 1
    np.testing.assert_array_equal(segmentation.layers[0], theirs)


@pytest.mark.reference
def test_a_function_that_we_refuse_as_the_inferer_is_one_that_monai_cannot_run(
    shared_data: Path, tmp_path: Path
) -> None:
    config = plain_config(dict(NETWORK), [2.0, 1.5, 2.5], [SCALED], [32, 32, 16]) | {"inferer": dict(WINDOWS)}
    bundle = written(config, tmp_path / "own_way")
    with pytest.raises(ModelError, match="MONAI cannot run it either"):
        read_model(bundle.root)
    paths = oblique_crop(shared_data, tmp_path / "images")
    with pytest.raises(AssertionError, match="evaluator"):
        by_monai(bundle, paths, tmp_path / "monai")
