"""From a configuration to the preparation of the images and the channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import ModelError
from ...models.operations import (
    Clip,
    CropNonzero,
    IntensityOperation,
    MinMax,
    OnChannel,
    Operation,
    Orient,
    Resize,
    ShiftScale,
    Transpose,
    ZScore,
    ZScoreInside,
)
from ...models.spec import Channel
from .plans import Configuration, Intensity

_REORIENTING_READER = "NibabelIOWithReorient"
_CT, _Z_SCORE = "CTNormalization", "ZScoreNormalization"
_MODALITIES = {
    "ct": "CT", "mr": "MR", "mri": "MR", "t1": "MR", "t2": "MR", "flair": "MR", "t1c": "MR", "t1ce": "MR", "t1gd": "MR",
    "t1w": "MR", "t2w": "MR", "adc": "MR", "dwi": "MR", "pet": "PT", "pt": "PT",
}  # fmt: skip


def preprocessing(config: Configuration) -> tuple[Operation, ...]:
    """Orientation, axes, crop, normalisation and resampling, in nnU-Net's order.

    Raises:
        ModelError: if a normalisation is not known.
    """
    operations: list[Operation] = []
    if config.reader == _REORIENTING_READER:
        # That reader turns images to RAS and hands them on with the last axis first.
        operations.append(Orient("SAR"))
    operations += [Transpose(config.transpose_forward), CropNonzero(), *_normalisation(config)]
    spacing, way = config.spacing_mm, config.resampling
    if way.keeps_grid:
        return tuple(operations)
    along = (0.0, spacing[0], spacing[1]) if config.is_2d else (spacing[0], spacing[1], spacing[2])
    return (*operations, Resize(along, way.anisotropy, way.linear))


def channels(dataset: Mapping[str, Any], config: Configuration) -> tuple[Channel, ...]:
    """The network's input channels, by the names that the dataset gives them.

    Raises:
        ModelError: if it names another number than are normalised.
    """
    named = dataset.get("channel_names", dataset.get("modality"))
    if not isinstance(named, dict) or len(named) != len(config.normalization_schemes):
        raise ModelError(f"its dataset does not name {len(config.normalization_schemes)} channels.")
    try:
        names = [str(named[key]) for key in sorted(named, key=int)]
    except ValueError as error:
        raise ModelError(f"its channels are not numbered: {error}.") from error
    return tuple(_channel(name, scheme) for name, scheme in zip(names, config.normalization_schemes, strict=True))


def _channel(name: str, scheme: str) -> Channel:
    modality = "CT" if scheme == _CT else _MODALITIES.get(name.strip().lower(), "")
    return Channel(name, modality, "HU" if modality == "CT" else "")


def _normalisation(config: Configuration) -> list[Operation]:
    schemes = list(zip(config.normalization_schemes, config.use_mask_for_norm, strict=True))
    inside = tuple(n for n, (scheme, masked) in enumerate(schemes) if scheme == _Z_SCORE and masked)
    # First of all, since the body is told from the emptiness around it by values that are 0.
    operations: list[Operation] = [ZScoreInside(inside)] if inside else []
    for n, (scheme, _) in enumerate(schemes):
        if n not in inside:
            intensity = config.intensities[n] if n < len(config.intensities) else None
            operations += [OnChannel(n, step) for step in _scheme(scheme, intensity)]
    return operations


def _scheme(name: str, intensity: Intensity | None) -> tuple[IntensityOperation, ...]:
    if name == _CT:
        if intensity is None:
            raise ModelError("its plans lack the intensities that a CT is normalised by.")
        limits = Clip(intensity.percentile_00_5, intensity.percentile_99_5)
        return (limits, ZScore(mean=(intensity.mean,), std=(max(intensity.std, 1e-8),)))
    known: Mapping[str, tuple[IntensityOperation, ...]] = {
        _Z_SCORE: (ZScore(),),
        "NoNormalization": (),
        "RescaleTo01Normalization": (MinMax(),),
        "RGBTo01Normalization": (ShiftScale(1 / 255),),
    }
    if name not in known:
        raise ModelError(f"its normalisation {name} is not known.")
    return known[name]
