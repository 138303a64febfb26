"""The part of an Auto3DSeg configuration that decides how images are prepared and scores are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from ...core.errors import ModelError, NotTrustedError
from ...core.records import from_json
from ..sanity import require_countable


@dataclass(frozen=True)
class Configuration:
    """As the segresnet template reads it, with the template's defaults.

    Attributes:
        network: class name and arguments of the network.
        extra_modalities: normalisation of the second and further images, by name.
        intensity_bounds: the HU range that ``range`` and ``ct`` normalisation map onto -1..1.
        roi_size: voxels of a window.
        cache_image_int16: the image's values lose what is behind the point.
        anisotropic_scales: the network of the kind SegResNetDS is told the spacing.
        class_names: of the foreground classes, in order; empty where not given.
    """

    network: Mapping[str, Any]
    input_channels: int
    output_classes: int
    modality: str = "mri"
    normalize_mode: str = "meanstd"
    extra_modalities: Mapping[str, str] | None = None
    intensity_bounds: tuple[float, float] = (-250.0, 250.0)
    orientation_ras: bool = False
    crop_foreground: bool = True
    resample: bool = False
    resample_resolution: tuple[float, float, float] = (1.0, 1.0, 1.0)
    roi_size: tuple[int, int, int] = (128, 128, 128)
    sigmoid: bool = False
    cache_image_int16: bool = False
    anisotropic_scales: bool = False
    class_names: tuple[str, ...] = ()


_PLAIN = {
    "input_channels": int,
    "output_classes": int,
    "modality": str,
    "normalize_mode": str,
    "intensity_bounds": tuple[float, float],
    "orientation_ras": bool,
    "crop_foreground": bool,
    "resample": bool,
    "resample_resolution": tuple[float, float, float],
    "roi_size": tuple[int, int, int],
    "sigmoid": bool,
    "cache_image_int16": bool,
    "anisotropic_scales": bool,
}
_NESTED = ("network", "extra_modalities", "class_names")
_DEEPEST, _MOST_VALUES = 32, 20_000


def read_configuration(content: Any, where: str) -> Configuration:
    """What a checkpoint's ``config`` says.

    Raises:
        NotTrustedError: if it asks for code of its own.
        ModelError: if it is damaged or not supported.
    """
    if not isinstance(content, dict) or not isinstance(content.get("network"), dict):
        raise ModelError("its configuration does not describe a network.", where=where)
    if content.get("custom_data_transforms"):
        raise NotTrustedError("it wants to run transforms of its own.", where=where)
    if content.get("sliding_inferrer") is not None:
        raise ModelError("its configuration moves windows in an unknown way.", where=where)
    try:
        content = _plain({name: content.get(name) for name in (*_PLAIN, *_NESTED)}, count())
    except ValueError as error:
        raise ModelError(f"its configuration is damaged: {error}.", where=where) from error
    values: dict[str, Any] = {"network": content["network"]}
    try:
        for name, hint in _PLAIN.items():
            if content[name] is not None:
                values[name] = from_json(hint, content[name])  # type: ignore[arg-type]
    except (ValueError, AttributeError) as error:
        raise ModelError(f"its configuration has a wrong {name}: {error}.", where=where) from error
    if "normalize_mode" not in values:
        values["normalize_mode"] = "range" if values.get("modality", "").lower() == "ct" else "meanstd"
    extra, names = content["extra_modalities"] or {}, content["class_names"]
    if not isinstance(extra, dict):
        raise ModelError("its configuration names further images in an unknown way.", where=where)
    values["extra_modalities"] = {str(key): str(mode) for key, mode in extra.items()}
    if isinstance(names, list) and not all(isinstance(name, (str, int)) for name in names):
        raise ModelError("its class_names are no names.", where=where)
    values["class_names"] = tuple(map(str, names)) if isinstance(names, list) else ()
    for needed in ("input_channels", "output_classes"):
        if values.get(needed, 0) < 1:
            raise ModelError(f"its configuration does not say its {needed}.", where=where)
        require_countable(needed.partition("_")[2], values[needed], where)
    for here, there in (("input_channels", "in_channels"), ("output_classes", "out_channels")):
        stated = values["network"].get(there, values[here])
        if stated != values[here]:
            raise ModelError(f"it says {here} {values[here]}, and its network {there} {stated}.", where=where)
    return Configuration(**values)


def _plain(value: Any, seen: Iterator[int], depth: int = 0) -> Any:
    """Numbers of numpy as Python's own, tuples as lists.

    Args:
        seen: counts the values. A checkpoint's may hold themselves, or one list in many places.

    Raises:
        ValueError: if there is too much of it, or something that is no plain data.
    """
    if depth > _DEEPEST or next(seen) > _MOST_VALUES or getattr(value, "size", 0) > _MOST_VALUES:
        raise ValueError("it holds itself, or too much")
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item, seen, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, seen, depth + 1) for item in value]
    if isinstance(value, (slice, set)):
        raise ValueError(f"it holds a {type(value).__name__}")
    return value
