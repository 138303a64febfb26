"""The published bundles that are compared, and what has to be changed so that they can run here.

The changes are written into the bundle's own config, which both sides then read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import images

REMOVED = object()
"""As a changed value: the entry is taken out."""


@dataclass(frozen=True)
class ZooBundle:
    """A bundle of the zoo and its comparison.

    Attributes:
        name: of its folder.
        images: its channels, made from the test data.
        changes: new values by path in the config, each with the reason.
        data: the config's entry that says where the images are, and its value given the list of files.
        weights: file below ``models`` from which the config loads them.
    """

    name: str
    images: Callable[[Path], list[images.Image]]
    changes: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    data: tuple[str, Callable[[list[str]], Any]] = ("datalist", lambda files: files)
    weights: str = "model.pt"


_ONE_PROCESS = {"dataloader#num_workers": (0, "no extra processes for one image")}

SPLEEN_CT = ZooBundle("spleen_ct_segmentation", images.spleen_ct, _ONE_PROCESS)

SPLEEN_CT_IN_SMALL_WINDOWS = ZooBundle(
    "spleen_ct_segmentation",
    images.spleen_ct,
    {**_ONE_PROCESS, "inferer#roi_size": ([64, 48, 32], "dozens of overlapping windows in a small image")},
)

TEMPLATE = ZooBundle(
    "segmentation_template",
    images.spleen_ct_divisible_by_8,
    data=("dataset_dir", lambda files: str(Path(files[0]).parent)),
)

WHOLE_BODY = ZooBundle(
    "wholeBody_ct_segmentation",
    images.trunk_ct,
    {**_ONE_PROCESS, "displayable_configs#highres": (False, "the model of 3 mm")},
    weights="model_lowres.pt",
)

SWIN_UNETR = ZooBundle(
    "swin_unetr_btcv_segmentation",
    images.spleen_ct,
    {
        **_ONE_PROCESS,
        "network_def#img_size": (REMOVED, "MONAI 1.6 has no such argument"),
        "preprocessing#transforms#0#reader": (REMOVED, "the ITK Python package is not needed here"),
    },
)

MULTI_ORGAN = ZooBundle(
    "multi_organ_segmentation",
    images.spleen_ct,
    {
        **_ONE_PROCESS,
        "arch_ckpt": (
            "$torch.load(@arch_ckpt_path, map_location='cpu', weights_only=False)",
            "no CUDA here, and the architecture file holds numpy arrays",
        ),
        "dints_space#device": ("$torch.device('cpu')", "no CUDA here"),
    },
    data=("datalist", lambda files: [{"image": file} for file in files]),
)

BRATS = ZooBundle(
    "brats_mri_segmentation",
    images.brain_mr,
    {**_ONE_PROCESS, "inferer#roi_size": ([96, 96, 80], "the images have 128 voxels along each axis")},
    data=("test_datalist", lambda files: [{"image": files}]),
)

BRATS_AS_PUBLISHED = ZooBundle(BRATS.name, images.finest_brain_mr, _ONE_PROCESS, data=BRATS.data)
"""In its own window of 240 x 240 x 160 voxels."""

PEDIATRIC = ZooBundle(
    "pediatric_abdominal_ct_segmentation",
    images.spleen_ct,
    {
        **_ONE_PROCESS,
        "imports": (["$import glob", "$import os"], "its scripts, of which nothing is used, are not published with it"),
        "preprocessing#transforms#0#reader": (REMOVED, "the ITK Python package is not needed here"),
    },
    data=MULTI_ORGAN.data,
    weights="dynunet_FT.pt",
)

ALL = (SPLEEN_CT, TEMPLATE, WHOLE_BODY, SWIN_UNETR, MULTI_ORGAN, BRATS, PEDIATRIC)


def _part_of_spleen_ct(data: Path) -> list[images.Image]:
    """As much as two windows of 96 mm see: a network as deep as DiNTS takes most of a minute for each."""
    ((voxels, affine),) = images.spleen_ct(data)
    return [(voxels[:120, :150, :18], affine)]


PANCREAS = ZooBundle(
    "pancreas_ct_dints_segmentation",
    _part_of_spleen_ct,
    MULTI_ORGAN.changes,
    data=MULTI_ORGAN.data,
)

PROSTATE = ZooBundle(
    "prostate_mri_anatomy",
    images.hippocampus_mr,
    {
        **_ONE_PROCESS,
        "imports": (["$import os"], "pandas, which lists its test images, is not needed here"),
        "postprocessing#transforms#2#nearest_interp": (True, "linearly between labels there is no label"),
    },
)

VENTRICLES = ZooBundle("ventricular_short_axis_3label", images.head_crop)

OF_A_CHECKOUT = (PANCREAS, PROSTATE, VENTRICLES)
"""Those of which the test data hold no description."""
