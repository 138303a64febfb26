"""Bundles of 2-D networks: on pictures, and through the slices of a volume; our labels are those of MONAI."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from MedAISegLib.app.study import read_case
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model

from . import images, zoo
from .bundle_run import RunnableBundle, differing_share, our_layers, reference_labels, write_config
from .seeded import write_weights
from .written import bundle_config, write_bundle

pytestmark = pytest.mark.engine

LARGEST_DIFFERENCE = 0.001
ENDOSCOPIC = zoo.ZooBundle("endoscopic_tool_segmentation", images.brain_mr)
FLAT = {
    "_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 3, "channels": [16, 32, 64, 128],
    "strides": [2, 2, 2], "num_res_units": 2,
}  # fmt: skip


def write_picture(path: Path, image: list[images.Image]) -> Path:
    """The middle slices of three weightings of a head, as red, green and blue."""
    slices = [voxels[:, :, voxels.shape[2] // 2].T[:110].astype(np.float32) for voxels, _ in image[:3]]
    colours = [np.clip(255 * plane / np.quantile(plane, 0.995), 0, 255).astype(np.uint8) for plane in slices]
    path.parent.mkdir(parents=True)
    sitk.WriteImage(sitk.GetImageFromArray(np.stack(colours, axis=-1), isVector=True), path)
    return path


def published(data: Path, folder: Path, picture: Path) -> RunnableBundle:
    """The published bundle with weights that find tools in the picture."""
    (folder / "models").mkdir(parents=True)
    (folder / "configs").mkdir()
    source = data / "monai_zoo" / ENDOSCOPIC.name / "configs"
    config = json.loads((source / "inference.json").read_text())
    config["dataloader"]["num_workers"] = 0
    write_config(config, folder / "configs" / "inference.json")
    (folder / "configs" / "metadata.json").write_bytes((source / "metadata.json").read_bytes())
    bundle = RunnableBundle(ENDOSCOPIC, folder, folder / "configs" / "inference.json", ())
    spec = read_model(folder).spec
    write_weights(folder / "models" / "model.pt", bundle.config, folder, read_case(spec, picture), spec.stages[0])
    return bundle


@pytest.mark.reference
def test_a_picture_gives_the_labels_of_monai(shared_data: Path, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "images" / "head.png", images.brain_mr(shared_data))
    bundle = published(shared_data, tmp_path / "bundle", picture)
    theirs = sitk.GetArrayFromImage(reference_labels(bundle, [picture], tmp_path / "reference", "*.png"))
    source = read_model(bundle.root)
    (ours,) = segment(read_case(source.spec, picture), source.spec, source.build_networks(), device="cpu").layers
    difference = differing_share(255 * ours[0].astype(int), theirs.astype(int))
    print(f"\n{difference:.6%} of the foreground differ, of {np.mean(theirs > 0):.0%} foreground")
    assert set(np.unique(theirs)) == {0, 255}
    assert difference <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("axis", [2, pytest.param(0, marks=pytest.mark.reference)])
def test_a_network_of_slices_gives_the_labels_of_monai(axis: int, shared_data: Path, tmp_path: Path) -> None:
    image = images.spleen_ct(shared_data)
    inferer = {"_target_": "SliceInferer", "roi_size": [48, 32], "spatial_dim": axis, "overlap": 0.5}
    softmax = {"_target_": "Activationsd", "keys": "pred", "softmax": True}
    bundle = write_bundle(tmp_path / "bundle", bundle_config([softmax], inferer, network_def=FLAT), image)
    paths = images.write_images(image, tmp_path / "images")
    theirs = np.asarray(sitk.GetArrayFromImage(reference_labels(bundle, paths, tmp_path / "reference")))
    (ours,) = our_layers(bundle, paths)
    difference = differing_share(ours, theirs)
    print(f"\n{difference:.6%} of the foreground differ; labels {np.unique(theirs)}")
    assert len(np.unique(theirs)) == 3
    assert difference <= LARGEST_DIFFERENCE
