"""Bundles written in ways that MONAI allows and few use; each is a change of one plain bundle.

A way may spread the description over several files: names of those to their content, the first one being the bundle's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import images
from .plain_bundle import Config, plain_config, plain_metadata

Files = dict[str, "Config | str"]

NETWORK: Config = {
    "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
    "channels": [8, 16, 32], "strides": [2, 2], "num_res_units": 1, "norm": "instance",
}  # fmt: skip
RANGE: Config = {
    "_target_": "ScaleIntensityRanged", "keys": "image",
    "a_min": -100, "a_max": 240, "b_min": 0, "b_max": 1, "clip": True,
}  # fmt: skip
MAIN = "configs/inference.json"


@dataclass(frozen=True)
class Unusual:
    """A way to write a bundle.

    Attributes:
        files: given the plain bundle's config and metadata, both to be changed: what lies in the bundle by its path.
        compiled: it needs no trust.
    """

    files: Callable[[Config, Config], Files]
    images: Callable[[Path], list[images.Image]] = images.spleen_ct
    compiled: bool = True


def assembled(way: Unusual) -> tuple[Config, Files]:
    """Its metadata, and its files."""
    metadata = plain_metadata("Unusual")
    steps = [RANGE, {"_target_": "EnsureTyped", "keys": "image"}]
    config = copy.deepcopy(plain_config(NETWORK, [1.5, 1.5, 2.5], steps, [48, 48, 24]))
    config |= {
        "imports": ["$import glob", "$import os"],
        "datalist": [],
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    }
    config["dataset"]["data"] = "$[{'image': i} for i in @datalist]"
    config["inferer"]["sw_batch_size"] = 2
    files = way.files(config, metadata)
    return metadata, files


def _before(config: Config) -> list[Config]:
    transforms: list[Config] = config["preprocessing"]["transforms"]
    return transforms


def _after(config: Config) -> list[Config]:
    transforms: list[Config] = config["postprocessing"]["transforms"]
    return transforms


def by_hand(config: Config, metadata: Config) -> Files:
    del config, metadata
    return {"configs/inference.yaml": (Path(__file__).parent / "written_by_hand.yaml").read_text(encoding="utf-8")}


def in_several_files(config: Config, metadata: Config) -> Files:
    """Macros that take entries, and items of lists, from other files of the bundle."""
    del metadata
    network, before = config.pop("network_def"), _before(config)
    config["network_def"] = "%configs/network.yaml#network"
    config["spacing"] = before[3]["pixdim"]
    steps = {"steps": {"intensity": before[4], "spacing": before[3] | {"pixdim": "@spacing"}}}
    before[3:5] = ["%configs/steps.json#steps#spacing", "%configs/steps.json::steps::intensity"]
    config["inferer"] = "%configs/inferer.yaml"
    inferer = {"_target_": "SlidingWindowInferer", "roi_size": "@patch", "overlap": 0.25}
    config["patch"] = [48, 48, 24]
    return {
        MAIN: config,
        "configs/network.yaml": {"network": network},
        "configs/steps.json": steps,
        "configs/inferer.yaml": inferer,
    }


def with_relative_references(config: Config, metadata: Config) -> Files:
    """Entries of the same level, of the level above, macros of the same level, and what the metadata says."""
    del metadata
    config["sizes"] = {"patch": [48, 48, 24], "half": 0.5, "overlap": "@#half", "again": "%#patch"}
    config["inferer"] |= {"batch": 4, "roi_size": "@sizes#again", "sw_batch_size": "@#batch"}
    del config["inferer"]["batch"]
    config["inferer"] |= {"sw_batch_size": "$@##sizes#patch[0] // 12", "overlap": "@##sizes#overlap"}
    _before(config)[4]["b_max"] = "@_meta_#network_data_format#inputs#image#num_channels"
    _before(config)[4]["b_min"] = "$float(@_meta_::network_data_format::outputs::pred::num_channels) - 3"
    _before(config)[4]["clip"] = "$@preprocessing#transforms#4#a_min < 0"
    return {MAIN: config}


def overridden(config: Config, metadata: Config) -> Files:
    """Keys that are paths set entries that stand before them; those with a plus add to lists and mappings."""
    del metadata
    moved = _before(config)[3:]
    del _before(config)[3:]
    config["network_def"]["channels"] = [4, 4, 4]
    config |= {
        "network_def#channels": [8, 16, 32],
        "inferer::overlap": 0.25,
        "+handlers": [{"_target_": "StatsHandler"}],
    }
    config |= {"+inferer": {"mode": "gaussian", "padding_mode": "replicate"}}
    config["more"] = {"_target_": "Compose", "transforms": moved}
    config["preprocessing#transforms#2"] = {
        "_target_": "Compose",
        "transforms": [{"_target_": "Orientationd", "keys": ["image"], "axcodes": "LPS"}, "@more"],
    }
    return {MAIN: config}


def switched(config: Config, metadata: Config) -> Files:
    """Steps that are switched off, by a value, by an expression and by a word, and steps that others require."""
    del metadata
    config |= {"with_crop": False, "prepared": "$setattr(torch.backends.cudnn, 'benchmark', True)"}
    crop = {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "_disabled_": "$not @with_crop"}
    blur = {"_target_": "GaussianSmoothd", "keys": "image", "_disabled_": True}
    noise = {"_target_": "ThresholdIntensityd", "keys": "image", "threshold": 0.2, "cval": 0.2, "_disabled_": " True "}
    _before(config)[4:4] = [crop, blur, noise]
    config["inferer"]["_requires_"] = ["@prepared"]
    config["network_def"] |= {"_requires_": "@prepared", "_desc_": "after the others", "_mode_": "default"}
    config["postprocessing"]["_disabled_"] = False
    _after(config).insert(3, {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "_disabled_": "@with_all"})
    config["with_all"] = True
    return {MAIN: config}


def joined_lists(config: Config, metadata: Config) -> Files:
    """Lists of transforms that are put together, and values that are lists with one item for each key."""
    del metadata
    before = config["preprocessing"].pop("transforms")
    config["keys"] = ["image", "label"]
    config["deterministic"] = [
        {**before[0], "keys": "@keys", "allow_missing_keys": True},
        {**before[1], "keys": "@keys", "allow_missing_keys": True},
        {**before[2], "keys": "@keys", "labels": [["L", "R"], ["P", "A"], ["I", "S"]], "allow_missing_keys": True},
        {
            **before[3], "keys": "@keys", "mode": ["bilinear", "nearest"], "padding_mode": ["border", "zeros"],
            "align_corners": [False, False], "dtype": ["$torch.float64", "$torch.float32"], "allow_missing_keys": True,
        },
    ]  # fmt: skip
    config["intensity"] = [before[4], {"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"}]
    config["preprocessing"]["transforms"] = "$@deterministic + @intensity"
    _after(config)[2] = {"_target_": "AsDiscreted", "keys": ["pred"], "argmax": [True], "to_onehot": [None]}
    _after(config)[0] = {"_target_": "Activationsd", "keys": ["pred"], "softmax": [True]}
    return {MAIN: config}


def lazy(config: Config, metadata: Config) -> Files:
    """Spatial steps that MONAI joins into one, which is the same."""
    del metadata
    config["preprocessing"]["lazy"] = True
    _before(config).insert(5, {"_target_": "SpatialPadd", "keys": "image", "spatial_size": [160, 160, 48]})
    return {MAIN: config}


def lazy_resized(config: Config, metadata: Config) -> Files:
    """Two resamplings, which MONAI joins into one that is another."""
    del metadata
    config["preprocessing"]["lazy"] = True
    resize = {"_target_": "Resized", "keys": "image", "spatial_size": [96, 96, 48], "mode": "trilinear"}
    _before(config).insert(4, resize)
    return {MAIN: config}


def labels_back(config: Config, metadata: Config) -> Files:
    """Labels are decided, cleaned and then brought back by the nearest voxel, after a crop, a pad and a resize."""
    del metadata
    crop = {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 4, "allow_smaller": True}
    pad = {"_target_": "DivisiblePadd", "keys": "image", "k": [16, 16, 8]}
    _before(config)[5:5] = [crop, pad]
    config["inferer"] = {"_target_": "SimpleInferer"}
    after = _after(config)
    after[1:3] = [after[2], {"_target_": "FillHolesd", "keys": "pred", "applied_labels": [1, 2]}, after[1]]
    after[3]["nearest_interp"] = True
    return {MAIN: config}


def by_the_evaluators_inferer(config: Config, metadata: Config) -> Files:
    """The evaluator is given another one than stands at the top."""
    del metadata
    config["evaluator"]["inferer"] = {"_target_": "SlidingWindowInferer", "roi_size": [40, 32, 24], "mode": "gaussian"}
    return {MAIN: config}


def _of_slices(config: Config) -> None:
    config["network_def"] |= {"spatial_dims": 2, "_target_": "monai.networks.nets.BasicUNet"}
    config["network_def"]["features"] = [8, 8, 16, 16, 32, 8]
    for argument in ("channels", "strides", "num_res_units", "norm"):
        del config["network_def"][argument]


def slices(config: Config, metadata: Config) -> Files:
    """A network of slices across the second axis."""
    del metadata
    _of_slices(config)
    config["inferer"] = {
        "_target_": "SliceInferer",
        "roi_size": [64, 32],
        "spatial_dim": 1,
        "overlap": 0.25,
        "cval": -1,
    }
    config["inferer"]["sw_batch_size"] = 8
    return {MAIN: config}


def overlapping(config: Config, metadata: Config) -> Files:
    """Two channels and classes that may overlap; each image is standardised by itself."""
    metadata["network_data_format"] = {
        "inputs": {"image": {"modality": "MR", "num_channels": 2, "channel_def": {"0": "T1", "1": "T2"}}},
        "outputs": {"pred": {"num_channels": 2, "channel_def": {"0": "whole", "1": "core"}}},
    }
    config["network_def"] |= {"in_channels": 2, "out_channels": 2, "_target_": "SegResNet", "init_filters": 8}
    for argument in ("channels", "strides", "num_res_units", "norm"):
        del config["network_def"][argument]
    config["network_def"] |= {"blocks_down": [1, 2, 2], "blocks_up": [1, 1], "norm": ["GROUP", {"num_groups": 4}]}
    _before(config)[3]["pixdim"] = [2, 2, 2]
    _before(config)[4] = {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True}
    config["inferer"] |= {"mode": "gaussian", "sigma_scale": 0.2, "roi_size": [64, 64, -1]}
    _after(config)[0] = {"_target_": "Activationsd", "keys": "pred", "sigmoid": True}
    _after(config)[2] = {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}
    config["dataset"]["data"] = "$[{'image': @datalist}]"
    return {MAIN: config}


def by_the_order_of_a_spline(config: Config, metadata: Config) -> Files:
    """MONAI interpolates by another library, and other voxels of an empty background keep a trace of the head."""
    overlapping(config, metadata)
    _before(config)[3]["mode"] = 1
    return {MAIN: config}


def _two_parts_of_a_head(data: Path) -> list[images.Image]:
    return [images.inner(image, (72, 72, 64)) for image in images.brain_mr(data)[::2]]


WAYS: Mapping[str, Unusual] = {
    "yaml-by-hand": Unusual(by_hand),
    "in-several-files": Unusual(in_several_files),
    "relative-references": Unusual(with_relative_references),
    "overridden": Unusual(overridden),
    "switched": Unusual(switched),
    "joined-lists": Unusual(joined_lists),
    "lazy": Unusual(lazy),
    "lazy-resized": Unusual(lazy_resized, compiled=False),
    "labels-back": Unusual(labels_back),
    "evaluators-inferer": Unusual(by_the_evaluators_inferer),
    "slices": Unusual(slices),
    "overlapping": Unusual(overlapping, _two_parts_of_a_head),
    "spline-order": Unusual(by_the_order_of_a_spline, _two_parts_of_a_head, compiled=False),
}
