"""What a bundle's metadata says of its input channels, its segments and itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import ModelError
from ...core.records import from_json
from ...core.terminology import UNSPECIFIED, Terminology
from ...core.terminology_table import color_for, terminology_for
from ...models.spec import Channel, SegmentSpec
from ..sanity import require_countable

_MODALITIES = {
    "ct": "CT", "mr": "MR", "mri": "MR", "pt": "PT", "pet": "PT", "us": "US", "ultrasound": "US", "nm": "NM",
    "xa": "XA", "cr": "CR", "dx": "DX", "x-ray": "DX", "xray": "DX", "radiograph": "DX", "mg": "MG", "mammogram": "MG",
}  # fmt: skip
_LICENSES = (
    # Words of a licence's text, its name, whether it allows commercial use; the first that is found counts.
    ("non-commercial", "", False),
    ("noncommercial", "", False),
    ("apache license", "Apache-2.0", True),
    ("mit license", "MIT", True),
    ("cc by-nc", "", False),
    ("cc by-sa 4.0", "CC-BY-SA-4.0", True),
    ("attribution-sharealike 4.0", "CC-BY-SA-4.0", True),
    ("cc by 4.0", "CC-BY-4.0", True),
    ("attribution 4.0 international", "CC-BY-4.0", True),
    ("bsd 3-clause", "BSD-3-Clause", True),
)


def section(metadata: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The mapping at a path of the metadata; empty where there is none."""
    node: Any = metadata
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def text(metadata: Mapping[str, Any], key: str) -> str:
    """A text of the metadata; empty where there is none."""
    value = metadata.get(key)
    return value.strip() if isinstance(value, str) else ""


def image_format(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the metadata says of the input image."""
    return section(metadata, "network_data_format", "inputs", "image")


def prediction_format(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the metadata says of the network's output."""
    return section(metadata, "network_data_format", "outputs", "pred")


def channels(metadata: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    """The network's input channels.

    Raises:
        ModelError: if the metadata speaks of another number of channels than the network has, or that has too many.
    """
    require_countable("channels", count, "network_data_format")
    image = image_format(metadata)
    named = numbered(section(image, "channel_def"), "channel_def of the input")
    said = image.get("num_channels", count)
    if said != count or (named and len(named) != count):
        raise ModelError(
            f"the network takes {count} channels, but the metadata names {len(named) if said == count else said}.",
            where="network_data_format",
        )
    modality = _MODALITIES.get(text(image, "modality").lower(), "")
    units = "HU" if text(image, "format").lower() == "hounsfield" else ""
    names = [named.get(n, "image" if count == 1 else f"image {n + 1}") for n in range(count)]
    return tuple(Channel(name, modality, units) for name in names)


def class_names(metadata: Mapping[str, Any], labels: Any, count: int, *, overlapping: bool) -> dict[int, str]:
    """The structures by the class of the network that finds them; the background is left out.

    Args:
        labels: the config's own mapping of names to label values, if it has one.
        count: classes of the network.
        overlapping: each class is decided by itself, so that there need be no background class.

    Raises:
        ModelError: if the metadata speaks of another number of classes than the network has, or that has too many.
    """
    require_countable("classes", count, "network_data_format")
    prediction = prediction_format(metadata)
    said = prediction.get("num_channels", count)
    named = numbered(
        section(prediction, "channel_def") or section(prediction, "label_def"), "channel_def of the output"
    )
    if not named and isinstance(labels, dict):
        named = {value: str(name) for name, value in labels.items() if isinstance(value, int)}
    if overlapping and len(named) == count + 1 and is_background(named.get(0, "")):
        named = {number - 1: name for number, name in named.items() if number > 0}
    if said != count or (named and set(named) != set(range(count))):
        raise ModelError(
            f"the network tells {count} classes apart, but the metadata names {len(named) if said == count else said}.",
            where="network_data_format",
        )
    named = named or {number: f"label {number + overlapping}" for number in range(count)}
    if not overlapping or is_background(named[0]):
        named = {number: name for number, name in named.items() if number > 0}
    return named


def segments(metadata: Mapping[str, Any], names: Mapping[int, str]) -> tuple[SegmentSpec, ...]:
    """The segments by label value, with what the metadata's own ``medaiseg`` key says of them, else what is known.

    Raises:
        ModelError: if that key is damaged.
    """
    own = section(metadata, "medaiseg", "segments")
    taken: set[str] = set()
    found = []
    for value, name in names.items():
        entry = own.get(str(value), {})
        if not isinstance(entry, dict):
            raise ModelError("a mapping is expected.", where=f"medaiseg.segments.{value}")
        shown = _unique(text(entry, "name") or name, value, taken)
        found.append(_segment(SegmentSpec(value, shown, terminology_for(name) or UNSPECIFIED, color_for(name)), entry))
    return tuple(found)


def _segment(known: SegmentSpec, entry: Mapping[str, Any]) -> SegmentSpec:
    """The segment with what the metadata says of it itself."""
    terminology, color = known.terminology, known.color_rgb
    try:
        if "terminology" in entry:
            terminology = from_json(Terminology, entry["terminology"])
        if "color" in entry:
            color = from_json(tuple[int, int, int], entry["color"])
    except ValueError as error:
        raise ModelError(f"{error}.", where=f"medaiseg.segments.{known.label_value}") from error
    return replace(known, terminology=terminology, color_rgb=color)


def _unique(name: str, value: int, taken: set[str]) -> str:
    unique = f"{name} ({value})" if name in taken else name
    taken.add(unique)
    return unique


def is_background(name: str) -> bool:
    """Whether a class is named as what is no structure."""
    return name.strip().lower() in ("background", "bg")


def numbered(names: Mapping[str, Any], place: str) -> dict[int, str]:
    """Names by number, which JSON writes as a text.

    Raises:
        ModelError: if one is no number, or a name is no text.
    """
    if not all(isinstance(name, (str, int, float)) for name in names.values()):
        raise ModelError("a name is expected for each number.", where=place)
    try:
        return {int(number): str(name) for number, name in names.items()}
    except ValueError as error:
        raise ModelError(f"{error}.", where=place) from error


def license_of(root: Path, metadata: Mapping[str, Any]) -> tuple[str, bool | None]:
    """The licence's name or first line, and whether it allows commercial use (None where that is not clear)."""
    stated = text(metadata, "license")
    path = next((root / name for name in ("LICENSE", "LICENSE.txt", "docs/LICENSE") if (root / name).is_file()), None)
    words = stated or (_beginning(path) if path else "")
    first_line = next((line.strip() for line in words.splitlines() if line.strip()), "")
    for phrase, name, commercial in _LICENSES:
        if phrase in words.lower():
            return stated or name or first_line, commercial
    return stated or first_line, None


def _beginning(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(20_000)


def references(metadata: Mapping[str, Any]) -> str:
    """The publications to cite, one a line."""
    value = metadata.get("references")
    return "\n".join(str(item).strip() for item in value) if isinstance(value, list) else ""


def of_itself(identifier: str, root: Path, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a bundle says of itself, whatever it does with images: fields of a ModelSpec by name."""
    own = section(metadata, "medaiseg")
    license_name, commercial_use = license_of(root, metadata)
    return {
        "id": identifier,
        "name": text(metadata, "name") or identifier,
        "version": text(metadata, "version"),
        "description": text(metadata, "description"),
        "anatomy": text(own, "anatomy"),
        "license": license_name,
        "commercial_use": commercial_use,
        "citation": references(metadata),
        "intended_use": text(metadata, "intended_use"),
        "wants_region": own.get("wants_region") is True,
    }
