"""Models of the size of published ones: what their folders are made from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from Testing.nnunets import architecture, configuration
from Testing.reference import images, zoo
from Testing.reference.nnunet_models import Model

# The published bundle at its full resolution; without the quick test's change to the 3 mm model.
WHOLE_BODY_15_MM = replace(
    zoo.WHOLE_BODY,
    changes={name: change for name, change in zoo.WHOLE_BODY.changes.items() if "highres" not in name},
    weights="model.pt",
)


@dataclass(frozen=True)
class EmbeddedModel:
    """A bundle with trained weights in the package's resources."""

    name: str


HIPPOCAMPUS = EmbeddedModel("hippocampus")


def unet(dimensions: int) -> dict[str, Any]:
    """As nnU-Net plans it for an abdominal CT: 6 stages of 32 to 320 features, two convolutions each."""
    described = architecture(dimensions, stages=6)
    described["arch_kwargs"] |= {
        "features_per_stage": [32, 64, 128, 256, 320, 320],
        "n_conv_per_stage": [2] * 6,
        "n_conv_per_stage_decoder": [2] * 5,
    }
    return described


def _labels(count: int) -> dict[str, int]:
    return {"background": 0} | {f"class {n}": n for n in range(1, count)}


_FULL = configuration(patch_size=[96, 96, 96], spacing=[1.5, 1.5, 1.5], architecture=unet(3))
FLAT = Model(
    images.few_slices_ct,
    configuration(patch_size=[512, 512], spacing=[0.8, 0.8], architecture=unet(2)),
    name="2d",
)
FULL_25 = Model(images.few_slices_ct, _FULL, labels=_labels(25))
FULL_118 = Model(images.few_slices_ct, _FULL, labels=_labels(118))


@dataclass(frozen=True)
class Cascade:
    """Two trained models, the second of which takes the first one's labels as further channels."""

    low: Model
    full: dict[str, Any]


CASCADE = Cascade(
    Model(
        images.few_slices_ct,
        configuration(patch_size=[96, 96, 96], spacing=[3.0, 3.0, 3.0], architecture=unet(3)),
        name="3d_lowres",
    ),
    _FULL,
)


@dataclass(frozen=True)
class SegResNetRecipe:
    """A checkpoint of Auto3DSeg's segresnet algorithm, with its config."""

    config: dict[str, Any]
    network: dict[str, Any] = field(
        default_factory=lambda: {
            "init_filters": 32,
            "blocks_down": [1, 2, 2, 4, 4],
            "norm": "INSTANCE",
            "in_channels": 1,
            "dsdepth": 4,
        }
    )


_CT_CONFIG = {
    "modality": "ct",
    "normalize_mode": "range",
    "intensity_bounds": [-250, 400],
    "sigmoid": False,
    "input_channels": 1,
    "orientation_ras": True,
    "crop_foreground": True,
    "resample": True,
    "roi_size": [96, 96, 96],
}
ABDOMEN_25 = SegResNetRecipe(_CT_CONFIG | {"output_classes": 25, "resample_resolution": [1.5, 1.5, 1.5]})
WHOLE_BODY_105 = SegResNetRecipe(_CT_CONFIG | {"output_classes": 105, "resample_resolution": [3.0, 3.0, 3.0]})

MESHNET_104 = "model21_104class"
"""Name of the published model's folder."""
