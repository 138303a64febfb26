"""Bundles without code of their own that MONAI's parser understands and our compiler does not: the same labels, voxel
for voxel, as ``python -m monai.bundle run``, once they are trusted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from MedAISegLib.core.errors import NotTrustedError
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


@pytest.mark.parametrize(
    "change", [function_of_torch, pytest.param(object_as_an_argument, marks=pytest.mark.reference)]
)
def test_what_only_its_parser_understands_runs_after_trust(
    change: Callable[[Config], None], shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAISEG_HOME", str(tmp_path / "home"))
    config = plain_config(dict(NETWORK), [2.0, 1.5, 2.5], [SCALED], [32, 32, 16])
    change(config)
    bundle = CodedBundle(tmp_path / "own_way", plain_metadata("Own way"), config, scripts={})
    bundle.write()
    draw_weights(bundle)
    with pytest.raises(NotTrustedError, match="trust"):
        read_model(bundle.root)
    voxels, affine = images.spleen_ct(shared_data)[0]
    paths = images.write_images([images.oblique((voxels[:60, :50, :20], affine))], tmp_path / "images")
    theirs = np.rint(by_monai(bundle, paths, tmp_path / "monai")).astype(int)
    segmentation, _ = by_us(bundle, paths)
    assert len(np.unique(theirs)) > 1
    np.testing.assert_array_equal(segmentation.layers[0], theirs)
