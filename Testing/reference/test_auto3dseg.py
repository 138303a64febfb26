"""Our labels equal those of MONAI's own transforms and inferer, put together as the segresnet template has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from MedAISegLib.core.case import Case
from MedAISegLib.engine.run import segment
from MedAISegLib.formats import read_model
from MedAISegLib.readers import read_images
from monai import transforms as mt
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.inferers import SlidingWindowInfererAdapt
from monai.networks.nets import SegResNetDS
from monai.transforms import MeanEnsemble

from .bundle_run import differing_share
from .images import Image, spleen_ct, write_images

NETWORK = {"init_filters": 8, "blocks_down": [1, 1, 2], "norm": "INSTANCE", "in_channels": 1, "dsdepth": 2}
CT = {
    "modality": "ct",
    "normalize_mode": "range",
    "intensity_bounds": [-200, 300],
    "sigmoid": False,
    "output_classes": 5,
}
MR = {"modality": "mri", "normalize_mode": "meanstd", "sigmoid": True, "output_classes": 3}
COMMON = {
    "input_channels": 1,
    "orientation_ras": True,
    "crop_foreground": True,
    "resample": True,
    "roi_size": [48, 48, 24],
}


def write_checkpoint(path: Path, config: dict, image: torch.Tensor, seed: int = 20) -> torch.nn.Module:
    """A checkpoint with weights from a fixed seed, its biases such that several classes are found."""
    torch.manual_seed(seed)
    arguments = NETWORK | {"out_channels": config["output_classes"]}
    network = SegResNetDS(**arguments).eval()
    with torch.no_grad():
        size = [min(length, 48) // 4 * 4 for length in image.shape[1:]]
        scores = network(image[None, :, : size[0], : size[1], : size[2]])[0].flatten(1)
        level = scores.quantile(0.8, dim=1) if config["sigmoid"] else scores.mean(dim=1)
        for name, value in network.named_parameters():
            if name.endswith("head.bias"):
                value -= level
    path.parent.mkdir(parents=True)
    config = config | {"network": arguments | {"_target_": "SegResNetDS"}}
    torch.save({"state_dict": network.state_dict(), "config": config}, path)
    return network


def preparation(config: dict) -> mt.Compose:
    spacing = np.array(config["resample_resolution"])
    steps = [
        mt.LoadImaged("image", ensure_channel_first=True, dtype=None, image_only=True),
        mt.EnsureTyped("image", data_type="tensor", dtype=torch.float),
        mt.Orientationd("image", axcodes="RAS"),
        mt.CropForegroundd("image", source_key="image", margin=10, allow_smaller=True),
        mt.Spacingd(
            "image", spacing, mode="bilinear", dtype=torch.float, min_pixdim=0.75 * spacing, max_pixdim=1.25 * spacing
        ),
    ]
    if config["normalize_mode"] == "range":
        low, high = config["intensity_bounds"]
        steps += [mt.ScaleIntensityRanged("image", low, high, -1, 1), mt.Lambdad("image", torch.sigmoid)]
    else:
        steps.append(mt.NormalizeIntensityd("image", nonzero=True, channel_wise=True))
    return mt.Compose(steps)


def probabilities(network: torch.nn.Module, config: dict, path: Path) -> torch.Tensor:
    """(class, i, j, k) on the image's grid, as the template has them."""
    prepare = preparation(config)
    batch = list_data_collate([prepare({"image": str(path)})])
    infer = SlidingWindowInfererAdapt(config["roi_size"], sw_batch_size=1, overlap=0.625, mode="gaussian")
    with torch.no_grad():
        scores = infer(batch["image"].as_tensor(), network)
    found = torch.sigmoid(scores) if config["sigmoid"] else torch.softmax(scores, dim=1, dtype=torch.double).float()
    batch["pred"] = MetaTensor(found, meta=batch["image"].meta, applied_operations=batch["image"].applied_operations)
    restore = mt.Invertd("pred", transform=prepare, orig_keys="image", nearest_interp=False)
    (restored,) = (restore(item)["pred"].as_tensor() for item in decollate_batch(batch))
    return restored


def reference_layers(networks: list[torch.nn.Module], config: dict, path: Path) -> np.ndarray:
    """(layer, k, j, i) of the mean of the folds, as MONAI's ensemble of algorithms decides."""
    restored = MeanEnsemble()([probabilities(network, config, path) for network in networks])
    if not config["sigmoid"]:
        return restored.argmax(dim=0, keepdim=True).numpy().transpose(0, 3, 2, 1)
    values = torch.arange(1, len(restored) + 1).view(-1, 1, 1, 1)
    return ((restored >= 0.5) * values).numpy().transpose(0, 3, 2, 1)


def share_that_differs(image: Image, config: dict, folder: Path, folds: int = 1) -> float:
    (path,) = write_images([image], folder / "image")
    prepared = preparation(config)({"image": str(path)})["image"]
    files = [folder / "model" / f"segresnet_{n}" / "model" / "model.pt" for n in range(folds)]
    networks = [write_checkpoint(file, config, prepared, seed=20 + n) for n, file in enumerate(files)]
    source = read_model(folder / "model")
    case = Case({"image": read_images(path, accept=True)[0]})
    ours = segment(case, source.spec, source.build_networks(), device="cpu").layers
    expected = reference_layers(networks, config, path)
    assert len(np.unique(expected)) > 2
    return differing_share(ours, expected)


def hippocampus_mr(data: Path) -> Image:
    import nibabel

    image = nibabel.load(data / "hippocampus" / "images" / "hippocampus_001.nii.gz")
    return np.asarray(image.dataobj), np.asarray(image.affine)


@pytest.mark.engine
def test_a_small_mr_model_with_overlapping_classes(shared_data, tmp_path):
    config = COMMON | MR | {"resample_resolution": [1.4, 1.4, 1.4]}
    assert share_that_differs(hippocampus_mr(shared_data), config, tmp_path) <= 0.001


@pytest.mark.engine
@pytest.mark.parametrize("sigmoid", [False, True])
def test_the_folds_of_a_folder_of_autorunner(sigmoid, shared_data, tmp_path):
    config = COMMON | MR | {"resample_resolution": [1.6, 1.6, 1.6], "sigmoid": sigmoid}
    share = share_that_differs(hippocampus_mr(shared_data), config, tmp_path, folds=2)
    print(f"{100 * share:.5f} % of the foreground differ")
    assert share <= 0.001


@pytest.mark.engine
@pytest.mark.reference
def test_a_ct_model_that_resamples(shared_data, tmp_path):
    config = COMMON | CT | {"resample_resolution": [2.0, 2.0, 3.0]}
    share = share_that_differs(spleen_ct(shared_data)[0], config, tmp_path)
    print(f"{100 * share:.5f} % of the foreground differ")
    assert share <= 0.001
