"""From the configuration to the preparation of the images, the windows and the channels."""

from __future__ import annotations

from ...core.errors import ModelError
from ...models.operations import (
    Clip,
    CropForeground,
    FromMinimum,
    IntensityOperation,
    OnChannel,
    Operation,
    Orient,
    Resample,
    ReverseAxes,
    ScaleRange,
    Sigmoid,
    SoftLimit,
    ZScore,
)
from ...models.spec import Activation, Blending, Channel, Windows
from ..own_description import FILE_NAME, OwnDescription
from .config import Configuration

_OVERLAP = 0.625
_CROP_MARGIN = 10
_SPACING_TOLERANCE = 0.25
"""The template leaves a spacing alone that is within a quarter of the wanted one."""

_MODALITIES = {"ct": "CT", "mri": "MR", "mr": "MR", "pet": "PT", "pt": "PT"}
_MODALITY_OF_MODE = {"ct": "CT", "mri": "MR", "pet": "PT"}


def preprocessing(config: Configuration) -> tuple[Operation, ...]:
    """Orientation, crop, resampling and normalisation, in the template's order.

    Raises:
        ModelError: if a normalisation is not known.
    """
    operations: list[Operation] = [ReverseAxes()]
    extra = config.extra_modalities or {}
    if config.orientation_ras:
        operations.append(Orient("RAS"))
    if config.crop_foreground and not extra:
        operations.append(CropForeground(margin=_CROP_MARGIN, within_image=True))
    if config.resample:
        operations.append(_resample(config.resample_resolution))
    first = (*_whole_numbers(config), *_normalisation(config.normalize_mode, config))
    if not extra:
        return (*operations, *first)
    for channel, steps in enumerate((first, *(_normalisation(mode, config) for mode in extra.values()))):
        operations += [OnChannel(channel, step) for step in steps]
    return tuple(operations)


def _whole_numbers(config: Configuration) -> tuple[IntensityOperation, ...]:
    """The template keeps the first image in 16 bits, to save memory, in inference as in training."""
    return (Clip(-(2.0**15), 2.0**15 - 1, whole=True),) if config.cache_image_int16 else ()


def _resample(spacing_mm: tuple[float, float, float]) -> Resample:
    return Resample(spacing_mm, tolerance=_SPACING_TOLERANCE, single_precision=True)


def windows(config: Configuration) -> Windows:
    """As the template's inferer moves them."""
    return Windows(config.roi_size, (_OVERLAP, _OVERLAP, _OVERLAP), Blending.GAUSSIAN)


def activation(config: Configuration) -> Activation:
    """What the template turns scores into before they are taken back to the source grid."""
    return Activation.SIGMOID if config.sigmoid else Activation.SOFTMAX


def channels(config: Configuration, own: OwnDescription) -> tuple[Channel, ...]:
    """The network's input channels.

    Raises:
        ModelError: if ``medaiseg.json`` or the configuration speaks of another number than the network has.
    """
    count, extra = config.input_channels, config.extra_modalities or {}
    if own.channels:
        if len(own.channels) != count:
            raise ModelError(f"it names {len(own.channels)} channels; the network has {count}.", where=FILE_NAME)
        return own.channels
    main = _MODALITIES.get(config.modality.lower(), "")
    if not extra:
        return tuple(_channel("image" if count == 1 else f"image {n}", main) for n in range(1, count + 1))
    if len(extra) + 1 != count:
        raise ModelError(f"its configuration names {len(extra) + 1} images; the network has {count} channels.")
    others = (_channel(name, _MODALITY_OF_MODE.get(mode, main)) for name, mode in extra.items())
    return (_channel("image", main), *others)


def _channel(name: str, modality: str) -> Channel:
    return Channel(name, modality, "HU" if modality == "CT" else "")


def _normalisation(mode: str, config: Configuration) -> tuple[IntensityOperation, ...]:
    if mode == "none":
        return ()
    if mode in ("range", "ct"):
        low, high = config.intensity_bounds
        return (ScaleRange(low, high, -1.0, 1.0), Sigmoid())
    if mode in ("meanstd", "mri"):
        return (ZScore(nonzero=True, channel_wise=True),)
    if mode == "meanstdtanh":
        return (ZScore(nonzero=True, channel_wise=True), SoftLimit(3.0))
    if mode == "pet":
        return (FromMinimum(), Sigmoid())
    raise ModelError(f"the normalisation {mode!r} is not known.")
