"""A bundle that averages two networks of different architectures: our labels are those of ``monai.bundle run``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from . import images
from .bundle_run import differing_share, our_layers, reference_labels
from .written import Entry, bundle_config, write_bundle

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001
CLASSES = 3
NETWORKS: dict[str, Entry] = {
    "network_0": {
        "_target_": "SegResNet", "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES, "init_filters": 16,
        "blocks_down": [1, 2, 2, 1], "blocks_up": [1, 1, 1],
    },
    "network_1": {
        "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": CLASSES,
        "channels": [24, 48, 96, 192], "strides": [2, 2, 2], "num_res_units": 2, "norm": "INSTANCE",
    },
}  # fmt: skip
INFERER = {"_target_": "SlidingWindowInferer", "roi_size": [48, 48, 32], "overlap": 0.5, "mode": "gaussian"}
SOFTMAX = {"_target_": "Activationsd", "softmax": True}
MEAN = {"_target_": "MeanEnsembled", "keys": "@pred_keys", "output_key": "pred", "weights": [1, 3]}
JOINED = [
    pytest.param([SOFTMAX | {"keys": "@pred_keys"}, MEAN], id="probabilities are averaged"),
    pytest.param([MEAN, SOFTMAX | {"keys": "pred"}], id="scores are averaged", marks=pytest.mark.reference),
]


@pytest.mark.parametrize("joined", JOINED)
def test_labels_are_those_of_monai(joined: list[Entry], shared_data: Path, tmp_path: Path) -> None:
    image = images.spleen_ct(shared_data)
    bundle = write_bundle(tmp_path / "bundle", bundle_config(joined, INFERER, **NETWORKS), image)
    paths = images.write_images(image, tmp_path / "images")
    theirs = np.asarray(sitk.GetArrayFromImage(reference_labels(bundle, paths, tmp_path / "reference")))
    (ours,) = our_layers(bundle, paths)
    difference = differing_share(ours, theirs)
    print(f"\n{difference:.6%} of the foreground differ; labels {np.unique(theirs)}")
    assert len(np.unique(theirs)) == CLASSES
    assert difference <= LARGEST_DIFFERENCE
