"""A bundle's preprocessing as our operations; what they cannot say is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundles import preprocessing, write_bundle
from MedAISegLib.core.errors import ModelError, NotTrustedError
from MedAISegLib.formats.monai_bundle import read
from MedAISegLib.models.operations import (
    Clip,
    CropForeground,
    Interpolation,
    MinMax,
    Orient,
    PadToMultiple,
    PadToSize,
    Resample,
    ReverseAxes,
    ScalePercentiles,
    ScaleRange,
    ShiftScale,
    ZScore,
)
from MedAISegLib.models.spec import (
    ModelSpec,
)

PERCENTILES = {"_target_": "ScaleIntensityRangePercentilesd", "lower": 1, "upper": 99, "b_min": 0, "b_max": 1}


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., ModelSpec]:
    """Compiles the bundle of this suite, changed."""
    return lambda change=None: read(write_bundle(tmp_path, change)).spec


@pytest.mark.parametrize(
    ("transform", "operations"),
    [
        ({"_target_": "monai.transforms.Orientationd", "axcodes": "lps"}, [Orient("LPS")]),
        ({"_target_": "Orientation", "as_closest_canonical": True}, [Orient("RAS")]),
        (
            {"_target_": "SpacingDict", "pixdim": [1.5, 1, 2.0], "mode": "nearest"},
            [Resample((1.5, 1, 2), Interpolation.NEAREST)],
        ),
        ({"_target_": "SpacingD", "pixdim": 1.5, "mode": ["bilinear"]}, [Resample((1.5, 1.5, 1.5))]),
        ({"_target_": "Spacingd", "pixdim": [1, 1, -1], "align_corners": False}, [Resample((1, 1, 0))]),
        (
            {"_target_": "ScaleIntensityRanged", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 2, "clip": True},
            [ScaleRange(-57, 164, 0, 2, clip=True)],
        ),
        ({"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 10}, [ScaleRange(0, 10, 0, 1)]),
        (
            {"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 10, "b_min": None, "b_max": 0.5, "clip": True},
            [ScaleRange(0, 10, 0, 1), Clip(None, 0.5)],
        ),
        (
            {**PERCENTILES, "channel_wise": True},
            [ScalePercentiles(1, 99, channel_wise=True)],
        ),
        (
            {**PERCENTILES, "relative": True, "b_min": -1, "lower": 5, "upper": 90},
            [ScalePercentiles(5, 90, -0.9, 0.8)],
        ),
        (
            {"_target_": "Orientationd", "axcodes": "LPS", "labels": [["L", "R"], ["P", "A"], ["I", "S"]]},
            [Orient("LPS")],
        ),
        (
            {
                "_target_": "Spacingd", "keys": ["label", "image"], "pixdim": [2, 1],
                "mode": ["nearest", "bilinear"], "padding_mode": ["zeros", "border"],
            },
            [Resample((2, 1, 1))],
        ),
        ({"_target_": "ScaleIntensityd", "minv": -1.0, "maxv": 1.0}, [MinMax(-1, 1)]),
        ({"_target_": "ScaleIntensityd", "minv": None, "maxv": None, "factor": 0.5}, [ShiftScale(1.5)]),
        (
            {"_target_": "NormalizeIntensityd", "nonzero": True, "channel_wise": True},
            [ZScore(nonzero=True, channel_wise=True)],
        ),
        ({"_target_": "NormalizeIntensityd", "subtrahend": 40, "divisor": [20]}, [ZScore(mean=(40,), std=(20,))]),
        ({"_target_": "CropForegroundd", "source_key": "image"}, [CropForeground()]),
        (
            {"_target_": "CropForegroundd", "select_fn": "$lambda x: x > -500", "margin": 3, "allow_smaller": True},
            [CropForeground(-500, 3, within_image=True)],
        ),
        ({"_target_": "CropForegroundd", "margin": 3, "allow_smaller": False}, [CropForeground(0, 3)]),
        ({"_target_": "SpatialPadd", "spatial_size": [64, 64, -1]}, [PadToSize((64, 64, 0))]),
        ({"_target_": "DivisiblePadd", "k": 16}, [PadToMultiple((16, 16, 16))]),
        ({"_target_": "SpatialPad", "spatial_size": 8}, [PadToSize((8, 8, 8))]),
        ({"_target_": "SpatialPadDict", "spatial_size": 8}, [PadToSize((8, 8, 8))]),
        ({"_target_": "ThresholdIntensityd", "threshold": -100, "above": True, "cval": -100}, [Clip(-100)]),
        ({"_target_": "ThresholdIntensityd", "threshold": 100, "above": False, "cval": 100}, [Clip(None, 100)]),
        ({"_target_": "ShiftIntensityd", "offset": 1024}, [ShiftScale(offset=1024)]),
        ({"_target_": "CastToTyped", "dtype": "$torch.float32"}, []),
        ({"_target_": "EnsureTyped", "device": "$torch.device('cuda')", "track_meta": False}, []),
        ({"_target_": "Flipd", "keys": "label"}, []),
        ({"_target_": "Flipd", "_disabled_": "$not False"}, []),
        ({"_target_": "Compose", "transforms": [{"_target_": "ShiftIntensity", "offset": 1}]}, [ShiftScale(offset=1)]),
    ],
)  # fmt: skip
def test_preprocessing(spec: Callable[..., ModelSpec], transform: dict[str, Any], operations: list[Any]) -> None:
    model = spec(preprocessing({"_target_": "LoadImaged"}, transform))
    assert model.stages[0].preprocessing == (ReverseAxes(), *operations)


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        ({"_target_": "Resized", "spatial_size": [8, 8, 8]}, "its interpolation is area"),
        ({"_target_": "Resized", "spatial_size": 8, "mode": "trilinear", "size_mode": "longest"}, "depends on"),
        ({"_target_": "Flipd"}, "Flip is not understood"),
        ({"_target_": "RandFlipd"}, "RandFlip is not understood"),
        ({"_target_": "scripts.Mine"}, "code of the model's own"),
        ({"_target_": "Orientationd", "axcodes": "RAX"}, "three patient sides"),
        ({"_target_": "Spacingd", "pixdim": [1, 1, 1], "diagonal": True}, "patient's axes"),
        ({"_target_": "Spacingd", "pixdim": [1, 1, 1], "align_corners": True}, "corners"),
        ({"_target_": "Spacingd", "pixdim": [1, 1, 1], "mode": 1}, "interpolation 1 is a spline's order"),
        ({"_target_": "Spacingd", "pixdim": [1, 1, 1], "mode": "bicubic"}, "interpolation 'bicubic'"),
        ({"_target_": "Spacingd", "pixdim": [1, 1, 1], "max_pixdim": [2, 2, 2]}, "depends on the image"),
        ({"_target_": "Spacingd", "pixdim": ["a", 1, 1]}, "no number"),
        ({"_target_": "Spacingd"}, "no number"),
        ({"_target_": "Spacingd", "pixdim": [float("nan"), 1, 1]}, "no number"),
        ({"_target_": "LoadImaged", "reader": "ITKReader", "reverse_indexing": True}, "reverses the axes"),
        ({"_target_": "ScaleIntensityRanged", "a_min": 1, "a_max": 1}, "the same"),
        ({**PERCENTILES, "relative": True, "b_max": None}, "open"),
        ({"_target_": "Orientationd", "axcodes": "RAS", "labels": [["R", "L"], ["P", "A"], ["I", "S"]]}, "anew"),
        ({"_target_": "NormalizeIntensityd", "mysterious": 1}, "meaning of mysterious"),
        ({"_target_": "NormalizeIntensityd", "subtrahend": [1, 2], "divisor": [1, 2]}, "all channels together"),
        ({"_target_": "CropForegroundd", "k_divisible": 16}, "multiple"),
        ({"_target_": "SpatialPadd", "spatial_size": [64, 64, 64], "method": "end"}, "one side"),
        ({"_target_": "SpatialPadd", "spatial_size": [64, 64, 64], "value": -1024}, "zeros"),
        ({"_target_": "ThresholdIntensityd", "threshold": 5}, "others than the threshold"),
        ({"_target_": "CastToTyped", "dtype": "uint8"}, "rounds the image"),
        ({"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 9, "dtype": "$np.uint8"}, "rounds the image"),
        ({"_target_": "ScaleIntensityd", "minv": 0, "maxv": 255, "dtype": "uint8"}, "rounds the image"),
        ({"_target_": "NormalizeIntensityd", "dtype": "$np.float16"}, "rounds the image"),
    ],
)  # fmt: skip
def test_preprocessing_that_is_refused(spec: Callable[..., ModelSpec], transform: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        spec(preprocessing({"_target_": "LoadImaged"}, transform))


TURN = {"_target_": "Orientationd", "axcodes": "RAS"}
SPACING = {"_target_": "Spacingd", "pixdim": 2}
SHIFT = {"_target_": "ShiftIntensityd", "offset": 1}
CROP = {"_target_": "CropForegroundd"}
PAD = {"_target_": "SpatialPadd", "spatial_size": 8}


@pytest.mark.parametrize(
    ("transforms", "joined"),
    [
        ([TURN, SPACING, SHIFT, PAD], ""),
        ([TURN, SPACING, CROP, SHIFT], ""),
        ([TURN, CROP, SPACING], "CropForeground and Spacing"),
        ([SPACING, PAD], "Spacing and Pad|Spacing and SpatialPad"),
        ([SHIFT, SPACING, TURN], "Spacing and Orientation"),
    ],
)
@pytest.mark.parametrize("lazy", [True, None, False])
def test_lazy_steps_are_compiled_where_joining_them_changes_nothing(
    spec: Callable[..., ModelSpec], transforms: list[dict[str, Any]], joined: str, lazy: bool | None
) -> None:
    entries = [{"_target_": "LoadImaged"}, *transforms]

    def change(metadata: dict[str, Any], config: dict[str, Any]) -> None:
        preprocessing(*entries)(metadata, config)
        config["preprocessing"]["lazy"] = lazy

    if joined and lazy is not False:
        with pytest.raises(ModelError, match=joined):
            spec(change)
    else:
        assert len(spec(change).stages[0].preprocessing) == 1 + len(transforms)


@pytest.mark.parametrize(
    "transform",
    [
        {"_target_": "CropForegroundd", "source_key": "image", "select_fn": "$lambda x: eval('x')"},
        {"_target_": "Spacingd", "pixdim": "$__import__('os').sep"},
        {"_target_": "$__import__('os').system"},
        {"_target_": "Flipd", "_disabled_": "$__import__('os').sep"},
        "$@nothing + 1",
    ],
)
def test_code_in_the_preprocessing_is_refused(spec: Callable[..., ModelSpec], transform: dict[str, Any] | str) -> None:
    with pytest.raises(NotTrustedError, match="code"):
        spec(preprocessing({"_target_": "LoadImaged"}, transform))
